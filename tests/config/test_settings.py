"""Settings: where values come from, and what is refused with which words."""

import stat
from pathlib import Path

import pytest

from config.rungs import ConfiguredRung
from config.settings import FIELDS, Settings, SettingsError, load, masked, variable

SECRET = {"TALLY_SECRET": "0123456789abcdef"}


def read(directory: Path, **environ: str) -> Settings:
    return load(SECRET | environ, cwd=directory).settings


def refusal(directory: Path, environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(SECRET | environ, cwd=directory)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.data == tmp_path / "data"
    assert (settings.http_host, settings.http_port, settings.public_url) == ("0.0.0.0", 8080, "http://localhost:8080")
    assert (settings.rtmp_port, settings.rtmps_port, settings.srt_port, settings.irc_port) == (1935, 1936, 8890, 6667)
    assert (settings.part_s, settings.segment_s, settings.grace_s) == (0.333, 2.0, 30.0)
    assert settings.database_url is settings.redis_url is settings.s3_url is None
    assert (settings.registration, settings.ladder, settings.web_processes) == ("open", "auto", 1)
    assert settings.internal_base_url == "http://127.0.0.1:8081"
    assert settings.origin_base_url == "http://127.0.0.1:8082"


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "tally.toml").write_text('http_port = 9000\nrtmp_port = 9001\nladder = "720p,480p"\n')
    loaded = load(SECRET | {"TALLY_RTMP_PORT": "0"}, cwd=tmp_path)
    assert (loaded.settings.http_port, loaded.settings.rtmp_port, loaded.settings.srt_port) == (9000, 0, 8890)
    assert loaded.settings.ladder == "720p,480p"
    assert loaded.sources["http_port"] == str(tmp_path / "tally.toml")
    assert loaded.sources["rtmp_port"] == "TALLY_RTMP_PORT"
    assert loaded.sources["srt_port"] == "default"
    assert set(loaded.sources) == set(FIELDS)


def test_another_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("http_port = 9000\n")
    assert read(tmp_path, TALLY_CONFIG="other.toml").http_port == 9000
    assert "does not exist" in refusal(tmp_path, {"TALLY_CONFIG": "missing.toml"})


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    settings = read(tmp_path, TALLY_HTTP_PORT="", TALLY_DATABASE_URL="")
    assert settings.http_port == 8080
    assert settings.database_url is None


def test_an_unknown_variable_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    assert refusal(tmp_path, {"TALLY_HTP_PORT": "1"}) == (
        "there is no setting TALLY_HTP_PORT: did you mean TALLY_HTTP_PORT?"
    )
    assert "tally doctor" in refusal(tmp_path, {"TALLY_XYZZY": "1"})


def test_an_unknown_name_in_the_file_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "tally.toml").write_text('databse_url = "postgresql://h/d"\n')
    assert refusal(tmp_path, {}).endswith("there is no setting 'databse_url': did you mean database_url?")


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        ("http_port", "0", "a port from 1 to 65535"),
        ("http_port", "http", "a port from 1 to 65535"),
        ("rtmp_port", "65536", "a port from 1 to 65535, or 0 to turn it off"),
        ("rtmp_port", "-1", "or 0 to turn it off"),
        ("part_s", "nan", "a number of seconds from 0.1 to 2"),
        ("grace_s", "inf", "a number of seconds from 0 to 3600"),
        ("segment_s", "2 s", "a number of seconds from 1 to 10"),
        ("registration", "maybe", "open, invite or closed"),
        ("log_level", "INFO", "debug, info, warning or error"),
        ("public_url", "localhost:8080", "an http:// or https:// address"),
        ("database_url", "mysql://h/d", "an address such as postgresql://"),
        ("redis_url", "localhost", "an address such as redis://"),
        ("webhook_allow", "10.0.0.0/33", "networks such as 10.0.0.0/8"),
        ("ladder", "720p, 480p", "names of rungs such as 720p,480p"),
        ("encoder", "x264", "libx264, h264_nvenc"),
        ("encoder_preset", "very fast", "such as veryfast"),
        ("transcode_cores", "-1", "or 0 for 80 %"),
        ("max_height", "1080p", "or 0 for no limit"),
        ("http_host", "a b", "a host name or an address"),
        ("web_processes", "0", "a number from 1 to 64"),
    ],
)
def test_a_bad_value_names_the_variable_and_the_accepted_form(tmp_path: Path, name: str, value: str, form: str) -> None:
    line = refusal(tmp_path, {variable(name): value})
    assert line.startswith(f"{variable(name)} is {value!r}: give ")
    assert form in line


def test_every_setting_can_say_what_it_accepts(tmp_path: Path) -> None:
    for name in set(FIELDS) - {"secret"}:
        (tmp_path / "tally.toml").write_text(f"[{name}]\nkey = 1\n")
        words = refusal(tmp_path, {}).split(": give ")
        assert name in words[0]
        assert words[1]


def test_a_file_that_is_not_toml_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "tally.toml").write_text("http_port = \n")
    assert str(tmp_path / "tally.toml") in refusal(tmp_path, {})


def test_passwords_do_not_show_in_refusals_or_print(tmp_path: Path) -> None:
    assert "hunter2" not in refusal(tmp_path, {"TALLY_DATABASE_URL": "mysql://u:hunter2@h/d"})
    assert "short-one" not in refusal(tmp_path, {"TALLY_SECRET": "short-one"})
    settings = read(
        tmp_path,
        TALLY_DATABASE_URL="postgresql://u:hunt/er@2@h/d?password=hunter2",
        TALLY_REDIS_URL="redis://:hunter2@h:1/0",
        TALLY_S3_URL="s3://KEY:hunter2@h/bucket?region=x",
    )
    for shown in (repr(settings), str(settings), repr(masked(settings))):
        assert "hunter2" not in shown
        assert "er@2" not in shown
        assert SECRET["TALLY_SECRET"] not in shown
        assert "postgresql://u:****@h/d" in shown


def test_a_made_secret_is_kept_private_and_used_again(tmp_path: Path) -> None:
    first = load({}, cwd=tmp_path, make_secret=True)
    path = tmp_path / "data" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(first.settings.secret) >= 40
    second = load({}, cwd=tmp_path)
    assert second.settings.secret == first.settings.secret
    assert second.sources["secret"] == str(path)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["secret"]


def test_a_set_secret_wins_over_the_kept_one(tmp_path: Path) -> None:
    load({}, cwd=tmp_path, make_secret=True)
    assert read(tmp_path).secret == SECRET["TALLY_SECRET"]


def test_a_missing_secret_is_refused_unless_nothing_is_signed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TALLY_SECRET is not set"):
        load({}, cwd=tmp_path)
    assert load({}, cwd=tmp_path, bare=True).settings.secret == ""


def test_a_segment_has_room_for_two_parts(tmp_path: Path) -> None:
    assert "at least two parts" in refusal(tmp_path, {"TALLY_PART_S": "0.6", "TALLY_SEGMENT_S": "1"})


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    assert "belong together" in refusal(tmp_path, {"TALLY_TLS_CERTIFICATE": "c.pem"})
    assert read(tmp_path, TALLY_TLS_CERTIFICATE="c.pem", TALLY_TLS_KEY="k.pem").serves_rtmps
    assert not read(tmp_path).serves_rtmps


def test_listeners_on_all_addresses_are_reached_over_loopback(tmp_path: Path) -> None:
    assert read(tmp_path, TALLY_ORIGIN_HOST="0.0.0.0").origin_base_url == "http://127.0.0.1:8082"
    assert read(tmp_path, TALLY_INTERNAL_HOST="::").internal_base_url == "http://[::1]:8081"
    assert read(tmp_path, TALLY_ORIGIN_URL="http://media-1:9000/").origin_base_url == "http://media-1:9000"


def test_a_table_of_rungs_replaces_the_default_ones(tmp_path: Path) -> None:
    assert list(read(tmp_path).rungs) == ["1080p60", "1080p", "720p60", "720p", "480p", "360p"]
    (tmp_path / "tally.toml").write_text("[rungs.540p]\nheight = 540\nbitrate_kbps = 1800\n")
    loaded = load(SECRET, cwd=tmp_path)
    assert loaded.settings.rungs == {"540p": ConfiguredRung(height=540, bitrate_kbps=1800, frame_rate=30)}
    assert masked(loaded.settings)["rungs.540p"] == "540 lines, 30 fps, 1800 kb/s"
    assert loaded.sources["rungs"] == str(tmp_path / "tally.toml")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("[rungs]\n720p = 720\n", "rungs.720p in {} is 720: give a table for each rung, such as [rungs.720p]"),
        ("[rungs.720P]\nheight = 720\nbitrate_kbps = 1\n", "rungs.720P in {} is not a name for a rung: give 1 to 16"),
        ("[rungs.audio]\nheight = 720\nbitrate_kbps = 1\n", "rungs.audio in {} is not a name for a rung"),
        ("[rungs.a]\nheight = 1e9\nbitrate_kbps = 1\n", "rungs.a.height in {} is 1000000000.0: give a number of lines"),
        ("[rungs.a]\nheight = 720\nbitrate_kbps = 1\n", "rungs.a.bitrate_kbps in {} is 1: give a number from 50"),
        ("[rungs.a]\nheight = 720\n", "rungs.a in {} has no bitrate_kbps: give "),
        ("[rungs.a]\nheight = 720\nbitrate = 50\n", "rungs.a in {} has no 'bitrate': did you mean bitrate_kbps?"),
        ("rungs = 'auto'\n", "rungs in {} is 'auto': give a table for each rung"),
        (
            "".join(f"[rungs.a{number}]\nheight = 720\nbitrate_kbps = 50\n" for number in range(17)),
            "rungs in {} has 17 rungs: give at most 16",
        ),
    ],
)
def test_a_bad_rung_names_its_place_and_what_is_accepted(tmp_path: Path, table: str, words: str) -> None:
    path = tmp_path / "tally.toml"
    path.write_text(table)
    assert refusal(tmp_path, {}).startswith(words.format(path))


def test_rungs_are_not_read_from_the_environment(tmp_path: Path) -> None:
    assert "such as [rungs.720p]" in refusal(tmp_path, {"TALLY_RUNGS": "720p"})


def test_a_ladder_of_unknown_rungs_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    assert refusal(tmp_path, {"TALLY_LADDER": "720p,48p"}).endswith("there is no rung '48p': did you mean 480p?")
    (tmp_path / "tally.toml").write_text("[rungs.small]\nheight = 240\nbitrate_kbps = 300\n")
    assert refusal(tmp_path, {"TALLY_LADDER": "720p"}).endswith("there is no rung '720p': there are small")
    assert read(tmp_path, TALLY_LADDER="small").ladder == "small"


def test_a_preset_belongs_to_its_encoder(tmp_path: Path) -> None:
    assert "faster would do" in refusal(tmp_path, {"TALLY_ENCODER_PRESET": "fasterr"})
    assert "p4 would do" in refusal(tmp_path, {"TALLY_ENCODER": "h264_nvenc"})
    assert "10 would do" in refusal(tmp_path, {"TALLY_ENCODER": "libsvtav1"})
    assert read(tmp_path, TALLY_ENCODER="libsvtav1", TALLY_ENCODER_PRESET="9").encoder == "libsvtav1"


def test_limits_are_off_until_they_are_set(tmp_path: Path) -> None:
    settings = read(tmp_path, TALLY_MAX_HEIGHT="1080", TALLY_SLATE="away.png", TALLY_TRANSCODE_CORES="1.5")
    assert (settings.max_bitrate_kbps, settings.max_frame_rate, settings.max_duration_s, settings.max_streams) == (
        0,
        0,
        0,
        0,
    )
    assert (settings.max_height, settings.transcode_cores) == (1080, 1.5)
    assert settings.slate == tmp_path / "away.png"
    assert read(tmp_path).slate is None
