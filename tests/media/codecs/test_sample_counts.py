"""What access units last by their own bytes, against what the encoder of each codec says they last."""

from fractions import Fraction

import av
import av.filter
import pytest

from media.codecs import access_unit_samples, audio_config, flac, opus
from media.packets import CodecConfig

FRAMES = 30


def encoded(encoder: str, *, rate: int, layout: str, options: dict[str, str]) -> tuple[bytes, list[bytes], int]:
    """Encode a tone; return the extradata, the packets and how many samples each lasts."""
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.AudioCodecContext)
    sample_format = {"flac": "s16", "mp2": "s16", "libopus": "flt"}.get(encoder, "fltp")
    context.sample_rate, context.layout, context.format = rate, layout, sample_format
    context.time_base = Fraction(1, rate)
    context.options = options
    context.flags |= av.codec.context.Flags.global_header
    context.open()
    graph = av.filter.Graph()
    source = graph.add("sine", f"frequency=440:sample_rate={rate}:samples_per_frame={context.frame_size}")
    shaped = graph.add("aformat", f"sample_fmts={sample_format}:channel_layouts={layout}")
    sink = graph.add("abuffersink")
    source.link_to(shaped)
    shaped.link_to(sink)
    graph.configure()
    packets: list[bytes] = []
    for number in range(FRAMES):
        frame = graph.pull()
        assert isinstance(frame, av.AudioFrame)
        frame.pts, frame.time_base = number * context.frame_size, Fraction(1, rate)
        packets += [bytes(packet) for packet in context.encode(frame)]
    return bytes(context.extradata or b""), packets, context.frame_size


CASES = [
    ("aac", "mp4a", 48_000, "mono", {}),
    ("aac", "mp4a", 44_100, "stereo", {}),
    ("aac", "mp4a", 48_000, "5.1", {}),
    ("aac", "mp4a", 8_000, "mono", {}),
    *[("libopus", "Opus", 48_000, "stereo", {"frame_duration": ms}) for ms in ("2.5", "5", "10", "40", "60", "120")],
    ("libopus", "Opus", 48_000, "mono", {}),
    ("libopus", "Opus", 48_000, "5.1", {"mapping_family": "1"}),
    ("ac3", "ac-3", 48_000, "5.1", {}),
    ("ac3", "ac-3", 44_100, "mono", {}),
    ("ac3", "ac-3", 32_000, "stereo", {}),
    ("eac3", "ec-3", 48_000, "5.1", {}),
    ("eac3", "ec-3", 44_100, "stereo", {}),
    ("eac3", "ec-3", 48_000, "mono", {}),
    *[("flac", "fLaC", rate, layout, {"frame_size": size})
      for rate, layout, size in ((48_000, "5.1", "4608"), (44_100, "mono", "1152"), (96_000, "stereo", "192"),
                                 (44_100, "stereo", "1000"), (48_000, "stereo", "200"), (48_000, "mono", "4096"))],
    *[("libmp3lame", ".mp3", rate, layout, {})
      for rate, layout in ((44_100, "stereo"), (48_000, "mono"), (22_050, "mono"), (8_000, "mono"))],
    *[("mp2", ".mp2", rate, layout, {}) for rate, layout in ((48_000, "stereo"), (44_100, "mono"), (24_000, "mono"))],
]  # fmt: skip


@pytest.mark.parametrize(("encoder", "fourcc", "rate", "layout", "options"), CASES)
def test_every_access_unit_lasts_what_its_encoder_says(
    encoder: str, fourcc: str, rate: int, layout: str, options: dict[str, str]
) -> None:
    extradata, packets, samples = encoded(encoder, rate=rate, layout=layout, options=options)
    config = config_of(fourcc, extradata, packets[0])
    assert config.sample_rate == rate
    assert config.channels == {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    assert len(packets) > FRAMES // 2
    assert {access_unit_samples(config, packet) for packet in packets} == {samples}
    if "frame_size" in options:
        assert samples == int(options["frame_size"])


def config_of(fourcc: str, extradata: bytes, first: bytes) -> CodecConfig:
    if fourcc == "Opus":
        return audio_config(fourcc, opus.dops_from_head(extradata))
    if fourcc == "fLaC":
        return audio_config(fourcc, flac.metadata_blocks(extradata))
    return audio_config(fourcc, extradata or first)


def test_several_frames_in_one_packet_are_all_counted() -> None:
    _, mp3, samples = encoded("libmp3lame", rate=44_100, layout="stereo", options={})
    config = config_of(".mp3", b"", mp3[0])
    assert access_unit_samples(config, mp3[2] + mp3[3]) == 2 * samples
    assert access_unit_samples(config, mp3[2] + b"TAG" + bytes(125)) == samples
    _, eac3, samples = encoded("eac3", rate=48_000, layout="stereo", options={})
    config = config_of("ec-3", b"", eac3[0])
    assert access_unit_samples(config, eac3[0] + eac3[1]) == 2 * samples
    dependent = bytes([*eac3[1][:2], eac3[1][2] | 0x40, *eac3[1][3:]])
    assert access_unit_samples(config, eac3[0] + dependent) == samples
    assert access_unit_samples(config, eac3[0] + b"\0\0\0") == samples
