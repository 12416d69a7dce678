"""Claims of media.codecs.playable: what goes to players as it is, and the frame rate that encoders write down."""

from fractions import Fraction

import av
import pytest

from media.codecs import audio_config, frame_rate, hevc, is_aac_lc, plays_everywhere, video_config
from media.codecs.bits import rbsp
from media.codecs.h264 import believed_rate
from media.packets import CodecConfig, TrackKind


@pytest.mark.parametrize(
    ("record", "is_lc"),
    [
        ("1190", True),
        ("118856e500", True),  # mono, and no SBR said aloud
        ("11b056e500", True),  # 5.1
        ("1210", True),  # 44.1 kHz
        ("1194", False),  # frames of 960
        ("0a10", False),  # Main
        ("2b118800", False),  # HE-AAC
        ("131056e598", False),  # HE-AAC, said backward compatibly
        ("130856e59d4880", False),  # HE-AACv2
    ],
)
def test_only_usual_aac_lc_passes(record: str, is_lc: bool) -> None:
    assert is_aac_lc(audio_config("mp4a", bytes.fromhex(record))) is is_lc


def test_other_codecs_and_broken_records_are_no_aac_lc() -> None:
    opus = audio_config("Opus", bytes.fromhex("00020138000 0bb80000000".replace(" ", "")))
    assert not is_aac_lc(opus)
    assert not is_aac_lc(CodecConfig(TrackKind.AUDIO, "mp4a", b"", sample_rate=48_000, channels=2))


def test_channels_that_only_a_program_config_describes_do_not_pass() -> None:
    bits = "00010" + "0011" + "0000" + "000"
    bits += "0000" + "01" + "0011" + "0010" + "0000" + "0001" + "01" + "000" + "0000" + "000"
    bits += "00000" + "10000" + "10001" + "0000"
    bits += "0" * (-len(bits) % 8) + "0" * 8
    assert not is_aac_lc(audio_config("mp4a", int(bits, 2).to_bytes(len(bits) // 8, "big")))


def h264(
    pixels: str = "yuv420p", *, rate: Fraction = Fraction(30), options: dict[str, str] | None = None
) -> CodecConfig:
    record = extradata("libx264", pixels, rate, {"x264-params": "annexb=0"} | (options or {}))
    return video_config("avc1", record)


def extradata(encoder: str, pixels: str, rate: Fraction, options: dict[str, str]) -> bytes:
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 320, 180, pixels
    context.time_base, context.framerate = 1 / rate, rate
    context.thread_count = 1
    context.options = options
    context.flags |= av.codec.context.Flags.global_header
    context.open()
    return bytes(context.extradata or b"")


@pytest.mark.parametrize(
    ("pixels", "options", "plays"),
    [
        ("yuv420p", {}, True),
        ("yuvj420p", {}, True),
        ("yuv420p", {"profile": "baseline"}, True),
        ("yuv420p", {"profile": "main"}, True),
        ("yuv420p", {"level": "5.2"}, True),
        ("yuv420p", {"level": "6.0"}, False),
        ("yuv422p", {}, False),
        ("yuv444p", {}, False),
        ("gray", {}, False),
        ("yuv420p10le", {}, False),
    ],
)
def test_h264_of_8_bits_and_420_plays_everywhere_and_nothing_else(
    pixels: str, options: dict[str, str], plays: bool
) -> None:
    assert plays_everywhere(h264(pixels, options=options)) is plays


def test_other_video_and_broken_records_do_not_play_everywhere() -> None:
    assert not plays_everywhere(video_config("av01", bytes.fromhex("81010c000a0c0200000d6627fb3805f00080")))
    assert not plays_everywhere(CodecConfig(TrackKind.VIDEO, "avc1", b"\x01"))


RATES = [Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(60), Fraction(15, 2), Fraction(240)]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("options", [{}, {"aspect": "4:3"}, {"color_range": "tv", "colorspace": "bt709"}])
def test_h264_says_its_frame_rate(rate: Fraction, options: dict[str, str]) -> None:
    assert frame_rate(h264(rate=rate, options=options)) == pytest.approx(float(rate))


def hvcc(annexb: bytes) -> bytes:
    """Pack the parameter sets of an Annex B header."""
    nals = [nal.rstrip(b"\0") for nal in annexb.split(b"\0\0\1") if nal.strip(b"\0")]
    arrays = b"".join(bytes([nal[0] >> 1]) + b"\0\1" + len(nal).to_bytes(2, "big") + nal for nal in nals)
    return b"\1" + bytes(20) + b"\x03" + bytes([len(nals)]) + arrays


HEVC_OPTIONS = [
    "",
    "bframes=8:ref=6:b-pyramid=1",
    "bframes=0:ref=1",
    "scaling-list=default",
    "temporal-layers=3",
    "no-amp=1:sao=0:ctu=16:min-cu-size=8",
    "sar=3:overscan=show:range=full:colorprim=bt709:transfer=bt709:colormatrix=bt709:chromaloc=1",
    "display-window=2,2,2,2",
    "multi-pass-opt-rps=1",
]


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(60_000, 1001)])
@pytest.mark.parametrize("params", HEVC_OPTIONS)
def test_hevc_says_its_frame_rate(rate: Fraction, params: str) -> None:
    record = hvcc(extradata("libx265", "yuv420p", rate, {"x265-params": f"log-level=none:{params}"}))
    assert frame_rate(video_config("hvc1", record)) == pytest.approx(float(rate))


def bits_of(*fields: int | str) -> str:
    """Return strings of bits as they are and numbers as unsigned Exp-Golomb codes."""
    return "".join(f if isinstance(f, str) else f"{f + 1:b}".rjust(2 * (f + 1).bit_length() - 1, "0") for f in fields)


def test_hevc_reference_sets_told_by_their_difference_are_followed() -> None:
    vui = bits_of("0000", "000", "0", "1", f"{1001:032b}", f"{50_000:032b}")
    lists = "1" + "1" + "".join(bits_of("0", 0) for _ in range(20))  # scaling lists, each a copy
    lists = lists[:2] + bits_of("1", *[0] * 16) + lists[4:]  # but the first, of 16 coefficients
    # The first set has pictures at -1, -3 and +2. The second moves them and the current one by +1: 0 is no reference,
    # -2, +3 and +1 are. The third names three of the four places there are then.
    sets = bits_of(3) + bits_of(2, 1, 0, "1", 1, "1", 1, "1")
    sets += bits_of("1", "0", 0, "1", "1", "01", "1")
    sets += bits_of("1", "1", 0, "00", "1", "1", "1")
    body = bits_of("0000", "000", "1", "0" * 96, 0, 1, 639, 359, "0", 0, 0, 4, "1", 4, 2, 0, 0, 3, 0, 3, 0, 0)
    body += lists + "11" + "1" + "0" * 8 + bits_of(0, 2) + "1" + sets
    body += "1" + bits_of(1) + "1" * 9  # one long-term picture of 8 bits
    body += "11" + "1" + vui
    raw = int((body + "1").ljust((len(body) + 8) // 8 * 8, "0"), 2).to_bytes((len(body) + 8) // 8, "big")
    escaped = raw.replace(b"\0\0", b"\0\0\3")
    assert rbsp(escaped) == raw
    sps = hevc.parse_sps(b"\x42\x01" + escaped)
    assert (sps.width, sps.height, sps.bit_depth) == (639, 359, 8)
    assert sps.frame_rate == pytest.approx(50_000 / 1001)


@pytest.mark.parametrize(
    ("scale", "ticks", "rate"), [(60, 1, 60), (0, 1, 0), (60, 0, 0), (180_000, 2, 0), (480, 1, 480), (481, 1, 0)]
)
def test_a_frame_rate_nobody_means_is_none(scale: int, ticks: int, rate: float) -> None:
    assert believed_rate(scale, ticks) == rate


def test_a_record_without_timing_has_no_frame_rate() -> None:
    assert frame_rate(CodecConfig(TrackKind.VIDEO, "avc1", b"\x01")) == 0
    assert frame_rate(video_config("av01", bytes.fromhex("81010c000a0c0200000d6627fb3805f00080"))) == 0
