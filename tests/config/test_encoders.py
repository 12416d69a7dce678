"""Encoders are tried in a process of their own."""

import asyncio
import sys
from pathlib import Path
from typing import get_args

import pytest

from config import encoders, processes
from config.settings import Settings

pytestmark = pytest.mark.services

COMMAND = processes.command


def run_instead(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let this Python program be what tries."""
    monkeypatch.setattr(processes, "command", lambda _, **how: COMMAND([sys.executable, "-c", program], **how))


def test_every_encoder_of_the_settings_has_its_presets() -> None:
    accepted = get_args(get_args(Settings.__annotations__["encoder"])[0])
    assert set(accepted) == set(encoders.PRESETS) == set(encoders.USUAL_PRESETS)
    assert all(usual in encoders.PRESETS[name] for name, usual in encoders.USUAL_PRESETS.items())


async def test_libx264_works_and_what_is_not_there_does_not() -> None:
    assert await encoders.trial("libx264") == ""
    assert await encoders.trial("h264_nonsense") != ""


async def test_a_driver_that_crashes_is_told_from_one_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, "import os; os.kill(os.getpid(), 11)")
    assert await encoders.trial("h264_nvenc") == "it crashes (signal 11)"
    run_instead(monkeypatch, "import sys; sys.exit('noise\\nno card')")
    assert await encoders.trial("h264_nvenc") == "no card"


async def test_a_driver_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    run_instead(monkeypatch, f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    assert await encoders.trial("h264_nvenc", wait_s=1.0) == "it hangs: no picture within 1 s"
    assert not processes.is_alive(int(told.read_text()))


async def test_a_cancelled_trial_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    run_instead(monkeypatch, f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    trying = asyncio.create_task(encoders.trial("h264_nvenc"))
    async with asyncio.timeout(10):
        while not (told.exists() and told.read_text()):
            await asyncio.sleep(0.01)
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    assert not processes.is_alive(int(told.read_text()))
