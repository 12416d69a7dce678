"""Which store a key belongs to, and where viewers may fetch it themselves."""

from pathlib import Path

import pytest

from config.objects.opening import open_stores
from config.settings import Settings, SettingsError, load

URL, OTHER = "s3://k:s@127.0.0.1:1/live?secure=0&prefix=a", "s3://k:s@127.0.0.1:1/kept?secure=0"


def settings(tmp_path: Path, **more: str) -> Settings:
    return load({f"TALLY_{name}": value for name, value in more.items()}, cwd=tmp_path, bare=True).settings


async def test_files_are_one_store_without_addresses(tmp_path: Path) -> None:
    async with open_stores(settings(tmp_path)) as stores:
        assert stores.of("live/a") is stores.of("clips/a")
        assert len(stores.each()) == 1
        assert stores.address("live/a", 60) is None
        assert stores.origins() == []


async def test_recordings_and_clips_may_have_a_bucket_of_their_own(tmp_path: Path) -> None:
    async with open_stores(settings(tmp_path, S3_URL=URL, RECORDINGS_S3_URL=OTHER)) as stores:
        assert stores.of("recordings/a") is stores.of("clips/a") is not stores.of("live/a")
        assert len(stores.each()) == 2


async def test_presigned_addresses_name_bucket_and_folder(tmp_path: Path) -> None:
    async with open_stores(settings(tmp_path, S3_URL=URL, S3_DELIVERY="presigned")) as stores:
        address = stores.address("live/a.m4s", 60)
        assert stores.origins() == ["http://127.0.0.1:1"]
    assert address is not None
    assert address.startswith("http://127.0.0.1:1/live/a/live/a.m4s?")
    assert "X-Amz-Signature=" in address
    assert "X-Amz-Expires=60" in address


async def test_public_addresses_are_for_what_is_in_the_public_bucket(tmp_path: Path) -> None:
    public = {"S3_DELIVERY": "public", "S3_PUBLIC_URL": "https://cdn.example.org/x/"}
    async with open_stores(settings(tmp_path, S3_URL=URL, **public)) as stores:
        assert stores.address("recordings/a.m4s", 60) == "https://cdn.example.org/x/recordings/a.m4s"
    async with open_stores(settings(tmp_path, S3_URL=URL, RECORDINGS_S3_URL=OTHER, **public)) as stores:
        assert stores.address("live/a.m4s", 60) == "https://cdn.example.org/x/live/a.m4s"
        assert stores.address("recordings/a.m4s", 60) is None


def test_a_bad_address_is_a_line_that_names_the_setting_without_its_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TALLY_S3_URL") as caught:
        settings(tmp_path, S3_URL="s3://k:hunter2@host/bucket?regoin=eu")
    assert "regoin" in str(caught.value)
    assert "hunter2" not in str(caught.value)
