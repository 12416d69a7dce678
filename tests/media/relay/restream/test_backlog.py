"""What waits for a target."""

import asyncio

from media.links.messages import Break, Configure, Ended, FromFeed, Media, Shown
from media.packets import CodecConfig, Packet, TrackKind
from media.relay.restream.backlog import Backlog

VIDEO = CodecConfig(TrackKind.VIDEO, "avc1", b"\1", width=64, height=64)
SOUND = CodecConfig(TrackKind.AUDIO, "mp4a", b"\x12\x10", sample_rate=48_000, channels=2)


def picture(number: int, *, is_keyframe: bool = False, size: int = 100) -> Media:
    return Media("video", Packet(TrackKind.VIDEO, number, number, is_keyframe, bytes(size)))


def sound(number: int, size: int = 10) -> Media:
    return Media("audio", Packet(TrackKind.AUDIO, number, number, True, bytes(size)))


async def drained(backlog: Backlog) -> list[FromFeed]:
    return [await backlog.get() for _ in iter(lambda: backlog.has_more, False)]


async def test_what_goes_in_comes_out_in_its_order() -> None:
    backlog = Backlog()
    messages: list[FromFeed] = [
        Configure("video", VIDEO),
        picture(0, is_keyframe=True),
        sound(1),
        Break("jump"),
        Ended("over"),
    ]
    for message in messages:
        backlog.put(message)
    assert await drained(backlog) == messages
    assert backlog.waiting_bytes == 0


async def test_what_is_not_for_targets_is_left_out() -> None:
    backlog = Backlog()
    backlog.put(Shown("public"))
    assert not backlog.has_more


async def test_get_waits_for_the_next() -> None:
    backlog = Backlog()
    waiting = asyncio.create_task(backlog.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    backlog.put(sound(1))
    assert await waiting == sound(1)


async def test_a_slow_target_goes_on_with_the_next_keyframe() -> None:
    backlog = Backlog(max_bytes=1_000)
    backlog.put(Configure("video", VIDEO))
    backlog.put(picture(0, is_keyframe=True))
    for number in range(1, 15):
        backlog.put(picture(number))
        backlog.put(sound(number))
    backlog.put(picture(15, is_keyframe=True))
    backlog.put(sound(15))
    assert await drained(backlog) == [Configure("video", VIDEO), picture(15, is_keyframe=True), sound(15)]
    assert backlog.dropped_packets == 29


async def test_sound_alone_goes_on_at_once() -> None:
    backlog = Backlog(max_bytes=50)
    backlog.put(Configure("audio", SOUND))
    for number in range(8):
        backlog.put(sound(number))
    assert await drained(backlog) == [Configure("audio", SOUND), *map(sound, (5, 6, 7))]


async def test_never_more_waits_than_the_bound() -> None:
    backlog = Backlog(max_bytes=1_000)
    for number in range(200):
        backlog.put(picture(number, is_keyframe=number % 9 == 0))
        assert backlog.waiting_bytes <= 1_000
