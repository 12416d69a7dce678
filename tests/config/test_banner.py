"""The announcement of `tally serve`."""

from pathlib import Path

from config import banner
from config.settings import Settings, load


def settings(directory: Path, **environ: str) -> Settings:
    return load({"TALLY_SECRET": "x" * 16} | environ, cwd=directory).settings


def test_addresses_are_as_obs_wants_them(tmp_path: Path) -> None:
    tls = {"TALLY_TLS_CERTIFICATE": "c", "TALLY_TLS_KEY": "k"}
    assert banner.publish_addresses(settings(tmp_path)) == ["rtmp://localhost/live"]
    assert banner.publish_addresses(settings(tmp_path, TALLY_RTMP_PORT="0")) == []
    assert banner.publish_addresses(settings(tmp_path, TALLY_PUBLIC_URL="https://tv.example/x", **tls)) == [
        "rtmp://tv.example/live",
        "rtmps://tv.example:1936/live",
    ]
    assert banner.publish_addresses(settings(tmp_path, TALLY_PUBLIC_URL="http://[::1]:8080", TALLY_RTMP_PORT="9")) == [
        "rtmp://[::1]:9/live"
    ]


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
