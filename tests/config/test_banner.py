"""The announcement of `tally serve`."""

from pathlib import Path

import pytest

from config import banner, libsrt
from config.settings import Settings, load


def settings(directory: Path, **environ: str) -> Settings:
    return load({"TALLY_SECRET": "x" * 16} | environ, cwd=directory).settings


def test_addresses_are_as_obs_wants_them(tmp_path: Path) -> None:
    tls = {"TALLY_TLS_CERTIFICATE": "c", "TALLY_TLS_KEY": "k"}
    assert banner.publish_addresses(settings(tmp_path)) == {
        "rtmp": "rtmp://localhost/live",
        "srt": "srt://localhost:8890",
        "whip": "http://localhost:8080/whip",
    }
    assert banner.publish_addresses(settings(tmp_path, TALLY_PUBLIC_URL="https://tv.example/x", **tls)) == {
        "rtmp": "rtmp://tv.example/live",
        "rtmps": "rtmps://tv.example:1936/live",
        "srt": "srt://tv.example:8890",
        "whip": "https://tv.example/x/whip",
    }
    only_rtmp = {"TALLY_RTMP_PORT": "9", "TALLY_SRT_PORT": "0", "TALLY_WEBRTC_PORT": "0"}
    assert banner.publish_addresses(settings(tmp_path, TALLY_PUBLIC_URL="http://[::1]:8080", **only_rtmp)) == {
        "rtmp": "rtmp://[::1]:9/live"
    }


def test_srt_is_announced_where_its_library_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library, is_there in ((libsrt.Found("libsrt.so", "1.5.1"), True), ("install libsrt", False)):
        monkeypatch.setattr(libsrt, "find", lambda found=library: found)
        assert ("srt://localhost:8890" in banner.text(settings(tmp_path), "1.2.3", None)) is is_there
    assert "http://localhost:8080/whip" in banner.text(settings(tmp_path), "1.2.3", None)


def test_secrets_show_on_the_first_run_only(tmp_path: Path) -> None:
    made = banner.FirstRun("http://localhost:8080/demo", "live_key", "admin", "pass word")
    first = banner.text(settings(tmp_path), "1.2.3", made)
    assert "Tallylight 1.2.3 is ready" in first
    for shown in ("http://localhost:8080/demo", "live_key", "admin, password pass word", "data/first-run.json"):
        assert shown in first
    later = banner.text(settings(tmp_path), "1.2.3", None)
    assert "http://localhost:8080" in later
    assert "password" not in later


def test_a_missing_or_odd_first_run_file_is_no_trouble(tmp_path: Path) -> None:
    assert banner.read_first_run(tmp_path) is None
    (tmp_path / "first-run.json").write_text('{"watchUrl": 1}')
    assert banner.read_first_run(tmp_path) is None
    (tmp_path / "first-run.json").write_text(
        '{"watchUrl":"w","rtmpUrl":"r","streamKey":"k","adminUser":"a","adminPassword":"p"}'
    )
    assert banner.read_first_run(tmp_path) == banner.FirstRun("w", "k", "a", "p")
