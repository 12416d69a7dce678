"""`CodecConfig` from a configuration record, and its name in a playlist (RFC 6381)."""

from media.codecs import aac, av1, dolby, flac, h264, hevc, mp3, mpeg_audio, opus, vp9
from media.codecs.bits import BadConfig
from media.packets import CodecConfig, TrackKind


def video_config(fourcc: str, record: bytes) -> CodecConfig:
    """Return the configuration of a video track; the size is 0x0 when the record has none (VP9, some AV1)."""
    width = height = 0
    if fourcc == "avc1":
        sps = h264.parse_avcc(record).sps
        width, height = sps.width, sps.height
    elif fourcc == "hvc1":
        sps = hevc.parse_hvcc(record).sps
        width, height = sps.width, sps.height
    elif fourcc == "av01":
        av01 = av1.parse_av1c(record)
        width, height = av01.width, av01.height
    elif fourcc == "vp09":
        vp9.parse_vpcc(record)
    else:
        raise BadConfig(f"no video codec {fourcc!r}")
    return CodecConfig(kind=TrackKind.VIDEO, fourcc=fourcc, record=record, width=width, height=height)


def audio_config(fourcc: str, record: bytes) -> CodecConfig:
    """Return the configuration of an audio track.

    `record` is an AudioSpecificConfig, a dOps body or FLAC metadata blocks. AC-3, E-AC-3, MP2 and MP3 have no
    record of their own: give the first frame, and the result holds the dac3 or dec3 body (nothing for MP2 and MP3).
    """
    if fourcc == "mp4a":
        asc = aac.parse_asc(record)
        rate, channels = asc.sample_rate, asc.channels
    elif fourcc == "Opus":
        rate, channels = opus.SAMPLE_RATE, opus.parse_dops(record).channels
    elif fourcc == "fLaC":
        info = flac.parse_streaminfo(record)
        rate, channels = info.sample_rate, info.channels
    elif fourcc in {"ac-3", "ec-3"}:
        frame = dolby.ac3_config(record) if fourcc == "ac-3" else dolby.eac3_config(record)
        record, rate, channels = frame.record, frame.sample_rate, frame.channels
    elif fourcc == ".mp3":
        header = mp3.parse_frame_header(record)
        record, rate, channels = b"", header.sample_rate, header.channels
    elif fourcc == ".mp2":
        header = mpeg_audio.parse_layer2_header(record)
        record, rate, channels = b"", header.sample_rate, header.channels
    else:
        raise BadConfig(f"no audio codec {fourcc!r}")
    return CodecConfig(kind=TrackKind.AUDIO, fourcc=fourcc, record=record, sample_rate=rate, channels=channels)


def access_unit_samples(config: CodecConfig, data: bytes) -> int:
    """Return how many samples at `config.sample_rate` an audio access unit lasts; 0 when it doesn't say."""
    try:
        return _samples(config, data)
    except BadConfig:
        return 0  # a broken frame


def _samples(config: CodecConfig, data: bytes) -> int:
    match config.fourcc:
        case "mp4a":
            return aac.parse_asc(config.record).frame_samples
        case "Opus":
            return opus.packet_samples(data)
        case "fLaC":
            return flac.frame_samples(data)
        case "ac-3":
            return dolby.AC3_FRAME_SAMPLES
        case "ec-3":
            return dolby.eac3_samples(data)
        case ".mp3":
            return mp3.samples(data)
        case ".mp2":
            return mpeg_audio.LAYER_2_SAMPLES
    return 0


def rfc6381(config: CodecConfig) -> str:
    """Return the codec string for CODECS, MIME types and the health page ("avc1.64001f")."""
    record = config.record
    match config.fourcc:
        case "avc1":
            return f"avc1.{record[1:4].hex()}"
        case "hvc1":
            return _hevc_name(hevc.parse_hvcc(record))
        case "av01":
            av01 = av1.parse_av1c(record)
            tier = "H" if av01.is_high_tier else "M"
            return f"av01.{av01.profile}.{av01.level:02d}{tier}.{av01.bit_depth:02d}"
        case "vp09":
            vp = vp9.parse_vpcc(record)
            return f"vp09.{vp.profile:02d}.{vp.level:02d}.{vp.bit_depth:02d}"
        case "mp4a":
            return f"mp4a.40.{aac.parse_asc(record).object_type}"
        case "Opus":
            return "opus"  # what browsers and Apple's authoring specification spell; the sample entry is "Opus"
        case ".mp3":
            return "mp4a.40.34"
        case ".mp2":
            return "mp4a.40.33"
    return config.fourcc


def _hevc_name(config: hevc.HevcConfig) -> str:
    """ISO/IEC 14496-15, annex E.3: flags in reverse bit order, constraint bytes without trailing zeros."""
    space = ("", "A", "B", "C")[config.profile_space]
    compatibility = int(f"{config.compatibility:032b}"[::-1], 2)
    tier = "H" if config.is_high_tier else "L"
    constraints = "".join(f".{byte:X}" for byte in config.constraints.rstrip(b"\0"))
    return f"hvc1.{space}{config.profile}.{compatibility:X}.{tier}{config.level}{constraints}"
