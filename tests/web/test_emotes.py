"""Uploaded pictures are painted by processes that may be of any bad end."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

import web.emotes
from schemas.errors import ApiError, ErrorCode
from tests.web.test_repaint import picture
from web.emotes import PAINTERS, WAITING_MAX, Painter

pytestmark = pytest.mark.services  # asyncio speaks with processes over sockets


async def refusal(painter: Painter, content: bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await painter.paint(content)
    return caught.value


async def test_a_picture_is_painted_in_a_process_of_its_own() -> None:
    outcome = await Painter().paint(picture())
    assert [each.width for each in outcome.pictures] == [28, 56, 112]
    error = await refusal(Painter(), b"no picture")
    assert error.body.code is ErrorCode.INVALID_REQUEST
    assert error.body.fields is not None
    assert "image" in error.body.fields


async def test_a_process_that_crashes_is_a_broken_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    monkeypatch.setattr(web.emotes, "PROGRAM", program)
    program.write_text("import os, sys; sys.stdin.buffer.read(); os.abort()")
    assert (await refusal(Painter(), b"x")).body.code is ErrorCode.INVALID_REQUEST


async def test_a_process_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import time; time.sleep(600)")
    monkeypatch.setattr(web.emotes, "PROGRAM", program)
    monkeypatch.setattr(web.emotes, "PAINT_S", 0.3)
    started: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def record(*arguments: str, **options: Any) -> asyncio.subprocess.Process:
        started.append(await start(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", record)
    assert "too long" in (await refusal(Painter(), b"x" * 1_000_000)).body.message
    assert [process.returncode for process in started] == [-signal.SIGKILL]


async def test_the_process_has_no_environment_and_little_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    monkeypatch.setattr(web.emotes, "PROGRAM", program)
    monkeypatch.setenv("TALLY_SECRET", "secret")
    found = tmp_path / "environ"
    program.write_text(f"import os; open({str(found)!r}, 'w').write(repr(dict(os.environ)))")
    await refusal(Painter(), b"x")
    assert "secret" not in found.read_text()
    limited = (
        "import sys; sys.path.insert(0, {root!r}); from web import repaint; repaint.resource.setrlimit("
        "repaint.resource.RLIMIT_AS, (repaint.MEMORY_MAX, repaint.MEMORY_MAX)); bytearray(2 << 30)"
    )
    root = str(Path(web.emotes.__file__).parents[1])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", limited.format(root=root)), stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert b"MemoryError" in errors


async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    monkeypatch.setattr(web.emotes, "PROGRAM", program)
    program.write_text("import time; time.sleep(600)")
    painter = Painter()
    painting = [asyncio.create_task(painter.paint(b"x")) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    error = await refusal(painter, b"x")
    assert error.body.code is ErrorCode.UNAVAILABLE
    assert error.body.retry_after_ms
    assert WAITING_MAX > PAINTERS
    for task in painting:
        task.cancel()
    await asyncio.gather(*painting, return_exceptions=True)
    program.write_text("")
    assert (await refusal(painter, b"x")).body.code is ErrorCode.INVALID_REQUEST, "and there is room again"
