from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codecs.opus import packet_samples, parse_dops
from media.packets import CodecConfig, Packet, TrackKind
from media.transcode.messages import AudioJob
from media.transcode.sound import CODINGS, CannotDecode, SoundEncoder
from tests.media.material import Material
from tests.media.transcode.clips import CLICK_S, decoded_sound, onset_s, sound

JOB = AudioJob(48_000, 2, 128_000)
OPUS = AudioJob(48_000, 2, 96_000, "Opus")
FRAME_SAMPLES = CODINGS["mp4a"].frame_samples
MAX_OFFSET_S = 0.005
SHAPES = [
    ("libopus", 48_000, 2),
    ("libopus", 48_000, 1),
    ("libmp3lame", 48_000, 2),
    ("libmp3lame", 44_100, 1),
    ("mp2", 48_000, 2),
    ("mp2", 32_000, 1),
    ("ac3", 48_000, 6),
    ("eac3", 48_000, 6),
    ("flac", 44_100, 2),
    ("flac", 96_000, 2),
    ("aac", 44_100, 1),
    ("aac", 48_000, 6),
    ("aac", 22_050, 2),
]


def encode(material: Material, encoder: SoundEncoder | None = None) -> list[Packet]:
    encoder = encoder or SoundEncoder(JOB)
    packets = encoder.configure(material.config)
    for packet in material.packets:
        packets += encoder.encode(packet)
    return packets + encoder.finish()


def moved(packets: Sequence[Packet], samples: int) -> list[Packet]:
    return [msgspec.structs.replace(packet, dts=packet.dts + samples, pts=packet.pts + samples) for packet in packets]


def steps(packets: Sequence[Packet]) -> set[int]:
    return {after.pts - before.pts for before, after in pairwise(packets)}


@pytest.mark.parametrize(("codec", "rate", "channels"), SHAPES)
def test_a_click_stays_in_its_place_whatever_the_codec_and_shape(codec: str, rate: int, channels: int) -> None:
    encoder = SoundEncoder(JOB)
    packets = encode(sound(codec, rate=rate, channels=channels), encoder)
    assert abs(onset_s(decoded_sound(encoder.config, packets), 48_000) - CLICK_S) < MAX_OFFSET_S
    assert steps(packets) == {FRAME_SAMPLES}
    assert encoder.corrupt_packets == 0


@pytest.mark.parametrize(("codec", "rate", "channels"), SHAPES)
def test_a_click_stays_in_its_place_in_opus_too(codec: str, rate: int, channels: int) -> None:
    encoder = SoundEncoder(OPUS)
    packets = encode(sound(codec, rate=rate, channels=channels), encoder)
    assert encoder.config.fourcc == "Opus"
    assert steps(packets) == {960}
    assert all(packet_samples(packet.data) == 960 for packet in packets)
    place = onset_s(decoded_sound(encoder.config, packets), 48_000)
    assert abs(place - CLICK_S) < MAX_OFFSET_S + parse_dops(encoder.config.record).pre_skip / 48_000


@pytest.mark.parametrize("job", [AudioJob(44_100, 1, 64_000), AudioJob(48_000, 1, 64_000), AudioJob(44_100, 2, 96_000)])
def test_the_output_has_the_shape_that_was_asked_for(job: AudioJob) -> None:
    encoder = SoundEncoder(job)
    packets = encode(sound("libopus"), encoder)
    assert (encoder.config.sample_rate, encoder.config.channels) == (job.sample_rate, job.channels)
    levels = decoded_sound(encoder.config, packets)
    assert abs(onset_s(levels, job.sample_rate) - CLICK_S) < MAX_OFFSET_S


@pytest.mark.parametrize("codec", ["ac3", "aac"])
def test_channels_in_phase_do_not_clip_when_they_are_mixed(codec: str) -> None:
    encoder = SoundEncoder(JOB)
    levels = decoded_sound(encoder.config, encode(sound(codec, channels=6, bit_rate=448_000), encoder))
    assert 0.7 < max(levels.values()) < 1.0  # the click is at 0.8


def test_a_stream_that_starts_late_stays_late() -> None:
    material = sound("libopus")
    encoder = SoundEncoder(JOB)
    packets = encode(Material(material.config, moved(material.packets, 3_600 * 48_000)), encoder)
    assert abs(onset_s(decoded_sound(encoder.config, packets), 48_000) - CLICK_S - 3_600) < MAX_OFFSET_S


def test_stamps_that_wander_up_to_forty_milliseconds_leave_the_sound_whole() -> None:
    material = sound("libopus")
    wandering = [
        msgspec.structs.replace(packet, pts=packet.pts + number % 2 * 1_800)
        for number, packet in enumerate(material.packets)
    ]
    assert steps(encode(Material(material.config, wandering))) == {FRAME_SAMPLES}


def test_a_hole_in_the_stamps_becomes_a_hole() -> None:
    material = sound("libopus")
    hole = 24_000
    encoder = SoundEncoder(JOB)
    packets = encode(Material(material.config, [*material.packets[:30], *moved(material.packets[30:], hole)]), encoder)
    [jump] = steps(packets) - {FRAME_SAMPLES}
    assert abs(jump - FRAME_SAMPLES - hole) < 2 * FRAME_SAMPLES
    assert abs(onset_s(decoded_sound(encoder.config, packets), 48_000) - CLICK_S - hole / 48_000) < MAX_OFFSET_S


def test_sound_that_comes_twice_is_left_out_the_second_time() -> None:
    material = sound("libopus")
    encoder = SoundEncoder(JOB)
    packets = encode(
        Material(material.config, [*material.packets[:30], *material.packets[20:]]), encoder
    )  # goes 200 ms back
    assert min(steps(packets)) >= FRAME_SAMPLES
    assert abs(onset_s(decoded_sound(encoder.config, packets), 48_000) - CLICK_S) < MAX_OFFSET_S


def test_what_is_held_at_a_break_comes_out_whole() -> None:
    material = sound("libopus", length_s=1.5)
    encoder = SoundEncoder(JOB)
    packets = encoder.configure(material.config)
    for packet in material.packets:
        packets += encoder.encode(packet)
    packets += encoder.break_()
    assert packets[-1].pts + FRAME_SAMPLES >= 1.5 * 48_000
    after = moved(material.packets, 10 * 48_000)
    later = [coded for packet in after for coded in encoder.encode(packet)] + encoder.finish()
    assert abs(onset_s(decoded_sound(encoder.config, later), 48_000) - CLICK_S - 10) < MAX_OFFSET_S


def test_another_codec_takes_over_in_the_middle() -> None:
    encoder = SoundEncoder(JOB)
    first, second = sound("libopus", length_s=1.5), sound("libmp3lame", rate=44_100, channels=1)
    packets = encode(first, encoder)
    packets += encode(Material(second.config, moved(second.packets, 2 * 44_100)), encoder)
    assert min(steps(packets)) >= FRAME_SAMPLES
    later = [packet for packet in packets if packet.pts > 1.6 * 48_000]
    assert abs(onset_s(decoded_sound(encoder.config, later), 48_000) - CLICK_S - 2) < MAX_OFFSET_S


def test_hours_of_sound_do_not_drift() -> None:
    """44.1 kHz stamps over 10 h, of which only the first and the last seconds are coded."""
    material = sound("aac", rate=44_100, channels=1)
    encoder = SoundEncoder(JOB)
    encoder.configure(material.config)
    for packet in material.packets:
        encoder.encode(packet)
    encoder.break_()
    hours = 10 * 3_600
    packets = encode(Material(material.config, moved(material.packets, hours * 44_100)), encoder)
    assert abs(onset_s(decoded_sound(encoder.config, packets), 48_000) - CLICK_S - hours) < MAX_OFFSET_S


def test_sbr_signalled_sound_is_taken_at_its_real_rate() -> None:
    """An AudioSpecificConfig that announces SBR doubles the rate of what comes out of the decoder."""
    material = sound("aac", rate=22_050)
    core = material.config.record
    assert core[0] >> 3 == 2
    # AOT 5, core index 7 (22.05 kHz), stereo, extension index 4 (44.1 kHz), AOT 2
    bits = f"{5:05b}{7:04b}{2:04b}{4:04b}{2:05b}000"
    record = int(bits.ljust(32, "0"), 2).to_bytes(4, "big")
    config = CodecConfig(TrackKind.AUDIO, "mp4a", record, sample_rate=44_100, channels=2)
    encoder = SoundEncoder(JOB)
    doubled = [msgspec.structs.replace(packet, dts=packet.dts * 2, pts=packet.pts * 2) for packet in material.packets]
    packets = encode(Material(config, doubled), encoder)
    assert abs(onset_s(decoded_sound(encoder.config, packets), 48_000) - CLICK_S) < 0.03  # SBR's own delay
    assert steps(packets) == {FRAME_SAMPLES}


def test_damaged_packets_are_counted_and_the_rest_is_heard() -> None:
    material = sound("libmp3lame")
    damaged = [
        msgspec.structs.replace(packet, data=b"\xff" * 40) if number in {5, 6, 20} else packet
        for number, packet in enumerate(material.packets)
    ]
    encoder = SoundEncoder(JOB)
    packets = encode(Material(material.config, damaged), encoder)
    assert encoder.corrupt_packets == 3
    assert abs(onset_s(decoded_sound(encoder.config, packets), 48_000) - CLICK_S) < MAX_OFFSET_S


def test_a_configuration_that_no_decoder_takes_is_refused_and_the_next_one_works() -> None:
    encoder = SoundEncoder(JOB)
    for fourcc, record in (("Opus", b""), ("dtsc", b"x")):
        with pytest.raises(CannotDecode):
            encoder.configure(CodecConfig(TrackKind.AUDIO, fourcc, record, sample_rate=48_000, channels=2))
        assert encoder.encode(Packet(TrackKind.AUDIO, 0, 0, True, b"x")) == []
    assert encode(sound("libopus"), encoder)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["libopus", "libmp3lame", "aac", "flac", "ac3"]), st.lists(st.binary(max_size=300), max_size=20))
def test_any_bytes_give_packets_that_rise_or_nothing(codec: str, payloads: list[bytes]) -> None:
    encoder = SoundEncoder(JOB)
    packets = encoder.configure(sound(codec).config)
    for number, data in enumerate(payloads):
        packets += encoder.encode(Packet(TrackKind.AUDIO, number * 960, number * 960, True, data))
    packets += encoder.finish()
    assert all(step >= FRAME_SAMPLES for step in steps(packets))
