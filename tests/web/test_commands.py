"""Commands at a terminal."""

import asyncio
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from config import libsrt
from config.postgres import open_pool
from config.settings import Settings
from web.__main__ import main
from web.app import openapi_text
from web.tokens import digest

DEADLINE_S = 30


class Terminal:
    """Runs `tally web ARGUMENTS` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Return the exit code and what was printed."""
        code = main(arguments)
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def json(self, *arguments: str) -> dict[str, Any]:
        code, out, err = self.run(*arguments, "--json")
        assert code == 0, err
        shown: dict[str, Any] = json.loads(out)
        return shown


def environ_of(settings: Settings) -> dict[str, str]:
    return {
        "TALLY_DATA": str(settings.data),
        "TALLY_DATABASE_URL": str(settings.database_url),
        "TALLY_REDIS_URL": str(settings.redis_url),
    }


@pytest.fixture
def terminal(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    for name, value in environ_of(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("config.logs.configure", lambda *_: None)  # the log belongs to pytest
    return Terminal(capsys)


def query(settings: Settings, statement: str) -> list[Any]:
    """Return the first column of what a statement gives."""

    async def ask() -> list[Any]:
        async with await open_pool(str(settings.database_url)) as pool:
            return [row[0] for row in await pool.fetch(statement)]

    return asyncio.run(ask())


def test_the_document_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi"]) == 0
    printed = capsys.readouterr().out
    assert printed == openapi_text()
    assert json.loads(printed)["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["user"],
        ["user", "add"],
        ["channel", "add"],
        ["channel", "limit"],
        ["key", "rotate"],
        ["first-run"],
        ["openapi"],
    ],
)
def test_every_command_has_help_with_an_example(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    assert "Example: tally " in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["user"], ["user", "add"], ["channel", "add", "x"], ["nothing"], ["key", "eat"]])
def test_a_wrong_command_line_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: tally" in capsys.readouterr().err


def test_unknown_parts_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALLY_SECRET", "a secret for tests only")
    assert main(["--parts", "api,bread"]) == 1
    assert capsys.readouterr().err == "tally: --parts takes api, hls, chat, irc, joined by commas; not 'api,bread'\n"


def test_without_a_database_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["user", "add", "alice"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.services
def test_accounts_channels_and_keys_from_a_terminal(terminal: Terminal, settings: Settings) -> None:
    user = terminal.json("user", "add", "alice")
    assert (user["username"], user["isAdmin"], len(user["password"])) == ("alice", False, 16)
    for name in ("news", "more"):  # the limit of one channel binds accounts, not this terminal
        channel = terminal.json("channel", "add", name, "--owner", "alice")
        assert channel["streamKey"].startswith("live_")
    shown = terminal.json("key", "show", "more")
    assert shown["lastFour"] == channel["streamKey"][-4:]
    assert channel["streamKey"] not in str(shown)
    rotated = terminal.json("key", "rotate", "more")
    valid = query(settings, "SELECT key_hash FROM stream_keys WHERE revoked_at IS NULL")
    assert digest(rotated["streamKey"]) in valid
    assert digest(channel["streamKey"]) not in valid
    code, out, _ = terminal.run("user", "add", "root_of_all", "--admin")
    assert code == 0
    assert "isAdmin   True" in out


@pytest.mark.services
def test_a_channel_is_limited_from_a_terminal(terminal: Terminal, settings: Settings) -> None:
    terminal.json("user", "add", "alice")
    terminal.json("channel", "add", "news", "--owner", "alice")
    nothing = {"channel": "news", "maxBitrateKbps": None, "maxHeight": None, "maxFrameRate": None, "maxDurationS": None}
    assert terminal.json("channel", "limit", "news") == nothing
    shown = terminal.json("channel", "limit", "news", "--max-bitrate-kbps", "6000", "--max-height", "1080")
    assert shown == {**nothing, "maxBitrateKbps": 6000, "maxHeight": 1080}
    shown = terminal.json("channel", "limit", "news", "--max-height", "0", "--max-duration-s", "3600")
    assert shown == {**nothing, "maxBitrateKbps": 6000, "maxHeight": 0, "maxDurationS": 3600}
    assert query(settings, "SELECT max_duration_s FROM channels") == [3600]
    for wrong in ("-1", "x", "1.5", str(1 << 31)):
        with pytest.raises(SystemExit) as refused:
            terminal.run("channel", "limit", "news", "--max-height", wrong)
        assert refused.value.code == 2
    assert terminal.run("channel", "limit", "nothing")[0] == 1


@pytest.mark.services
def test_what_can_not_be_done_is_one_line_and_exit_code_1(terminal: Terminal) -> None:
    terminal.json("user", "add", "alice")
    for arguments, reason in (
        (("user", "add", "alice"), "This username is taken."),
        (("user", "add", "Alice!"), "is no name"),
        (("user", "add", "dashboard"), "This name can't be used."),
        (("channel", "add", "news", "--owner", "nobody"), "there is no user 'nobody'"),
        (("key", "show", "nothing"), "There is no such channel."),
        (("key", "rotate", "nothing"), "There is no such channel."),
    ):
        code, out, err = terminal.run(*arguments)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert reason in err


@pytest.mark.services
def test_rotating_at_a_terminal_ends_the_stream(terminal: Terminal, settings: Settings) -> None:
    terminal.json("user", "add", "alice")
    channel = terminal.json("channel", "add", "news", "--owner", "alice")["channelId"]
    query(
        settings,
        "INSERT INTO streams (id, channel_id, key_hash, node_id, protocol, request_id)"
        f" VALUES ('s1', '{channel}', '', 'n1', 'rtmp', 'r1') RETURNING id",
    )
    terminal.json("key", "rotate", "news")
    assert query(settings, "SELECT end_reason FROM streams") == ["The stream key was replaced."]


@pytest.mark.services
def test_the_first_run_makes_an_administrator_and_a_channel_once(terminal: Terminal, settings: Settings) -> None:
    code, out, err = terminal.run("first-run")
    assert (code, err) == (0, "")
    path = settings.data / "first-run.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = json.loads(path.read_text())
    assert list(made) == [
        "watchUrl",
        "rtmpUrl",
        "srtUrl",
        "whipUrl",
        "channel",
        "channelId",
        "streamKey",
        "adminUser",
        "adminPassword",
    ]
    assert (made["watchUrl"], made["rtmpUrl"]) == ("http://localhost:8080/demo", "rtmp://localhost/live")
    assert made["srtUrl"] == (None if isinstance(libsrt.find(), str) else "srt://localhost:8890")
    assert made["whipUrl"] == "http://localhost:8080/whip/demo"
    assert made["streamKey"] not in out
    assert made["adminPassword"] not in out
    assert str(path) in out
    before = path.read_bytes()
    assert terminal.run("first-run") == (0, "", "")
    assert path.read_bytes() == before
    assert query(settings, "SELECT is_admin FROM users WHERE username = 'admin'") == [True]
    assert query(settings, "SELECT key_hash FROM stream_keys") == [digest(made["streamKey"])]


@pytest.mark.services
def test_a_first_run_that_can_not_write_its_file_makes_nothing(terminal: Terminal, settings: Settings) -> None:
    (settings.data / "first-run.json").mkdir()
    code, _, err = terminal.run("first-run")
    assert (code, err.count("\n")) == (1, 1)
    assert "TALLY_DATA" in err
    (settings.data / "first-run.json").rmdir()
    assert list(settings.data.glob("first-run*")) == []
    assert terminal.json("first-run")["adminUser"] == "admin"


@pytest.mark.services
async def test_two_first_runs_at_once_agree(settings: Settings) -> None:
    async def run() -> tuple[int | None, bytes]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "web", "first-run", "--json"),
            env={**os.environ, **environ_of(settings)},
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(DEADLINE_S):
            out, _ = await process.communicate()
        return process.returncode, out

    outcomes = await asyncio.gather(run(), run())
    assert [code for code, _ in outcomes] == [0, 0]
    made = [json.loads(out) for _, out in outcomes if out != b"{}\n"]
    assert len(made) == 1
    assert json.loads((settings.data / "first-run.json").read_text()) == made[0]


@pytest.mark.services
def test_the_key_of_signed_addresses_is_replaced(terminal: Terminal, settings: Settings) -> None:
    first = terminal.json("access", "rotate")["keyId"]
    code, out, _ = terminal.run("access", "rotate")
    assert code == 0
    second = out.split()[1]
    usable = "SELECT id FROM access_keys WHERE retires_at IS NULL OR retires_at > now() ORDER BY created_at"
    assert query(settings, usable)[-2:] == [first, second]
    third = terminal.json("access", "rotate", "--now")["keyId"]
    assert query(settings, usable) == [third]


@pytest.mark.services
def test_a_channel_is_fetched_from_elsewhere_and_no_more(
    terminal: Terminal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.json("user", "add", "alice")
    terminal.json("channel", "add", "news", "--owner", "alice")
    code, _, err = terminal.run("pull", "news")
    assert (code, "not fetched" in err) == (1, True)
    source = "https://user:secret@tv.example/a.m3u8?key=secret"
    code, _, err = terminal.run("pull", source, "news")
    assert (code, "TALLY_SECRET" in err) == (1, True)
    monkeypatch.setenv("TALLY_SECRET", settings.secret)
    code, out, err = terminal.run("pull", source, "news")
    assert (code, err) == (0, "")
    assert "https://tv.example/a.m3u8" in out
    assert "secret" not in out
    assert query(settings, "SELECT is_trusted FROM pulls") == [True]
    assert terminal.json("pull", "news", "--off")["isEnabled"] is False
    assert terminal.json("pull", "news")["isEnabled"] is True
    assert terminal.json("pull", "udp://239.1.2.3:5000", "news", "--off")["isEnabled"] is False
    for wrong in ("ftp://tv.example/a", "http://127.0.0.1/a"):
        code, out, err = terminal.run("pull", wrong, "news")
        assert (code, out, err.count("\n")) == (1, "", 1)


@pytest.mark.services
def test_an_account_may_have_streams_fetched_when_it_is_told_so(terminal: Terminal, settings: Settings) -> None:
    terminal.json("user", "add", "alice")
    for answer in ("yes", "no"):
        shown = terminal.json("user", "may-pull", "alice", answer)
        assert shown == {"username": "alice", "mayPull": answer == "yes"}
        assert query(settings, "SELECT may_pull FROM users") == [answer == "yes"]
    code, _, err = terminal.run("user", "may-pull", "nobody", "yes")
    assert (code, "tally user add nobody" in err) == (1, True)
    with pytest.raises(SystemExit):
        terminal.run("user", "may-pull", "alice", "perhaps")
