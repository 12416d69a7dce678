"""Claims of media.ts.demux, against FFmpeg's demuxer and against what networks do to streams."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codecs import rfc6381
from media.packets import CodecConfig, Packet, TrackKind
from media.ts.demux import Demuxer, NotTransportStream, Unsupported
from media.ts.tables import PACKET_BYTES
from tests.media.ts.material import RATE, SECONDS, read, reference, sorted_out, stream

SOUNDS = {
    "aac": "mp4a.40.2",
    "mp2": "mp4a.40.33",
    "libmp3lame": "mp4a.40.34",
    "ac3": "ac-3",
    "eac3": "ec-3",
    "libopus": "opus",
}


@pytest.mark.parametrize(("audio", "name"), SOUNDS.items())
@pytest.mark.parametrize(("video", "start"), [("libx264", "avc1."), ("libx265", "hvc1.")])
def test_packets_are_those_that_ffmpeg_finds(video: str, start: str, audio: str, name: str) -> None:
    data = stream(video, audio)
    found, (pictures, sounds) = read(data), reference(data)
    assert [(each.dts, each.pts, each.is_keyframe) for each in found.pictures] == pictures
    assert [each.pts for each in found.sounds] == sounds
    picture, sound = found.configs
    assert rfc6381(picture).startswith(start)
    assert (picture.width, picture.height) == (320, 180)
    assert (rfc6381(sound), sound.sample_rate, sound.channels) == (name, 48_000, 2)


def test_aac_in_latm_is_the_same_as_in_adts() -> None:
    adts, latm = read(stream()), read(stream("libx264", "aac", "-mpegts_flags", "latm"))
    assert [each.data for each in latm.sounds] == [each.data for each in adts.sounds]
    assert [each.record[:2] for each in latm.configs] == [each.record[:2] for each in adts.configs]


@pytest.mark.parametrize(("video", "audio", "kind"), [("libx264", "", TrackKind.VIDEO), ("", "aac", TrackKind.AUDIO)])
def test_one_track_alone_is_a_stream(video: str, audio: str, kind: TrackKind) -> None:
    found = read(stream(video, audio))
    assert {each.kind for each in found.configs} == {kind}
    assert len(found.pictures if video else found.sounds) >= SECONDS * RATE


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=30))
def test_any_cut_of_the_bytes_gives_the_same_packets(sizes: list[int]) -> None:
    data, demuxer = stream(), Demuxer()
    whole = read(data)
    at = 0
    events: list[CodecConfig | Packet] = []
    while at < len(data):
        size = sizes[at % len(sizes)]
        events += demuxer.receive_data(data[at : at + size])
        at += size
    events += demuxer.finish()
    assert sorted_out(events) == whole


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400_000), st.binary(min_size=1, max_size=400)), max_size=12))
def test_broken_bytes_give_fewer_packets_or_an_error_and_nothing_worse(faults: list[tuple[int, bytes]]) -> None:
    data = bytearray(stream())
    for place, fault in faults:
        at = place % len(data)
        data[at : at + len(fault)] = fault[: len(data) - at]
    with suppress(NotTransportStream, Unsupported):
        found = read(bytes(data))
        assert len(found.pictures) <= SECONDS * RATE + 2
        assert all(0 <= each.pts < 1 << 33 and each.data for each in (*found.pictures, *found.sounds))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=600), max_size=20))
def test_any_bytes_behind_a_good_start_are_survived(pieces: list[bytes]) -> None:
    demuxer = Demuxer()
    demuxer.receive_data(stream()[:20_000])
    with suppress(NotTransportStream, Unsupported):
        for piece in pieces:
            demuxer.receive_data(b"G\1\0\x10" + piece)
        demuxer.finish()


def test_an_access_unit_that_lost_a_packet_is_left_out_and_counted() -> None:
    data = stream()
    packets = [data[at : at + PACKET_BYTES] for at in range(0, len(data), PACKET_BYTES)]
    of_pictures = [at for at, packet in enumerate(packets) if packet[1] & 0x1F == 1 and packet[2] == 0]
    del packets[of_pictures[len(of_pictures) // 2]]
    demuxer = Demuxer()
    found = read(b"".join(packets), demuxer)
    assert len(found.pictures) in {SECONDS * RATE - 1, SECONDS * RATE - 2}  # the lost one may have begun another
    assert (demuxer.counts.lost_packets, demuxer.counts.damaged_units >= 1) == (1, True)


def test_a_packet_that_comes_twice_counts_once() -> None:
    data = stream()
    packets = [data[at : at + PACKET_BYTES] for at in range(0, len(data), PACKET_BYTES)]
    doubled = b"".join(packet for each in packets for packet in (each, each))
    demuxer = Demuxer()
    assert [each.data for each in read(doubled, demuxer).pictures] == [each.data for each in read(data).pictures]
    assert demuxer.counts.damaged_units == 0


def test_rubbish_before_and_between_packets_is_skipped() -> None:
    data = stream()
    middle = 200 * PACKET_BYTES
    found = read(b"rubbish Grubbish" + data[:middle] + b"more" * 10 + data[middle:])
    assert len(found.pictures) == SECONDS * RATE


def test_a_listener_that_comes_late_begins_with_a_keyframe_that_has_a_configuration() -> None:
    data = stream()
    found = read(data[len(data) // 3 // PACKET_BYTES * PACKET_BYTES :])
    assert found.pictures[0].is_keyframe
    assert RATE - 2 <= len(found.pictures) <= RATE + 2


def test_a_resolution_that_changes_is_a_new_configuration_before_its_keyframe() -> None:
    demuxer = Demuxer()
    events = demuxer.receive_data(stream() + stream("libx264", "aac", "-s", "160x90")) + demuxer.finish()
    configs = {at: each.width for at, each in enumerate(events) if isinstance(each, CodecConfig) and each.width}
    assert list(configs.values()) == [320, 160]
    behind = events[max(configs) + 1]
    assert isinstance(behind, Packet)
    assert behind.is_keyframe


def test_sound_that_comes_later_is_taken_up_and_another_codec_takes_its_place() -> None:
    demuxer = Demuxer()
    events = demuxer.receive_data(stream("libx264", "") + stream() + stream("libx264", "ac3")) + demuxer.finish()
    found = sorted_out(events)
    assert [rfc6381(each)[:4] for each in found.configs] == ["avc1", "mp4a", "ac-3"]
    # The counter jumps twice, and what came before it is not known to be whole.
    assert len(found.pictures) == 3 * SECONDS * RATE - 2


@pytest.mark.parametrize(("video", "name"), [("mpeg2video", "MPEG-2 video"), ("mpeg4", "MPEG-4 part 2")])
def test_pictures_that_are_not_carried_are_named(video: str, name: str) -> None:
    with pytest.raises(Unsupported) as refused:
        read(stream(video))
    assert refused.value.codec == name


def test_what_is_no_transport_stream_is_noticed() -> None:
    demuxer = Demuxer()
    demuxer.receive_data(b"\0" * 1_000_000)
    with pytest.raises(NotTransportStream):
        demuxer.receive_data(b"\0" * 100_000)


def test_stamps_run_over_33_bits_as_they_are() -> None:
    data = stream("libx264", "aac", "-output_ts_offset", "95441.3")  # 2^33 / 90000 is 95443.717
    found = read(data)
    assert max(each.dts for each in found.pictures) > (1 << 33) - 90_000
    assert found.pictures[-1].dts < 90_000 * SECONDS
    assert found.sounds[-1].pts < 90_000 * SECONDS
