"""Media time in RTMP's milliseconds."""

from media.packets import CodecConfig, Packet, TrackKind
from media.rtmp.stamps import Stamps

SOUND = CodecConfig(TrackKind.AUDIO, "mp4a", b"\x12\x10", sample_rate=48_000, channels=2)


def picture(dts: int, pts: int) -> Packet:
    return Packet(TrackKind.VIDEO, dts, pts, True, b"")


def sound(samples: int) -> Packet:
    return Packet(TrackKind.AUDIO, samples, samples, True, b"")


def test_both_tracks_count_from_the_first_packet() -> None:
    stamps = Stamps()
    stamps.configure(SOUND)
    first, second, heard = (
        stamps.place(picture(900_000, 906_000)),
        stamps.place(picture(903_000, 903_000)),
        stamps.place(sound(480_480)),
    )
    assert first is not None
    assert second is not None
    assert heard is not None
    assert [(each.dts, each.pts) for each in (first, second, heard)] == [(0, 66), (33, 33), (10, 10)]


def test_sound_from_before_the_first_picture_is_left_out() -> None:
    stamps = Stamps()
    stamps.configure(SOUND)
    stamps.place(picture(90_000, 90_000))
    assert stamps.place(sound(47_000)) is None


def test_the_feed_s_packet_stays_as_it_is() -> None:
    packet = picture(90_000, 90_000)
    Stamps().place(packet)
    assert packet.dts == 90_000
