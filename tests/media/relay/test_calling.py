"""Addresses that are called over SRT, and calls that nobody wants any more."""

import asyncio
import socket
import threading

import pytest

from config.addresses import Forbidden, Reach
from media.relay.calling import CallAddress, calling, read_call
from media.srt.caller import LATENCY_MS


def test_an_address_is_taken_apart() -> None:
    url = "srt://h.example:9000?streamid=abcd%2Fef&passphrase=0123456789&latency=350"
    assert read_call(url) == CallAddress("h.example", 9000, "abcd/ef", "0123456789", 350)


def test_an_access_control_streamid_may_stand_as_it_is() -> None:
    assert read_call("srt://h:9000?streamid=#!::r=live,m=request").streamid == "#!::r=live,m=request"


@pytest.mark.parametrize(("text", "latency_ms"), [("", LATENCY_MS), ("20", 20), ("350000", 350), ("x", LATENCY_MS)])
def test_latency_is_of_milliseconds_or_as_ffmpeg_counts(text: str, latency_ms: int) -> None:
    assert read_call(f"srt://h:9000?latency={text}").latency_ms == latency_ms


@pytest.mark.parametrize("url", ["srt://h", "srt://:9000", "srt://h:0x1", "srt://h:9000?" + "&".join("abc" * 40)])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_call(url)


@pytest.mark.services
async def test_where_nobody_may_go_nobody_is_called() -> None:
    with pytest.raises(Forbidden):
        async with calling(Reach(), read_call("srt://127.0.0.1:9000"), wait_s=1.0):
            pytest.fail("it was called")


@pytest.mark.services
async def test_a_call_that_is_given_up_holds_nobody_up() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        address = read_call(f"srt://127.0.0.1:{silent.getsockname()[1]}")

        async def call() -> None:
            async with calling(Reach("127.0.0.0/8"), address, wait_s=1.0):
                pytest.fail("nobody answers there")

        waiting = asyncio.create_task(call())
        await asyncio.to_thread(silent.recv, 2048)  # it is being called
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        calls = [thread for thread in threading.enumerate() if thread.name.startswith("srt call")]
        assert calls  # libsrt calls on, and nobody has waited for it
        for thread in calls:
            await asyncio.to_thread(thread.join, 20)
            assert not thread.is_alive()
