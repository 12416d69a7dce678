"""The configuration in an initialization section: what `media/hls/boxes.py` has put into its sample entry."""

from media.mp4.atoms import BadMedia, Box, boxes
from media.mp4.segments import TrackInit
from media.packets import CodecConfig, TrackKind

_SETUPS = {
    "avc1": (b"avcC", 0),
    "hvc1": (b"hvcC", 0),
    "av01": (b"av1C", 0),
    "vp09": (b"vpcC", 4),  # version and flags
    "mp4a": (b"esds", 4),
    "Opus": (b"dOps", 0),
    "fLaC": (b"dfLa", 4),
    "ac-3": (b"dac3", 0),
    "ec-3": (b"dec3", 0),
}
VIDEO_FIELDS, AUDIO_FIELDS = 78, 28
"""Bytes of a sample entry before the boxes in it (14496-12, 12.1.3 and 12.2.3)."""
_CONFIG_DESCRIPTOR, _SPECIFIC_INFO, _STREAM = 4, 5, 3


def config_of(init: TrackInit) -> CodecConfig:
    """Return what decodes the samples of a track. Raises `BadMedia`."""
    fourcc = init.entry[4:8].decode("latin-1")
    if fourcc not in _SETUPS:
        raise BadMedia(f"a sample entry {fourcc!r}")
    kind, skipped = _SETUPS[fourcc]
    fields = VIDEO_FIELDS if init.kind is TrackKind.VIDEO else AUDIO_FIELDS
    found = next((box for box in _inside(init.entry, 8 + fields) if box.kind == kind), None)
    if found is None:
        raise BadMedia(f"a sample entry {fourcc!r} without {kind!r}")
    record = init.entry[found.body + skipped : found.end]
    if fourcc == "mp4a":
        record = _specific_config(record)
    if init.kind is TrackKind.VIDEO:
        return CodecConfig(init.kind, fourcc, record, width=init.width, height=init.height)
    channels = int.from_bytes(init.entry[24:26], "big")
    return CodecConfig(init.kind, fourcc, record, sample_rate=init.timescale, channels=channels)


def _inside(entry: bytes, start: int) -> list[Box]:
    if len(entry) < start:
        raise BadMedia(f"a sample entry of {len(entry)} bytes")
    return list(boxes(entry, start))


def _specific_config(data: bytes) -> bytes:
    """Return the AudioSpecificConfig out of an ES descriptor (ISO/IEC 14496-1, 7.2.6.5)."""
    skipped = {_STREAM: 3, _CONFIG_DESCRIPTOR: 13}  # their own fields, before the descriptors in them
    for tag in (_STREAM, _CONFIG_DESCRIPTOR, _SPECIFIC_INFO):
        if not data or data[0] != tag:
            raise BadMedia(f"a descriptor {data[:1].hex()} where {tag:02x} belongs")
        size, at = _length(data)
        data = data[at : at + size][skipped.get(tag, 0) :]
    return data


def _length(data: bytes) -> tuple[int, int]:
    """Return size and begin of a descriptor's contents: seven bits in each byte, the highest first (8.3.3)."""
    size = 0
    for at in range(1, min(len(data), 5)):
        size = size << 7 | data[at] & 0x7F
        if not data[at] & 0x80:
            return size, at + 1
    raise BadMedia("a descriptor without a size")
