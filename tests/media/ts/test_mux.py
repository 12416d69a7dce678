"""Claims of media.ts.mux, against our demuxer and FFmpeg's."""

import io
from itertools import pairwise

import av
import pytest

from media.codecs import BadConfig, rfc6381
from media.packets import CodecConfig, Packet, TrackKind
from media.ts.mux import Muxer, adts_header
from media.ts.tables import PACKET_BYTES, SYNC
from tests.media.ts.material import RATE, SECONDS, Found, read, reference, stream


def in_media_time(found: Found) -> list[CodecConfig | Packet]:
    """As a feed gives it out: configurations first, then by time, sound in samples."""
    rate = next((each.sample_rate for each in found.configs if each.kind is TrackKind.AUDIO), 1)
    sounds = [
        Packet(each.kind, round(each.dts * rate / 90_000), round(each.pts * rate / 90_000), True, each.data)
        for each in found.sounds
    ]
    timed = [(each.dts / 90_000, each) for each in found.pictures] + [(each.dts / rate, each) for each in sounds]
    return [*found.configs, *(each for _, each in sorted(timed, key=lambda pair: pair[0]))]


def muxed(events: list[CodecConfig | Packet], muxer: Muxer | None = None) -> bytes:
    muxer = muxer or Muxer()
    out = b""
    for each in events:
        if isinstance(each, Packet):
            out += muxer.write(each)
        else:
            assert muxer.configure(each)
    return out


@pytest.mark.parametrize("audio", ["aac", "mp2", "libmp3lame", "ac3", "eac3", "libopus"])
@pytest.mark.parametrize("video", ["libx264", "libx265"])
def test_what_is_written_is_read_again(video: str, audio: str) -> None:
    source = read(stream(video, audio))
    again = read(muxed(in_media_time(source)))
    assert [(each.data, each.is_keyframe) for each in again.pictures] == [
        (each.data, each.is_keyframe) for each in source.pictures
    ]
    assert [each.data for each in again.sounds] == [each.data for each in source.sounds]
    assert [rfc6381(each) for each in again.configs] == [rfc6381(each) for each in source.configs]
    lead = again.pictures[0].pts - source.pictures[0].pts
    assert {new.pts - old.pts for new, old in zip(again.pictures, source.pictures, strict=True)} == {lead}
    assert {new.dts - old.dts for new, old in zip(again.pictures, source.pictures, strict=True)} == {lead}
    assert all(abs(new.pts - old.pts - lead) <= 2 for new, old in zip(again.sounds, source.sounds, strict=True))


def decoded(data: bytes) -> tuple[int, bool]:
    """Count pictures; say whether there is sound for nearly as long."""
    count, samples = 0, 0
    with av.open(io.BytesIO(data), "r", format="mpegts") as container:
        for frame in container.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                count += 1
            elif isinstance(frame, av.AudioFrame):
                samples += frame.samples
    return count, samples > 0.95 * SECONDS * 48_000


@pytest.mark.parametrize(("video", "audio"), [("libx264", "aac"), ("libx265", "libopus"), ("libx264", "ac3")])
def test_ffmpeg_decodes_what_is_written(video: str, audio: str) -> None:
    data = muxed(in_media_time(read(stream(video, audio))))
    pictures, sounds = reference(data)
    assert len(pictures) == SECONDS * RATE
    assert decoded(data) == (SECONDS * RATE, True)
    assert len(sounds) > 60


def test_packets_are_whole_and_counters_go_on() -> None:
    data = muxed(in_media_time(read(stream())))
    assert len(data) % PACKET_BYTES == 0
    counters: dict[int, int] = {}
    for at in range(0, len(data), PACKET_BYTES):
        pid, counter = (data[at + 1] & 0x1F) << 8 | data[at + 2], data[at + 3] & 15
        assert data[at] == SYNC
        assert counter == (counters.get(pid, counter - 1) + 1) & 15
        counters[pid] = counter


def test_the_clock_comes_often_and_is_before_every_stamp() -> None:
    data = muxed(in_media_time(read(stream())))
    starts = [at for at in range(0, len(data), PACKET_BYTES) if data[at + 3] & 0x20 and data[at + 4]]
    clocks = [int.from_bytes(data[at + 6 : at + 11], "big") >> 7 for at in starts if data[at + 5] & 0x10]
    stamps = [each.dts for each in read(data).pictures]
    assert len(clocks) == len(stamps)
    assert all(clock < stamp for clock, stamp in zip(clocks, stamps, strict=True))
    assert max(after - before for before, after in pairwise(clocks)) <= 9_000


def test_sound_alone_carries_the_clock() -> None:
    data = muxed(in_media_time(read(stream("", "aac"))))
    assert len(read(data).sounds) > 80
    pictures, sounds = reference(data)
    assert (pictures, len(sounds) > 80) == ([], True)


def test_a_player_may_begin_at_any_keyframe() -> None:
    muxer = Muxer()
    events = in_media_time(read(stream()))
    second = [
        each for each in events if isinstance(each, Packet) and each.is_keyframe and each.kind is TrackKind.VIDEO
    ][1]
    muxed(events[: events.index(second)], muxer)
    found = read(muxed(events[events.index(second) :], muxer))
    assert found.pictures[0].is_keyframe
    assert len(found.pictures) == RATE


def test_another_codec_is_announced_to_those_who_play() -> None:
    muxer = Muxer()
    first = muxed(in_media_time(read(stream())), muxer)
    second = muxed(in_media_time(read(stream("libx265", "ac3"))), muxer)
    assert [rfc6381(each)[:4] for each in read(first + second).configs] == ["avc1", "mp4a", "hvc1", "ac-3"]


def test_what_cannot_be_carried_is_left_out() -> None:
    muxer = Muxer()
    assert not muxer.configure(CodecConfig(TrackKind.VIDEO, "av01", b"\x81"))
    assert muxer.write(Packet(TrackKind.VIDEO, 0, 0, True, b"x")) == b""


def test_adts_says_what_it_can() -> None:
    assert adts_header(b"\x12\x10", 100).hex() == "fff150800d7ffc"
    with pytest.raises(BadConfig):
        adts_header(b"\x12\x00\x00\x00", 100)  # channels in a program config element
