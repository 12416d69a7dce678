"""`tally doctor` before real servers, full disks and taken ports."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from config import doctor
from config.doctor import Check, Report
from config.postgres import connect
from config.settings import Loaded, load
from tests.product import PORTS
from tests.rclone import S3Server

pytestmark = pytest.mark.services


@pytest.fixture
def environ(free_port: Callable[[], int]) -> dict[str, str]:
    return {name: str(free_port()) for name in PORTS}


def loaded(directory: Path, environ: dict[str, str], **more: str) -> Loaded:
    return load(environ | more, cwd=directory, bare=True)


def of(report: Report, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


async def test_a_fresh_machine_is_fine(tmp_path: Path, environ: dict[str, str]) -> None:
    report = await doctor.examine(loaded(tmp_path, environ))
    assert not report.failed
    assert of(report, "postgres").detail.startswith("embedded PostgreSQL ")
    assert "not running" in of(report, "redis").detail
    assert "libx264 and aac" in of(report, "ffmpeg").detail
    assert of(report, f"port {environ['TALLY_RTMP_PORT']}").detail == "free (TALLY_RTMP_PORT)"
    assert of(report, "srt").outcome in ("ok", "warning")
    assert not (tmp_path / "data").exists()  # it changes nothing


async def test_servers_are_asked(tmp_path: Path, environ: dict[str, str], database_url: str, redis_url: str) -> None:
    report = await doctor.examine(loaded(tmp_path, environ, TALLY_DATABASE_URL=database_url, TALLY_REDIS_URL=redis_url))
    assert not report.failed
    assert of(report, "postgres").detail.endswith(" answers")
    assert of(report, "migrations").outcome == "ok"
    assert of(report, "clock").outcome == "ok"
    assert of(report, "redis").detail.endswith(" answers")


async def test_missing_migrations_fail(tmp_path: Path, environ: dict[str, str], empty_database_url: str) -> None:
    report = await doctor.examine(loaded(tmp_path, environ, TALLY_DATABASE_URL=empty_database_url))
    assert report.failed
    assert "run `tally migrate`" in of(report, "migrations").detail


async def test_a_newer_database_fails(tmp_path: Path, environ: dict[str, str], database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute("INSERT INTO schema_migrations VALUES (9999, '9999_future.sql', 'x')")
    await connection.close()
    report = await doctor.examine(loaded(tmp_path, environ, TALLY_DATABASE_URL=database_url))
    assert of(report, "migrations").outcome == "failed"
    assert "9999_future.sql" in of(report, "migrations").detail


async def test_servers_that_do_not_answer_fail_without_their_passwords(
    tmp_path: Path, environ: dict[str, str], free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "DATABASE_S", 0.1)
    monkeypatch.setattr("config.redis.RETRIES", 1)
    urls = {
        "TALLY_DATABASE_URL": f"postgresql://u:hunter2@127.0.0.1:{free_port()}/d",
        "TALLY_REDIS_URL": f"redis://:hunter2@127.0.0.1:{free_port()}/0",
    }
    report = await doctor.examine(loaded(tmp_path, environ, **urls))
    assert report.failed
    assert of(report, "postgres").outcome == of(report, "redis").outcome == "failed"
    for text in (doctor.as_text(report), doctor.as_json(report)):
        assert "hunter2" not in text
        assert "postgresql://u:****@127.0.0.1" in text


async def test_a_taken_port_fails(tmp_path: Path, environ: dict[str, str]) -> None:
    port = environ["TALLY_RTMP_PORT"]
    with socket.create_server(("127.0.0.1", int(port))):
        report = await doctor.examine(loaded(tmp_path, environ))
    assert report.failed
    assert of(report, f"port {port}").detail == (
        f"port {port} (TALLY_RTMP_PORT) is in use by another program: stop it or set TALLY_RTMP_PORT"
    )


async def test_a_full_disk_fails_and_a_nearly_full_one_warns(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    total = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: total._replace(free=1 << 20))
    assert of(await doctor.examine(loaded(tmp_path, environ)), "disk").outcome == "failed"
    monkeypatch.setattr(shutil, "disk_usage", lambda path: total._replace(free=1 << 30))
    assert of(await doctor.examine(loaded(tmp_path, environ)), "disk").outcome == "warning"


async def test_a_place_without_room_for_data_fails(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "file").write_text("")
    report = await doctor.examine(loaded(tmp_path, environ, TALLY_DATA=str(tmp_path / "file")))
    assert of(report, "data").outcome == "failed"
    report = await doctor.examine(loaded(tmp_path, environ, TALLY_DATA=str(tmp_path / "file" / "data")))
    assert of(report, "data").outcome == "failed"


async def test_data_of_another_postgres_fails(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    (tmp_path / "data" / "postgres" / "PG_VERSION").write_text("9\n")
    report = await doctor.examine(loaded(tmp_path, environ))
    assert "made by PostgreSQL 9" in of(report, "postgres").detail
    assert of(report, "postgres").outcome == "failed"


def test_clocks_that_differ_are_told() -> None:
    assert doctor._check_clock(0.2).outcome == "ok"
    assert doctor._check_clock(-2).outcome == "warning"
    assert doctor._check_clock(-31).outcome == "failed"


async def test_settings_show_their_source_and_no_secret(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "tally.toml").write_text('ladder = "off"\n')
    report = await doctor.examine(loaded(tmp_path, environ, TALLY_SECRET="0123456789abcdef"))
    shown = {one["name"]: one for one in json.loads(doctor.as_json(report))["settings"]}
    assert shown["ladder"] == {"name": "ladder", "value": "off", "source": str(tmp_path / "tally.toml")}
    assert shown["secret"] == {"name": "secret", "value": "****", "source": "TALLY_SECRET"}
    assert shown["http_port"]["source"] == "TALLY_HTTP_PORT"
    assert shown["part_s"] == {"name": "part_s", "value": 0.333, "source": "default"}
    assert "0123456789abcdef" not in doctor.as_text(report)
    assert os.linesep.join(["", "ladder           off"]) in doctor.as_text(report)


async def test_the_encoder_is_tried_and_the_cores_are_counted(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = await doctor.examine(loaded(tmp_path, environ, TALLY_TRANSCODE_CORES="1"))
    assert of(report, "encoder").detail == "libx264 veryfast works here"
    assert of(report, "cores").detail.startswith("ladders may use 1 of ")
    monkeypatch.setattr(doctor, "usable_cores", lambda: 2.0)
    assert doctor._check_cores(loaded(tmp_path, environ).settings).detail.startswith("ladders may use 1.6 of 2 ")
    too_many = loaded(tmp_path, environ, TALLY_TRANSCODE_CORES="3").settings
    assert doctor._check_cores(too_many).outcome == "warning"


async def test_an_encoder_without_its_card_is_a_warning(tmp_path: Path, environ: dict[str, str]) -> None:
    settings = loaded(tmp_path, environ, TALLY_ENCODER="h264_videotoolbox").settings
    check = await doctor._check_encoder(settings)
    assert check.outcome == "warning"
    assert check.detail.startswith("h264_videotoolbox veryfast does not work here (")
    assert check.detail.endswith("): libx264 is used")
    off = loaded(tmp_path, environ, TALLY_ENCODER="h264_videotoolbox", TALLY_LADDER="off").settings
    assert (await doctor._check_encoder(off)).outcome == "ok"


async def test_a_bucket_is_written_to_and_left_empty(
    tmp_path: Path, environ: dict[str, str], s3_server: S3Server
) -> None:
    report = await doctor.examine(loaded(tmp_path, environ, TALLY_S3_URL=s3_server.url))
    assert of(report, "storage") == Check(
        "storage", "ok", f"bucket {s3_server.bucket} on 127.0.0.1: written, read and deleted"
    )
    assert of(report, "spool").outcome == "ok"
    assert not s3_server.stored()


async def test_what_is_wrong_with_a_bucket_is_named(tmp_path: Path, s3_server: S3Server) -> None:
    for mistake, words in (
        (s3_server.url_at(s3_server.port, bucket="nothing"), "there is no bucket nothing"),
        (s3_server.url_at(s3_server.port, secret="hunter2"), "does not take the secret"),
    ):
        checks = await doctor.check_stores(loaded(tmp_path, {}, TALLY_RECORDINGS_S3_URL=mistake).settings)
        assert [check.outcome for check in checks] == ["ok", "failed"]
        assert words in checks[1].detail
        assert "TALLY_RECORDINGS_S3_URL" in checks[1].detail
        assert "hunter2" not in checks[1].detail


def test_a_spool_that_fills_is_a_warning(tmp_path: Path) -> None:
    session = tmp_path / "data" / "spool" / "s1"
    session.mkdir(parents=True)
    (session / "source-0.m4s").write_bytes(bytes(90_000))
    check = doctor.check_spool(loaded(tmp_path, {}, TALLY_SPOOL_MAX_GB="0.0001").settings)
    assert check.outcome == "warning"
    assert "storage is away or too slow" in check.detail
    assert doctor.check_spool(loaded(tmp_path, {}).settings).outcome == "ok"
