"""`CodecConfig` and `Packet` to audio and video message payloads: what `flv` reads, the other way round."""

from collections.abc import Iterable

from media.codecs import opus
from media.packets import CodecConfig, Packet, TrackKind
from media.rtmp import flv
from media.rtmp.amf import AmfValue

ENCODER = "Tallylight"

_AAC_HEADER = b"\xaf"
"""AAC, 44 kHz, 16 bit, stereo: fixed by FLV 10.1, annex E.4.2.1, whatever the AudioSpecificConfig says."""
_MP3_HEADER = b"\x2f"
"""MP3, 44 kHz, 16 bit, stereo; the frames say what they are."""


def config_tag(config: CodecConfig) -> bytes:
    """Return the sequence header; empty for MP3, which has none. H.264, AAC and MP3 go the old way, read by all."""
    fourcc = config.fourcc
    if fourcc == "avc1":
        return b"\x17\x00\x00\x00\x00" + config.record
    if fourcc == "mp4a":
        return _AAC_HEADER + b"\x00" + config.record
    if fourcc == ".mp3":
        return b""
    if config.kind is TrackKind.VIDEO:
        return bytes([0x90 | flv.SEQUENCE_START]) + fourcc.encode() + config.record
    body = config.record
    if fourcc == "Opus":
        body = opus.head_from_dops(body)
    elif fourcc == "fLaC":
        body = b"fLaC" + body
    else:
        body = b""  # Dolby's frames describe themselves
    return bytes([0x90 | flv.SEQUENCE_START]) + fourcc.encode() + body


def packet_tag(fourcc: str, packet: Packet) -> bytes:
    """Return a coded frame's tag."""
    if fourcc == "mp4a":
        return _AAC_HEADER + b"\x01" + packet.data
    if fourcc == ".mp3":
        return _MP3_HEADER + packet.data
    if packet.kind is TrackKind.AUDIO:
        return bytes([0x90 | flv.CODED_FRAMES]) + fourcc.encode() + packet.data
    frame_type = 1 if packet.is_keyframe else 2
    composition = (packet.pts - packet.dts & 0xFFFFFF).to_bytes(3, "big")
    if fourcc == "avc1":
        return bytes([frame_type << 4 | 7, 1]) + composition + packet.data
    header = bytes([0x80 | frame_type << 4 | flv.CODED_FRAMES]) + fourcc.encode()
    return header + composition + packet.data if fourcc == "hvc1" else header + packet.data


def metadata(configs: Iterable[CodecConfig]) -> dict[str, AmfValue]:
    """Return what onMetaData says of these tracks (FLV 10.1, annex E.5; Enhanced RTMP: FourCCs as numbers)."""
    values: dict[str, AmfValue] = {"encoder": ENCODER}
    for config in configs:
        number = float(int.from_bytes(config.fourcc.encode()))
        if config.kind is TrackKind.VIDEO:
            values |= {"width": float(config.width), "height": float(config.height)}
            values["videocodecid"] = 7.0 if config.fourcc == "avc1" else number
        else:
            values |= {"audiosamplerate": float(config.sample_rate), "stereo": config.channels > 1}
            values["audiocodecid"] = 10.0 if config.fourcc == "mp4a" else number
    return values
