"""Silence where sound is missing: its access units as a decoder hears them, and when they come."""

import itertools
from collections.abc import Iterable

import av
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codecs import audio_config
from media.codecs.aac import SAMPLE_RATES
from media.hls.boxes import UnsupportedCodec
from media.packets import CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind
from media.silence import SILENT_CONFIG, SILENT_UNITS, Silence, silent_unit
from tests.media.material import AUDIO_CONFIG, VIDEO_CONFIG, audio_packets, interleaved, seconds, video_packets

MONO_CONFIG = CodecConfig(TrackKind.AUDIO, "mp4a", b"\x12\x08", sample_rate=44_100, channels=1)


def aac_config(rate: int, channels: int) -> CodecConfig:
    record = (2 << 11 | SAMPLE_RATES.index(rate) << 7 | channels << 3).to_bytes(2, "big")
    return audio_config("mp4a", record)


def run(events: Iterable[MediaEvent], silence: Silence | None = None) -> list[MediaEvent]:
    silence = silence or Silence()
    return [given_out for event in events for given_out in silence.feed(event)]


def sound(events: Iterable[MediaEvent]) -> list[Packet]:
    return [event for event in events if isinstance(event, Packet) and event.kind is TrackKind.AUDIO]


def is_silent(packet: Packet) -> bool:
    return packet.data in SILENT_UNITS.values()


def assert_whole(events: Iterable[MediaEvent], *, frame: int = 1024) -> list[Packet]:
    """Sound without a hole; return it."""
    units = sound(events)
    assert [unit.dts for unit in units] == list(range(units[0].dts, units[0].dts + frame * len(units), frame))
    return units


def assert_close(events: Iterable[MediaEvent]) -> list[Packet]:
    """Sound whose holes are too small for an access unit; return it."""
    units = sound(events)
    steps = [after.dts - before.dts for before, after in itertools.pairwise(units)]
    assert all(1024 <= step < 2048 for step in steps)
    return units


def pictures(length_s: float, start_s: float) -> list[Packet]:
    """Return frames without a keyframe."""
    frames = video_packets(length_s, start_s=start_s)
    for frame in frames:
        frame.is_keyframe = False
    return frames


# --- access units -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("rate", [96_000, 48_000, 44_100, 22_050, 8_000])
def test_a_silent_unit_decodes_to_a_whole_frame_of_zeros(channels: int, rate: int) -> None:
    config = aac_config(rate, channels)
    found = silent_unit(config)
    assert found is not None
    unit, samples = found
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = config.record
    frames = [frame for _ in range(5) for frame in decoder.decode(av.Packet(unit))]
    assert len(frames) == 5
    for frame in frames:
        assert (frame.sample_rate, frame.layout.nb_channels, frame.samples) == (rate, channels, samples)
        assert not any(any(bytes(plane)) for plane in frame.planes)


def test_silence_follows_sound_without_an_error_in_the_decoder() -> None:
    """The windows of a coder overlap: what was before fades out in the first unit, then there is nothing."""
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "fltp"
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.open()
    packets = []
    for number in range(10):
        frame = av.AudioFrame("fltp", "stereo", 1024)
        frame.sample_rate, frame.pts = 48_000, number * 1024
        for plane in frame.planes:
            plane.update(bytes.fromhex("0000003f000000bf") * 512)  # half of full scale, at half the sample rate
        packets += encoder.encode(frame)
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = SILENT_CONFIG.record
    for packet in packets:
        decoder.decode(packet)
    heard = [frame for _ in range(4) for frame in decoder.decode(av.Packet(SILENT_UNITS[2]))]
    assert len(heard) == 4
    assert not any(any(bytes(plane)) for frame in heard[2:] for plane in frame.planes)


@pytest.mark.parametrize(
    "config",
    [
        CodecConfig(TrackKind.AUDIO, "Opus", b"\0" * 11, sample_rate=48_000, channels=2),
        CodecConfig(TrackKind.AUDIO, "mp4a", bytes.fromhex("2b118800"), sample_rate=48_000, channels=2),  # SBR
        CodecConfig(TrackKind.AUDIO, "mp4a", bytes.fromhex("11b8"), sample_rate=48_000, channels=8),
        CodecConfig(TrackKind.AUDIO, "mp4a", b"", sample_rate=48_000, channels=2),
    ],
)
def test_there_is_no_unit_for_what_is_not_plain_aac(config: CodecConfig) -> None:
    assert silent_unit(config) is None


# --- no sound at all ----------------------------------------------------------------------------------------


def test_video_alone_gets_silence_from_its_first_picture_on_after_a_second() -> None:
    frames = video_packets(3, start_s=0.5, delay=6000)
    events = run([VIDEO_CONFIG, *frames])
    (config,) = [event for event in events if isinstance(event, CodecConfig) and event.kind is TrackKind.AUDIO]
    assert config == SILENT_CONFIG
    before = events[: events.index(config)]
    assert seconds([event for event in before if isinstance(event, Packet)][-1]) == pytest.approx(1.5, abs=0.04)
    units = assert_whole(events)
    assert all(is_silent(unit) for unit in units)
    assert 0 <= units[0].dts / 48_000 - frames[0].pts / 90_000 < 1e-4
    assert units[-1].dts / 48_000 == pytest.approx(3.46, abs=0.04)


def test_silence_goes_on_in_step_with_the_pictures_over_a_break() -> None:
    silence = Silence()
    run([VIDEO_CONFIG, *video_packets(3)], silence)
    after = run([Discontinuity("jump"), *video_packets(0.5, start_s=7)], silence)
    units = assert_whole(after)
    assert units[0].dts == 7 * 48_000
    assert len(units) >= 22


def test_sound_that_is_expected_later_is_waited_for_longer() -> None:
    silence = Silence()
    silence.wait_s = 3.0
    assert not sound(run([VIDEO_CONFIG, *video_packets(2.9)], silence))
    assert sound(run(video_packets(0.5, start_s=2.9), silence))


# --- sound that comes late, or another ----------------------------------------------------------------------


def test_late_sound_begins_at_the_next_keyframe() -> None:
    silence = Silence()
    run([VIDEO_CONFIG, *video_packets(5)], silence)
    silence.is_published = True
    late = run([MONO_CONFIG, *pictures(4, 5)], silence)
    assert MONO_CONFIG not in late
    for packet in audio_packets(1, rate=44_100, start_s=9):
        assert not silence.feed(packet)
    (*filled, config, keyframe) = silence.feed(video_packets(1, start_s=10)[0])
    assert all(is_silent(unit) for unit in sound(filled))
    assert config == MONO_CONFIG
    assert isinstance(keyframe, Packet)
    assert keyframe.is_keyframe
    packets = sorted(
        [*video_packets(2, start_s=10)[1:], *audio_packets(2, rate=44_100, start_s=10)],
        key=lambda packet: seconds(packet, MONO_CONFIG),
    )
    units = assert_whole(run(packets, silence))
    assert not any(is_silent(unit) for unit in units)


def test_late_sound_of_the_shape_of_the_silence_just_goes_on() -> None:
    silence = Silence()
    run([VIDEO_CONFIG, *video_packets(5)], silence)
    silence.is_published = True
    packets = interleaved(pictures(2, 5), audio_packets(2, start_s=5))
    events = run([SILENT_CONFIG, *packets], silence)
    assert SILENT_CONFIG not in events
    assert sum(not is_silent(unit) for unit in assert_close(events)) > 90


def test_before_anything_is_published_late_sound_replaces_the_silence() -> None:
    silence = Silence()
    run([VIDEO_CONFIG, *video_packets(1.5)], silence)
    packets = sorted(
        [*pictures(1, 1.5), *audio_packets(1, rate=44_100, start_s=1.5)],
        key=lambda packet: seconds(packet, MONO_CONFIG),
    )
    events = run([MONO_CONFIG, *packets], silence)
    assert events[0] == MONO_CONFIG
    units = assert_close(events)
    assert units[0].dts == 0
    assert units[0].data == SILENT_UNITS[1]
    assert not is_silent(units[-1])


def test_a_break_lets_a_late_configuration_out() -> None:
    silence = Silence()
    run([VIDEO_CONFIG, *video_packets(5)], silence)
    silence.is_published = True
    assert silence.feed(MONO_CONFIG) == ()
    jump = Discontinuity("jump")
    assert silence.feed(jump) == (jump, MONO_CONFIG)


def test_a_configuration_that_hls_cannot_carry_is_raised_at_once() -> None:
    silence = Silence()
    run([VIDEO_CONFIG, *video_packets(2)], silence)
    with pytest.raises(UnsupportedCodec):
        silence.feed(CodecConfig(TrackKind.AUDIO, ".mp3", b"", sample_rate=48_000, channels=2))


# --- sound with holes ---------------------------------------------------------------------------------------


def test_sound_without_holes_is_not_touched() -> None:
    events: list[MediaEvent] = [
        VIDEO_CONFIG,
        AUDIO_CONFIG,
        *interleaved(video_packets(5, delay=6000), audio_packets(5)),
    ]
    assert run(events) == events


def test_a_hole_is_filled_with_the_track_s_own_silence() -> None:
    units = audio_packets(3, rate=44_100)
    packets = sorted([*video_packets(3), *units[:20], *units[30:]], key=lambda packet: seconds(packet, MONO_CONFIG))
    filled = assert_whole(run([VIDEO_CONFIG, MONO_CONFIG, *packets]))
    assert [number for number, unit in enumerate(filled) if unit.data == SILENT_UNITS[1]] == list(range(20, 30))


def test_a_hole_of_less_than_an_access_unit_is_left() -> None:
    units = audio_packets(1)
    for unit in units[20:]:
        unit.dts += 900
    events = run([AUDIO_CONFIG, *units])
    assert events == [AUDIO_CONFIG, *units]


def test_sound_alone_has_its_holes_filled_when_it_goes_on() -> None:
    units = audio_packets(3)
    filled = assert_whole(run([AUDIO_CONFIG, *units[:20], *units[40:]]))
    assert sum(is_silent(unit) for unit in filled) == 20


def test_sound_that_stops_is_silent_after_a_second_and_heard_when_it_returns() -> None:
    silence = Silence()
    events = run([VIDEO_CONFIG, AUDIO_CONFIG, *interleaved(video_packets(2), audio_packets(2))], silence)
    events += run(video_packets(0.9, start_s=2), silence)
    assert not any(is_silent(unit) for unit in sound(events))
    events += run(video_packets(3, start_s=2.9), silence)
    assert sound(events)[-1].dts / 48_000 == pytest.approx(5.86, abs=0.03)
    # It comes back 0.3 s behind the pictures: what is silent already stays so, but it gets its time to catch up.
    packets = [*pictures(2, 5.9), *audio_packets(2, start_s=5.6)]
    packets.sort(key=lambda packet: seconds(packet) + (0.3 if packet.kind is TrackKind.AUDIO else 0))
    events += run(packets, silence)
    units = assert_close(events)
    assert not is_silent(units[-1])
    assert 10 <= silence.dropped_packets <= 16


def test_while_something_else_is_shown_silence_is_in_step_at_once() -> None:
    silence = Silence()
    run([VIDEO_CONFIG, AUDIO_CONFIG, *interleaved(video_packets(2), audio_packets(2))], silence)
    silence.leave()
    units = assert_whole(run(video_packets(1, fps=10, start_s=2.5), silence))
    assert units[0].dts == 2.5 * 48_000
    assert units[-1].dts / 48_000 == pytest.approx(3.4, abs=0.03)
    back: list[MediaEvent] = [
        Discontinuity("back"),
        *interleaved(video_packets(1, start_s=4), audio_packets(1, start_s=4)),
    ]
    assert run(back, silence) == back


def test_a_track_that_has_no_silence_is_left_alone() -> None:
    opus = CodecConfig(TrackKind.AUDIO, "Opus", b"\0" * 11, sample_rate=48_000, channels=2)
    units = audio_packets(4, frame=960)
    events: list[MediaEvent] = [VIDEO_CONFIG, opus, *interleaved(video_packets(4), units[:30], units[90:])]
    assert run(events) == events


@settings(deadline=None)
@given(
    missing=st.sets(st.integers(0, 400), max_size=300),
    shift_s=st.floats(-0.9, 0.9),
    channels=st.integers(1, 6),
)
def test_any_sound_beside_video_is_whole(missing: set[int], shift_s: float, channels: int) -> None:
    config = msgspec.structs.replace(aac_config(48_000, channels))
    units = [unit for number, unit in enumerate(audio_packets(9)) if number not in missing]
    packets = [*video_packets(9), *units]
    packets.sort(key=lambda packet: seconds(packet) + (shift_s if packet.kind is TrackKind.AUDIO else 0))
    silence = Silence()
    events = run([VIDEO_CONFIG, config, *packets], silence)
    heard = assert_close(events)
    assert sum(not is_silent(unit) for unit in heard) + silence.dropped_packets == len(units)
    shown = [event for event in events if isinstance(event, Packet) and event.kind is TrackKind.VIDEO]
    assert shown == video_packets(9)


def test_sound_of_another_process_goes_on_without_another_configuration() -> None:
    silence = Silence()
    silence.resume(AUDIO_CONFIG)
    media = interleaved(video_packets(3, start_s=60), audio_packets(3, start_s=60))
    events = run([Discontinuity("back"), VIDEO_CONFIG, AUDIO_CONFIG, *media], silence)
    assert AUDIO_CONFIG not in events
    assert not any(is_silent(unit) for unit in assert_whole(events))


def test_silence_of_another_process_goes_on_too() -> None:
    silence = Silence()
    silence.resume(SILENT_CONFIG)
    events = run([Discontinuity("back"), VIDEO_CONFIG, *video_packets(4, start_s=60)], silence)
    assert SILENT_CONFIG not in events
    units = assert_whole(events)
    assert all(is_silent(unit) for unit in units)
    assert units[0].dts == 60 * 48_000
    assert seconds(units[-1]) > 63.5
