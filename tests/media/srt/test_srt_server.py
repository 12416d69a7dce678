"""The SRT listener with real callers: libsrt's own and FFmpeg's, good and bad ones."""

import asyncio
import os
import subprocess
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from media.codecs import rfc6381
from media.packets import TrackKind
from media.srt.caller import Caller, CallFailed, Lost, Rejected
from media.srt.lib import Rejection
from schemas.ingest import KEY_CHANGES, KeysChanged
from tests.encoder import end, ffmpeg
from tests.media.srt.door import REFUSED, UNAVAILABLE, Door, Running, door, entry, transport_stream, until, url

pytestmark = pytest.mark.services

PASSPHRASE = "correct horse battery"


@pytest.fixture
async def srt(redis_url: str) -> AsyncIterator[Door]:
    entries = (entry("alice", "key_alice"), entry("bob", "key_bob", PASSPHRASE), entry("carol"))
    async with door(redis_url, *entries) as made:
        yield made


async def call(port: int, streamid: str, passphrase: str = "") -> Caller:
    return await asyncio.to_thread(Caller.connect, "127.0.0.1", port, streamid=streamid, passphrase=passphrase)


async def code_of(port: int, streamid: str, passphrase: str = "") -> int:
    """What a caller is turned away with."""
    with pytest.raises(Rejected) as refused:
        (await call(port, streamid, passphrase)).close()
    return refused.value.code


def ffmpeg_publishes(target: str, *source: str) -> subprocess.Popen[bytes]:
    command = [
        ffmpeg(), "-hide_banner", "-loglevel", "error", "-re",
        "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30",
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
        "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-pix_fmt", "yuv420p",
        "-c:a", "aac", *source, "-f", "mpegts", target,
    ]  # fmt: skip
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def test_two_ffmpegs_publish_at_once_one_of_them_encrypted(srt: Door) -> None:
    plain = ffmpeg_publishes(url(srt.port, "key_alice?priority=3"))
    standard = "#!::r=bob,m=publish,u=key_bob"
    secret = ffmpeg_publishes(url(srt.port, standard, passphrase=PASSPHRASE.replace(" ", "%20"), pbkeylen="16"))
    try:
        await until(lambda: len(srt.sessions.opened) == 2, "both are in")
        both = {each.attempt.key: each for each in srt.sessions.opened}
        alice, bob = both["key_alice"], both["key_bob"]
        await until(lambda: all(each.count(TrackKind.VIDEO) > 60 for each in (alice, bob)), "pictures of both")
        await until(lambda: alice.networks and bob.networks, "measured")
    finally:
        end(plain)
        end(secret)
    assert (alice.attempt.params, alice.channel, bob.channel) == ({"priority": "3"}, "", "bob")
    assert alice.attempt.encoder.startswith("SRT 1.")
    assert alice.attempt.remote_address == "127.0.0.1"
    for each in (alice, bob):
        assert {rfc6381(config).partition(".")[0] for config in each.configs} == {"avc1", "mp4a"}
        assert each.count(TrackKind.AUDIO) > 40
        network = each.networks[-1]
        assert network.received_packets > 50
        assert (network.dropped_packets, network.latency_ms) == (0, 120)
        assert 100_000 < network.bitrate_bps < 20_000_000
    assert (alice.networks[-1].is_encrypted, bob.networks[-1].is_encrypted) == (False, True)
    await until(lambda: alice.is_lost is not None and bob.is_lost is not None, "their ends")
    assert (alice.is_lost, bob.is_lost) == (False, False)  # ffmpeg says goodbye when it is asked to end
    assert srt.server.closed["peer_closed"] == 2


async def test_each_bad_caller_gets_its_code(srt: Door) -> None:
    port = srt.port
    srt.sessions.running["c-carol"] = Running("carol", "private")
    assert await code_of(port, "wrong") == Rejection.FORBIDDEN
    assert await code_of(port, "#!::r=bob,m=publish,u=key_alice") == Rejection.FORBIDDEN
    assert await code_of(port, "") == Rejection.BAD_REQUEST
    assert await code_of(port, "#!::nonsense") == Rejection.BAD_REQUEST
    assert await code_of(port, "key_alice?priority=many") == Rejection.BAD_REQUEST
    assert await code_of(port, "#!::r=alice,m=bidirectional,u=key_alice") == Rejection.BAD_MODE
    assert await code_of(port, "#!::r=alice,m=request") == Rejection.NOT_FOUND  # it is not live
    assert await code_of(port, "#!::r=nobody,m=request") == Rejection.NOT_FOUND
    assert await code_of(port, "#!::r=carol,m=request") == Rejection.FORBIDDEN  # it is not public
    assert await code_of(port, "#!::r=carol,m=request,u=key_alice") == Rejection.FORBIDDEN
    assert await code_of(port, "key_bob") == Rejection.UNSECURE
    assert await code_of(port, "key_bob", "another passphrase") == Rejection.BAD_SECRET
    assert await code_of(port, "key_alice", PASSPHRASE) == Rejection.UNSECURE
    assert (len(srt.sessions.opened), srt.server.connections) == (0, 0)
    assert srt.server.rejected[Rejection.FORBIDDEN] == 4


async def test_who_is_live_already_is_told_and_a_higher_priority_may_stand_by(srt: Door) -> None:
    running = srt.sessions.running["c-alice"] = Running("alice")
    running.is_full = True
    assert await code_of(srt.port, "key_alice") == Rejection.CONFLICT
    (await call(srt.port, "key_alice?priority=1")).close()
    (await call(srt.port, "key_alice?takeover=1")).close()


async def test_a_passphrase_that_nobody_can_read_lets_nobody_in(srt: Door, redis_url: str) -> None:
    broken = msgspec.structs.replace(entry("alice", "key_alice"), srt_passphrase="s1:AAAA")
    srt.web.entries[broken.channel_id] = broken
    async with Redis.from_url(redis_url) as redis:
        await redis.publish(KEY_CHANGES, msgspec.json.encode(KeysChanged([broken.channel_id])))
    await until(lambda: (found := srt.keys.channel("alice")) and found.passphrase is None, "the change is heard")
    assert await code_of(srt.port, "key_alice") == Rejection.INTERNAL


async def test_before_the_keys_are_known_callers_come_back_later(srt: Door) -> None:
    srt.keys.is_loaded = False
    assert await code_of(srt.port, "key_alice") == Rejection.DOWN


async def test_all_that_was_sent_before_a_goodbye_arrives(srt: Door) -> None:
    stream = transport_stream()
    caller = await call(srt.port, "key_alice")
    await asyncio.to_thread(send_paced, caller, stream)
    caller.close()
    await until(lambda: srt.sessions.opened and srt.sessions.opened[0].is_lost is not None, "the end")
    only = srt.sessions.opened[0]
    assert (only.is_lost, only.count(TrackKind.VIDEO)) == (False, 120)
    assert [packet.dts for packet in only.packets if packet.kind is TrackKind.VIDEO] == sorted(
        packet.dts for packet in only.packets if packet.kind is TrackKind.VIDEO
    )


def send_paced(caller: Caller, stream: bytes, stop: threading.Event | None = None, at_mbps: float = 12.0) -> None:
    """Send faster than real time, but not in one burst."""
    pause = threading.Event()
    for at in range(0, len(stream), 13160):
        if stop is not None and stop.is_set():
            return
        caller.send(stream[at : at + 13160])
        pause.wait(13160 * 8 / at_mbps / 1e6)


async def test_who_falls_silent_is_lost_long_before_libsrt_says_so(srt: Door) -> None:
    caller = await call(srt.port, "key_alice")
    await asyncio.to_thread(send_paced, caller, transport_stream())
    await until(lambda: srt.sessions.opened and srt.sessions.opened[0].is_lost is not None, "silence is noticed")
    only = srt.sessions.opened[0]
    assert (only.is_lost, srt.server.closed["peer_lost"]) == (True, 1)
    assert "nothing came" in only.end_reason
    caller.close()


async def test_what_is_sent_while_web_thinks_is_kept(srt: Door) -> None:
    srt.sessions.may_answer.clear()
    caller = await call(srt.port, "key_alice")
    await asyncio.to_thread(send_paced, caller, transport_stream())
    assert not srt.sessions.opened
    srt.sessions.may_answer.set()
    await until(lambda: srt.sessions.opened and srt.sessions.opened[0].count(TrackKind.VIDEO) >= 119, "all of it")
    caller.close()


@pytest.mark.parametrize(("answer", "reason"), [(REFUSED, "refused"), (UNAVAILABLE, "unavailable")])
async def test_who_is_refused_after_all_is_closed(srt: Door, answer: Exception, reason: str) -> None:
    srt.sessions.answers["key_alice"] = answer
    caller = await call(srt.port, "key_alice")
    with pytest.raises(Lost):
        await asyncio.to_thread(caller.receive)
    caller.close()
    await until(lambda: srt.server.closed[reason] == 1, reason)


async def test_a_publisher_that_is_cut_hears_it_at_once(srt: Door) -> None:
    caller = await call(srt.port, "key_alice")
    await until(lambda: srt.sessions.opened, "it is in")
    srt.sessions.opened[0].cut("The key was changed.")
    with pytest.raises(Lost):
        await asyncio.to_thread(caller.receive)
    caller.close()
    await until(lambda: srt.server.closed["cut"] == 1, "counted")
    assert (srt.sessions.opened[0].is_lost, srt.sessions.opened[0].end_reason) == (False, "The key was changed.")


async def test_what_is_no_transport_stream_ends_with_a_reason(srt: Door) -> None:
    caller = await call(srt.port, "key_alice")
    with pytest.raises(CallFailed):
        await asyncio.to_thread(send_paced, caller, b"GET / HTTP/1.1\r\n" * 1_000_000)
    caller.close()
    await until(lambda: srt.server.closed["no_transport_stream"] == 1, "counted")


async def test_a_codec_that_is_not_carried_ends_with_a_reason(srt: Door) -> None:
    caller = await call(srt.port, "key_alice")
    with pytest.raises(CallFailed):
        await asyncio.to_thread(send_paced, caller, transport_stream(video="mpeg2video") * 30)
    caller.close()
    await until(lambda: srt.server.closed["unsupported_codec"] == 1, "counted")
    assert "MPEG-2 video" in srt.sessions.opened[0].end_reason


async def test_a_fault_of_ours_ends_one_publisher_and_no_other(srt: Door) -> None:
    first = await call(srt.port, "key_alice")
    await until(lambda: srt.sessions.has(1), "the first is in")
    second = await call(srt.port, "key_alice")
    await until(lambda: srt.sessions.has(2), "both are in")
    srt.sessions.opened[0].fails = True
    await asyncio.to_thread(send_both, first, second, transport_stream())
    await until(lambda: srt.sessions.opened[1].count(TrackKind.VIDEO) >= 119, "the other goes on")
    await until(lambda: srt.server.closed["internal_error"] == 1, "the first is closed")
    assert srt.sessions.opened[0].is_lost is False
    first.close()
    second.close()


def send_both(first: Caller, second: Caller, stream: bytes) -> None:
    for at in range(0, len(stream), 13160):
        for caller in (first, second):
            try:
                caller.send(stream[at : at + 13160])
            except CallFailed:
                assert caller is first
        threading.Event().wait(0.01)


async def test_a_stopping_server_leaves_sessions_to_the_next(srt: Door) -> None:
    caller = await call(srt.port, "key_alice")
    await until(lambda: srt.sessions.opened, "it is in")
    await srt.server.close()
    assert srt.sessions.opened[0].is_lost is True
    assert srt.server.connections == 0
    caller.close()


def libsrt_threads() -> set[str]:
    """What of libsrt looks at ports: its queues."""
    names = {(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()}
    return {name for name in names if name.startswith("SRT:") and "Q" in name}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads as Linux lists them")
async def test_a_port_to_which_nobody_comes_costs_nothing(redis_url: str) -> None:
    before = libsrt_threads()  # of other ports, which libsrt forgets in its own time
    async with door(redis_url, entry("alice", "key_alice")) as made:
        await asyncio.sleep(0.3)
        assert libsrt_threads() <= before
        assert made.server._listener is not None
        assert made.server._listener._door is not None
        port = made.server._listener._door.fileno()
        os.set_blocking(port, False)  # as uvloop does
        caller = await call(made.port, "key_alice")
        await until(lambda: made.sessions.opened, "the first caller is let in")
        assert not libsrt_threads() <= before
        assert os.get_blocking(port)
        caller.close()


async def test_a_publisher_that_is_watched_closely_is_read_at_once(srt: Door) -> None:
    listener = srt.server._listener
    assert listener is not None
    caller = await call(srt.port, "key_alice")
    await asyncio.to_thread(caller.send, transport_stream())
    await until(lambda: srt.sessions.has(1), "it publishes")
    assert not listener.is_hasty
    srt.sessions.opened[0].is_urgent = True
    await until(lambda: listener.is_hasty, "it is hasty")
    caller.close()
    await until(lambda: srt.sessions.opened[0].end_reason, "it is gone")
    assert not listener.is_hasty


async def test_ipv6_and_ipv4_share_a_port(redis_url: str) -> None:
    async with door(redis_url, entry("alice", "key_alice"), host="::") as both:
        for number, host in enumerate(("::1", "127.0.0.1"), 1):
            caller = await asyncio.to_thread(Caller.connect, host, both.port, streamid="key_alice")
            await until(partial(both.sessions.has, number), "it is in")
            caller.close()
        assert [each.attempt.remote_address for each in both.sessions.opened] == ["::1", "127.0.0.1"]
