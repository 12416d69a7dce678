"""fMP4 as bytes: initialization sections and fragments (ISO/IEC 14496-12; CMAF, ISO/IEC 23000-19).

One track per file, no edit list, no index. Every time stamp is moved by `TIME_OFFSET_S`, on all tracks alike, so that
the negative decode times of B-frames stay above zero without tearing the tracks apart.
"""

import struct
from collections.abc import Sequence

import msgspec

from media.packets import VIDEO_TIMESCALE, CodecConfig, TrackKind

TIME_OFFSET_S = 10
"""Added to every decode time: `tfdt` is unsigned (14496-12, 8.8.12) and the first dts of a stream may be below zero."""
TRACK_ID = 1

_SYNC_SAMPLE = 0x02000000  # sample_depends_on 2: others are not needed (14496-12, 8.8.3.1)
_NON_SYNC_SAMPLE = 0x01010000  # depends on others, is no sync sample
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_VIDEO_RUN_FLAGS = 0x000F01  # data offset; per sample: duration, size, flags, composition offset
_AUDIO_RUN_FLAGS = 0x000301  # data offset; per sample: duration, size


class UnsupportedCodec(Exception):
    """The publisher's codec has no place in fMP4 as HLS players take it; his choice to change it."""

    def __init__(self, fourcc: str) -> None:
        super().__init__(f"codec {fourcc!r} cannot be carried in HLS")
        self.fourcc = fourcc


class Sample(msgspec.Struct, gc=False):
    """One access unit with its true duration, in ticks of its track."""

    duration: int
    composition: int  # pts - dts
    is_sync: bool
    data: bytes


def timescale(config: CodecConfig) -> int:
    """Return the ticks per second of the track: 90 kHz for video, the sample rate for audio."""
    return VIDEO_TIMESCALE if config.kind is TrackKind.VIDEO else config.sample_rate


# --- initialization section ---------------------------------------------------------------------------------


def init_section(config: CodecConfig) -> bytes:
    """Return ftyp and moov for one track. Raises `UnsupportedCodec`."""
    is_video = config.kind is TrackKind.VIDEO
    handler, name = (b"vide", b"video\0") if is_video else (b"soun", b"audio\0")
    media_header = _full(b"vmhd", 0, 1, bytes(8)) if is_video else _full(b"smhd", 0, 0, bytes(4))
    entry = _video_entry(config) if is_video else _audio_entry(config)
    tables = _box(
        b"stbl",
        _full(b"stsd", 0, 0, _u32(1), entry),
        _full(b"stts", 0, 0, _u32(0)),
        _full(b"stsc", 0, 0, _u32(0)),
        _full(b"stsz", 0, 0, bytes(8)),
        _full(b"stco", 0, 0, _u32(0)),
    )
    data_reference = _box(b"dinf", _full(b"dref", 0, 0, _u32(1), _full(b"url ", 0, 1)))
    media = _box(
        b"mdia",
        _full(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, timescale(config), 0, 0x55C4, 0)),  # language "und"
        _full(b"hdlr", 0, 0, bytes(4), handler, bytes(12), name),
        _box(b"minf", media_header, data_reference, tables),
    )
    volume = 0 if is_video else 0x0100
    track_header = _full(
        b"tkhd",
        0,
        3,  # enabled, in movie
        struct.pack(">IIIII8xHHHH", 0, 0, TRACK_ID, 0, 0, 0, 0, volume, 0),
        _MATRIX,
        struct.pack(">II", config.width << 16, config.height << 16),
    )
    movie_header = _full(
        b"mvhd",
        0,
        0,
        struct.pack(">IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x0100),
        _MATRIX,
        bytes(24),
        _u32(TRACK_ID + 1),
    )
    extends = _box(b"mvex", _full(b"trex", 0, 0, struct.pack(">IIIII", TRACK_ID, 1, 0, 0, 0)))
    brands = _box(b"ftyp", b"iso6", _u32(0), b"iso6", b"cmfc", b"mp41")
    return brands + _box(b"moov", movie_header, _box(b"trak", track_header, media), extends)


def _video_entry(config: CodecConfig) -> bytes:
    record = config.record
    match config.fourcc:
        case "avc1":
            setup = _box(b"avcC", record)
        case "hvc1":
            setup = _box(b"hvcC", record)
        case "av01":
            setup = _box(b"av1C", record)
        case "vp09":
            setup = _full(b"vpcC", 1, 0, record)
        case _:
            raise UnsupportedCodec(config.fourcc)
    head = struct.pack(
        ">6xH16xHHIIIH32sHh",
        1,  # data reference
        config.width,
        config.height,
        0x480000,  # 72 dpi
        0x480000,
        0,
        1,  # frames per sample
        b"",  # compressor name
        24,  # depth
        -1,
    )
    return _box(config.fourcc.encode(), head, setup)


def _audio_entry(config: CodecConfig) -> bytes:
    record = config.record
    match config.fourcc:
        case "mp4a":
            setup = _full(b"esds", 0, 0, _es_descriptor(record))
        case "Opus":
            setup = _box(b"dOps", record)
        case "fLaC":
            setup = _full(b"dfLa", 0, 0, record)
        case "ac-3":
            setup = _box(b"dac3", record)
        case "ec-3":
            setup = _box(b"dec3", record)
        case _:
            raise UnsupportedCodec(config.fourcc)
    rate = config.sample_rate if config.sample_rate <= 0xFFFF else 0  # 16.16: 96 kHz does not fit, the record has it
    head = struct.pack(">6xH8xHHIHH", 1, config.channels, 16, 0, rate, 0)
    return _box(config.fourcc.encode(), head, setup)


def _es_descriptor(audio_specific_config: bytes) -> bytes:
    """ISO/IEC 14496-1, 7.2.6.5: MPEG-4 audio (0x40), audio stream (0x05 << 2 | 1), bit rates unknown."""
    specific = _descriptor(0x05, audio_specific_config)
    decoder = _descriptor(0x04, struct.pack(">BBxHII", 0x40, 0x15, 0, 0, 0), specific)
    return _descriptor(0x03, struct.pack(">HB", TRACK_ID, 0), decoder, _descriptor(0x06, b"\x02"))


def _descriptor(tag: int, *contents: bytes) -> bytes:
    body = b"".join(contents)
    size = len(body)
    return bytes((tag, 0x80 | size >> 21 & 0x7F, 0x80 | size >> 14 & 0x7F, 0x80 | size >> 7 & 0x7F, size & 0x7F)) + body


# --- fragment -----------------------------------------------------------------------------------------------

_FRAGMENT_HEAD = struct.Struct(
    ">"
    "I4s"  # moof
    "I4sII"  # mfhd: sequence number
    "I4s"  # traf
    "I4sIII"  # tfhd: track, default sample flags
    "I4sIQ"  # tfdt, version 1: decode time of the first sample
    "I4sIII"  # trun: sample count, offset of the data from the start of moof
)
_VIDEO_SAMPLE = struct.Struct(">IIIi")  # composition offsets are signed in trun version 1
_AUDIO_SAMPLE = struct.Struct(">II")
_TFHD_FLAGS = 0x020020  # default-base-is-moof, default sample flags present


def fragment(kind: TrackKind, sequence: int, start: int, time_base: int, samples: Sequence[Sample]) -> bytes:
    """Return moof and mdat of consecutive samples, the first of which is decoded at `start` ticks of `time_base`."""
    payload = [sample.data for sample in samples]
    if kind is TrackKind.VIDEO:
        default_flags, run_flags, run_version = _NON_SYNC_SAMPLE, _VIDEO_RUN_FLAGS, 1
        table = b"".join(
            [
                _VIDEO_SAMPLE.pack(
                    sample.duration,
                    len(sample.data),
                    _SYNC_SAMPLE if sample.is_sync else _NON_SYNC_SAMPLE,
                    sample.composition,
                )
                for sample in samples
            ]
        )
    else:
        default_flags, run_flags, run_version = _SYNC_SAMPLE, _AUDIO_RUN_FLAGS, 0
        table = b"".join([_AUDIO_SAMPLE.pack(sample.duration, len(sample.data)) for sample in samples])
    moof_bytes = _FRAGMENT_HEAD.size + len(table)
    head = _FRAGMENT_HEAD.pack(
        *(moof_bytes, b"moof"),
        *(16, b"mfhd", 0, sequence & 0xFFFFFFFF),
        *(moof_bytes - 24, b"traf"),
        *(20, b"tfhd", _TFHD_FLAGS, TRACK_ID, default_flags),
        *(20, b"tfdt", 1 << 24, start + TIME_OFFSET_S * time_base),
        *(20 + len(table), b"trun", run_version << 24 | run_flags, len(samples), moof_bytes + 8),
    )
    mdat_bytes = 8 + sum(map(len, payload))
    return b"".join((head, table, mdat_bytes.to_bytes(4, "big"), b"mdat", *payload))


# --- parts of boxes -----------------------------------------------------------------------------------------


def _box(kind: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def _full(kind: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    return _box(kind, _u32(version << 24 | flags), *contents)


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")
