"""Files of the object store on their way to viewers."""

from collections import Counter
from pathlib import Path

import pytest

from config.objects.opening import open_stores
from config.objects.store import IMMUTABLE, StoreUnavailable
from config.settings import load
from web.archive.objects import Absent, Objects

KEY = "recordings/c1/s1/video-1.m4s"
BUCKET = "s3://KEY:SECRET@127.0.0.1:9/bucket?secure=0"
"""Nobody listens there: addresses are made without asking."""


def settings_of(path: Path, **more: str) -> dict[str, str]:
    return {
        "TALLY_DATA": str(path),
        "TALLY_SECRET": "a secret for tests only",
        **{f"TALLY_{name.upper()}": value for name, value in more.items()},
    }


async def test_a_file_is_handed_on(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    async with open_stores(load(settings_of(tmp_path), cwd=tmp_path).settings) as stores:
        await stores.of(KEY).put(KEY, b"media", content_type="video/mp4")
        objects = Objects(stores, "proxy", lambda outcome: outcomes.update([outcome]))
        found = await objects.bring(KEY, is_public=True)
        assert (found.body, found.content_type, found.cache_control) == (b"media", "video/mp4", IMMUTABLE)
        with pytest.raises(Absent):
            await objects.bring("recordings/c1/s1/video-2.m4s", is_public=True)
    assert outcomes == {"read": 1, "absent": 1}


@pytest.mark.parametrize("is_public", [True, False])
async def test_presigned_addresses_are_for_everybody_who_may_watch(tmp_path: Path, is_public: bool) -> None:
    environ = settings_of(tmp_path, s3_url=BUCKET, s3_delivery="presigned")
    async with open_stores(load(environ, cwd=tmp_path).settings) as stores:
        found = await Objects(stores, "presigned", lambda _: None).bring(KEY, is_public=is_public)
    assert found.location.startswith(f"http://127.0.0.1:9/bucket/{KEY}?")
    assert "X-Amz-Expires=600" in found.location
    assert found.cache_control == "public, max-age=300"  # what a cache answers works for 300 s more
    assert found.memory_s < 300


async def test_a_public_address_is_for_public_things_alone(tmp_path: Path) -> None:
    environ = settings_of(tmp_path, s3_url=BUCKET, s3_delivery="public", s3_public_url="https://cdn.example/media/")
    async with open_stores(load(environ, cwd=tmp_path).settings) as stores:
        objects = Objects(stores, "public", lambda _: None)
        found = await objects.bring(KEY, is_public=True)
        assert found.location == f"https://cdn.example/media/{KEY}"
        with pytest.raises(StoreUnavailable):
            await objects.bring(KEY, is_public=False)  # it asks the bucket itself
