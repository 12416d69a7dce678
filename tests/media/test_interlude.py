"""The slate's loop on the stream's media time."""

from media.interlude import Interlude
from media.packets import CodecConfig, Packet, TrackKind
from media.pictures.slates import SlateClip

CONFIG = CodecConfig(TrackKind.VIDEO, "avc1", b"\x01")


def clip(frames: int, frame_ticks: int) -> SlateClip:
    packets = [Packet(TrackKind.VIDEO, n * frame_ticks, n * frame_ticks, n == 0, bytes([n])) for n in range(frames)]
    return SlateClip(CONFIG, packets, frames * frame_ticks)


def test_a_loop_goes_round_without_a_seam() -> None:
    interlude = Interlude({"video": clip(3, 3000)}, 90_000)
    packets = [packet for _name, packet in interlude.until(90_000 + 7 * 3000)]
    assert [packet.dts for packet in packets] == [90_000 + 3000 * n for n in range(7)]
    assert [packet.is_keyframe for packet in packets] == [True, False, False, True, False, False, True]
    assert all(packet.pts == packet.dts for packet in packets)


def test_it_goes_on_where_it_was() -> None:
    interlude = Interlude({"video": clip(3, 3000)}, 0)
    assert len(list(interlude.until(4000))) == 2
    assert [packet.dts for _name, packet in interlude.until(9001)] == [6000, 9000]
    assert list(interlude.until(9001)) == []


def test_renditions_come_in_order_of_time_and_the_leading_one_first() -> None:
    interlude = Interlude({"video": clip(4, 1500), "720p": clip(2, 3000)}, 0)
    order = [(name, packet.dts) for name, packet in interlude.until(4500)]
    assert order == [("video", 0), ("720p", 0), ("video", 1500), ("video", 3000), ("720p", 3000)]


def test_without_a_slate_there_is_nothing_to_show() -> None:
    assert list(Interlude({}, 0).until(1 << 40)) == []


def test_the_clip_itself_is_not_changed() -> None:
    loop = clip(2, 3000)
    list(Interlude({"video": loop}, 90_000).until(10**7))
    assert [packet.dts for packet in loop.packets] == [0, 3000]
