"""fMP4 bytes, read back by FFmpeg: every codec that HLS carries, made by a real encoder."""

import io
import struct
from fractions import Fraction
from itertools import pairwise

import av
import pytest

from media.codecs import audio_config, video_config
from media.hls.boxes import TIME_OFFSET_S, Sample, UnsupportedCodec, fragment, init_section, timescale
from media.packets import CodecConfig, Packet, TrackKind
from tests.media.material import (
    AUDIO_CONFIG,
    VIDEO_CONFIG,
    Material,
    aac,
    as_unpacked,
    decoded_frames,
    h264,
    pictures,
    tones,
    unpack,
)

BOXES = {
    "hvc1": b"hvcC",
    "av01": b"av1C",
    "vp09": b"vpcC",
    "Opus": b"dOps",
    "fLaC": b"dfLa",
    "ac-3": b"dac3",
    "ec-3": b"dec3",
}
DECODERS = {
    "hvc1": "hevc", "av01": "av1", "vp09": "vp9", "Opus": "opus", "fLaC": "flac", "ac-3": "ac3", "ec-3": "eac3",
}  # fmt: skip
FULL_BOXES = {"vp09", "fLaC"}
"""Codecs whose configuration lies behind a version and flags."""
ENCODERS = {
    "hvc1": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:bframes=2:keyint=20"}, "yuv420p"),
    "av01": ("libsvtav1", {"preset": "12", "svtav1-params": "keyint=20"}, "yuv420p"),
    "vp09": ("libvpx-vp9", {"cpu-used": "8", "deadline": "realtime"}, "yuv420p"),
    "Opus": ("libopus", {}, "s16"),
    "fLaC": ("flac", {}, "s16"),
    "ac-3": ("ac3", {}, "fltp"),
    "ec-3": ("eac3", {}, "fltp"),
}


def encoded(fourcc: str) -> Material:
    """Encode a second or so, mux it with FFmpeg, and take record and packets from the file."""
    encoder, options, pixels = ENCODERS[fourcc]
    is_video = fourcc in {"hvc1", "av01", "vp09"}
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream(encoder, rate=30 if is_video else 48_000, options=options)
        if isinstance(stream, av.VideoStream):
            stream.thread_count = 1
            stream.width, stream.height, stream.pix_fmt = 320, 180, pixels
            stream.codec_context.codec_tag = fourcc
            container.mux([packet for frame in pictures("320x180", 40) for packet in stream.encode(frame)])
        else:
            assert isinstance(stream, av.AudioStream)
            stream.layout = "stereo"
            stream.codec_context.format = pixels
            stream.codec_context.open()
            frames = tones(40, pixels, stream.codec_context.frame_size)
            container.mux([packet for frame in frames for packet in stream.encode(frame)])
        container.mux(stream.encode(None))
    data = file.getvalue()
    at = data.index(BOXES[fourcc])
    size = int.from_bytes(data[at - 4 : at], "big")
    record = data[at + 4 + 4 * (fourcc in FULL_BOXES) : at - 4 + size]
    file.seek(0)
    with av.open(file, "r") as container:
        rate = 90_000 if is_video else 48_000
        packets = []
        for packet in container.demux():
            if packet.size:
                assert packet.dts is not None
                assert packet.pts is not None
                scale = (packet.time_base or Fraction(1)) * rate
                kind = TrackKind.VIDEO if is_video else TrackKind.AUDIO
                stamps = int(packet.dts * scale), int(packet.pts * scale)
                packets.append(Packet(kind, *stamps, packet.is_keyframe, bytes(packet)))
    if is_video:
        return Material(CodecConfig(TrackKind.VIDEO, fourcc, record, 320, 180), packets)
    frame = packets[0].data
    return Material(audio_config(fourcc, frame if fourcc in {"ac-3", "ec-3"} else record), packets)


def packaged(material: Material, per_part: int = 10) -> bytes:
    """Return the initialization section and fragments of all packets."""
    config, packets = material.config, material.packets
    durations = [after.dts - before.dts for before, after in pairwise(packets)]
    samples = [
        Sample(duration, packet.pts - packet.dts, packet.is_keyframe, packet.data)
        for packet, duration in zip(packets, [*durations, durations[-1]], strict=True)
    ]
    data = init_section(config)
    for number, first in enumerate(range(0, len(samples), per_part)):
        part = samples[first : first + per_part]
        data += fragment(config.kind, number + 1, packets[first].dts, timescale(config), part)
    return data


@pytest.mark.parametrize("b_frames", [0, 2])
def test_h264_comes_back_as_it_went_in(b_frames: int) -> None:
    material = h264(2, b_frames=b_frames)
    assert (material.packets[0].dts < 0) == (b_frames > 0)
    data = packaged(material)
    assert unpack(material.config, data) == as_unpacked(material.packets)
    assert decoded_frames(data) == 60


def test_aac_comes_back_as_it_went_in() -> None:
    material = aac(2)
    assert material.packets[0].dts == -1024
    data = packaged(material)
    assert unpack(material.config, data) == as_unpacked(material.packets)
    assert decoded_frames(data) >= len(material.packets) - 1


@pytest.mark.parametrize("fourcc", ENCODERS)
def test_every_codec_that_hls_carries_comes_back_and_decodes(fourcc: str) -> None:
    material = encoded(fourcc)
    data = packaged(material)
    assert [(p.dts, p.pts, p.data) for p in unpack(material.config, data)] == [
        (p.dts, p.pts, p.data) for p in material.packets
    ]
    assert decoded_frames(data) >= 39
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        stream = container.streams[0]
        assert stream.codec_context.codec.canonical_name == DECODERS[fourcc]
        if isinstance(stream, av.AudioStream):
            assert (stream.codec_context.sample_rate, stream.codec_context.channels) == (48_000, 2)


@pytest.mark.parametrize("config", [VIDEO_CONFIG, AUDIO_CONFIG])
def test_what_has_no_place_in_fmp4_is_named(config: CodecConfig) -> None:
    for fourcc in (".mp3", "vp08", "x"):
        with pytest.raises(UnsupportedCodec, match=fourcc):
            init_section(CodecConfig(config.kind, fourcc, b"", sample_rate=48_000, channels=2))


def test_size_and_rate_stand_in_the_sample_entry() -> None:
    video = init_section(VIDEO_CONFIG)
    entry = video[video.index(b"avc1", video.index(b"stsd")) :]
    assert struct.unpack(">HH", entry[28:32]) == (1280, 720)
    audio = init_section(AUDIO_CONFIG)
    entry = audio[audio.index(b"mp4a") :]
    assert struct.unpack(">H", entry[20:22]) == (2,)
    assert struct.unpack(">I", entry[28:32]) == (48_000 << 16,)
    assert AUDIO_CONFIG.record in audio


def test_a_rate_above_65535_is_left_to_the_record() -> None:
    high = CodecConfig(TrackKind.AUDIO, "mp4a", bytes.fromhex("1010"), sample_rate=96_000, channels=2)
    entry = init_section(high)
    assert struct.unpack(">I", entry[entry.index(b"mp4a") + 28 :][:4]) == (0,)
    assert struct.pack(">I", 96_000) in entry  # mdhd's time scale has it


def test_the_bytes_of_a_fragment() -> None:
    """Every field by hand: ISO/IEC 14496-12, 8.8."""
    samples = [Sample(3000, 6000, True, b"AAAA"), Sample(3003, -1, False, b"BB")]
    start = -6000 + TIME_OFFSET_S * 90_000
    expected = b"".join(
        (
            struct.pack(">I4s", 124, b"moof"),
            struct.pack(">I4sII", 16, b"mfhd", 0, 7),
            struct.pack(">I4s", 100, b"traf"),
            struct.pack(">I4sIII", 20, b"tfhd", 0x020020, 1, 0x01010000),
            struct.pack(">I4sIQ", 20, b"tfdt", 0x01000000, start),
            struct.pack(">I4sIII", 52, b"trun", 0x01000F01, 2, 132),
            struct.pack(">IIIi", 3000, 4, 0x02000000, 6000),
            struct.pack(">IIIi", 3003, 2, 0x01010000, -1),
            struct.pack(">I4s", 14, b"mdat"),
            b"AAAABB",
        )
    )
    assert fragment(TrackKind.VIDEO, 7, -6000, 90_000, samples) == expected


def test_decode_times_have_64_bits() -> None:
    days_s = 14 * 24 * 3600  # more than 32 bits of 90 kHz
    data = fragment(TrackKind.VIDEO, 1, days_s * 90_000, 90_000, [Sample(3000, 0, True, b"A")])
    assert struct.pack(">Q", (days_s + TIME_OFFSET_S) * 90_000) in data


def test_configs_read_by_the_codecs_package_are_the_ones_packaged() -> None:
    config = video_config("avc1", h264(2).config.record)
    assert (config.width, config.height) == (320, 180)
