"""AAC in an AudioMuxElement with one program and one layer, as broadcasters send it (ISO/IEC 14496-3, 1.7.3)."""

from media.codecs.aac import PS, SBR
from media.codecs.bits import BadConfig, Bits

MAX_PAYLOAD_BYTES = 8 * 1024
"""Of one access unit: AAC has at most 768 bytes for each of its channels."""


class LatmReader:
    """Reads one element after the other; most repeat the configuration, some lean on the one before."""

    def __init__(self) -> None:
        self._record = b""
        self._version = 0
        self._other_bits = 0
        self._has_config = False

    def read(self, element: bytes) -> tuple[bytes, bytes]:
        """Return the AudioSpecificConfig and the access unit. Raises `BadConfig`."""
        bits = Bits(element)
        if not bits.flag():  # useSameStreamMux
            self._has_config = False
            self._read_config(bits)
            self._has_config = True
        if not self._has_config:
            raise BadConfig("LATM before its configuration")
        size = 0
        while (more := bits.u(8)) == 255:
            size += 255
        size += more
        if not size or size > MAX_PAYLOAD_BYTES:
            raise BadConfig(f"LATM with a payload of {size} bytes")
        return self._record, bits.u(8 * size).to_bytes(size, "big")

    def _read_config(self, bits: Bits) -> None:
        """StreamMuxConfig, table 1.42."""
        version = bits.u(1)
        if version and bits.u(1):
            raise BadConfig("LATM of a version that is not known")
        if version:
            _value(bits)  # taraBufferFullness
        bits.flag()  # allStreamsSameTimeFraming
        frames, programs, layers = bits.u(6), bits.u(4), bits.u(3)
        if frames or programs or layers:
            raise BadConfig(f"LATM with {frames + 1} frames, {programs + 1} programs, {layers + 1} layers")
        size = _value(bits) if version else _config_bits(bits)
        self._record = (bits.u(size) << -size % 8).to_bytes((size + 7) // 8, "big")
        if bits.u(3):
            raise BadConfig("LATM with frames of fixed length")
        bits.u(8)  # latmBufferFullness
        if bits.flag():  # otherDataPresent: comes behind the access unit
            if version:
                _value(bits)
            else:
                while bits.flag():
                    bits.u(8)
                bits.u(8)
        if bits.flag():
            bits.u(8)  # crcCheckSum


def _value(bits: Bits) -> int:
    """LatmGetValue, table 1.43."""
    size = bits.u(2) + 1
    return bits.u(8 * size)


def _config_bits(bits: Bits) -> int:
    """Return how long the AudioSpecificConfig is that begins here, which version 0 doesn't say (1.6.2.1)."""
    ahead = bits.copy()
    kind = ahead.u(5)
    used = 5 + _rate_bits(ahead) + 4
    ahead.u(4)
    if kind in {SBR, PS}:
        used += _rate_bits(ahead) + 5
        kind = ahead.u(5)
    if kind != 2:
        raise BadConfig(f"LATM with audio object type {kind}")
    ahead.flag()  # frameLengthFlag
    core = ahead.flag()
    if core:
        ahead.u(14)
    if ahead.flag():
        raise BadConfig("LATM with an extension of its configuration")
    return used + 3 + (14 if core else 0)


def _rate_bits(bits: Bits) -> int:
    if bits.u(4) != 15:
        return 4
    bits.u(24)
    return 28
