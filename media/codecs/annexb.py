"""H.264 and HEVC as byte streams (ITU-T H.264 and H.265, annex B), from and to what avc1 and hvc1 tracks hold.

A byte stream carries its parameter sets in front of the pictures; a track has them in its configuration (ISO/IEC
14496-15, 5.3.3 and 8.3.3) and lengths of four bytes before its NAL units.
"""

from collections.abc import Iterator

import msgspec

from media.codecs import h264, hevc
from media.codecs.bits import BadConfig, Bits, rbsp
from media.codecs.describe import video_config
from media.codecs.nal import LENGTH_SIZE_AT, MAX_NAL_UNITS
from media.packets import CodecConfig

MAX_SET_BYTES = 4_096
"""A longer parameter set is none: with all scaling lists it has a few hundred bytes, with HEVC's layers some more."""
MAX_SETS = 64
"""Of each kind, to be remembered; those that came first go first."""
HIGH_PROFILES = frozenset({100, 110, 122, 144})
"""Profiles whose avcC tells chroma and depth."""

_START = b"\x00\x00\x01"
_LONG_START = b"\x00\x00\x00\x01"
_HEADER_LOOKED_AT = 64  # bytes of a slice or a PPS in which its numbers are, with room for emulation prevention


def nal_units(stream: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a byte stream, without the zeros around them; `MAX_NAL_UNITS` at most."""
    at = stream.find(_START)
    for _ in range(MAX_NAL_UNITS):
        if at < 0:
            return
        following = stream.find(_START, at + 3)
        unit = stream[at + 3 : following if following >= 0 else len(stream)].rstrip(b"\x00")
        if unit:
            yield unit
        at = following


# --- one codec each ------------------------------------------------------------------------------------------


class _Syntax(msgspec.Struct, frozen=True):
    """What a codec's NAL units are. Sets are named by their kind and their own number."""

    fourcc: str
    sets: tuple[int, ...]  # kinds of parameter sets: [VPS,] SPS, PPS
    left_out: frozenset[int]  # delimiters and filler, which tracks do not have
    header_bytes: int

    def kind(self, unit: bytes) -> int:
        """Return nal_unit_type."""
        return unit[0] & 0x1F if self.header_bytes == 1 else unit[0] >> 1 & 0x3F

    def bits(self, unit: bytes) -> Bits:
        """Return what follows the header of a set or of a slice, as far as its numbers are."""
        return Bits(rbsp(unit[self.header_bytes : _HEADER_LOOKED_AT]))


_H264 = _Syntax("avc1", (7, 8), frozenset({9, 12}), 1)
_HEVC = _Syntax("hvc1", (32, 33, 34), frozenset({35, 38}), 2)
_SYNTAXES = {"avc1": _H264, "hvc1": _HEVC}
_H264_SEI, _H264_SLICE, _H264_IDR = 6, 1, 5
_H264_RECOVERY_POINT = 6  # payload type of a SEI message (H.264, annex D.1)
_HEVC_FIRST_IRAP, _HEVC_LAST_IRAP = 16, 23


def _number(syntax: _Syntax, unit: bytes) -> tuple[int, int]:
    """Return a parameter set's own number and that of the set it refers to (0 for none). Raises `BadConfig`."""
    kind = syntax.kind(unit)
    if kind == syntax.sets[-1]:  # H.264, 7.3.2.2; H.265, 7.3.2.3.1
        bits = syntax.bits(unit)
        return bits.ue(), bits.ue()
    if syntax is _H264:  # 7.3.2.1.1
        bits = syntax.bits(unit)
        bits.u(24)
        return bits.ue(), 0
    if kind == syntax.sets[0]:  # H.265, 7.3.2.1
        return syntax.bits(unit).u(4), 0
    return hevc.sps_numbers(unit)


def _picture_set(syntax: _Syntax, slice_: bytes) -> int:
    """Return the number of the PPS that a slice uses (H.264, 7.3.3; H.265, 7.3.6.1). Raises `BadConfig`."""
    bits = syntax.bits(slice_)
    if syntax is _H264:
        bits.ue()  # first_mb_in_slice
        bits.ue()  # slice_type
    else:
        bits.u(2)  # first_slice_segment_in_pic_flag, no_output_of_prior_pics_flag (of pictures to begin with)
    return bits.ue()


def _is_first_slice_of_key(syntax: _Syntax, unit: bytes, *, may_recover: bool) -> bool:
    kind = syntax.kind(unit)
    if syntax is _H264:
        return kind == _H264_IDR or (may_recover and kind == _H264_SLICE)
    return _HEVC_FIRST_IRAP <= kind <= _HEVC_LAST_IRAP


def _has_recovery_point(sei: bytes) -> bool:
    """Whether a SEI unit of H.264 has the message that marks an open GOP (7.3.2.3.1: type and size, then payload)."""
    at, end = 1, len(sei)
    while at + 2 <= end and sei[at] != 0x80:
        kind, size = sei[at], sei[at + 1]
        if kind == _H264_RECOVERY_POINT:
            return True
        if 0xFF in {kind, size}:
            return False  # long messages come behind it
        at += 2 + size
    return False


# --- reading -------------------------------------------------------------------------------------------------


class AnnexBReader:
    """Access units of a byte stream, one by one, as samples of a track; `fourcc` is "avc1" or "hvc1".

    A configuration is what the first slice of a keyframe uses: its PPS, that one's SPS (and VPS), and the other PPS of
    that SPS. Never raises for bad media; torn parameter sets are passed over.
    """

    def __init__(self, fourcc: str) -> None:
        self._syntax = _SYNTAXES[fourcc]
        self._sets: dict[int, dict[int, bytes]] = {kind: {} for kind in self._syntax.sets}
        self.config: CodecConfig | None = None
        """The last that was given out."""

    def read(self, data: bytes) -> tuple[CodecConfig | None, bytes, bool]:
        """Return the configuration if it is a new one, the sample, and whether it decodes by itself.

        The sample has four bytes of length before each NAL unit, and no parameter sets, delimiters or filler; b"" when
        nothing else was there. Samples before the first configuration cannot be decoded.
        """
        syntax = self._syntax
        sample: list[bytes] = []
        first: bytes | None = None
        may_recover = False
        for unit in nal_units(data):
            kind = syntax.kind(unit)
            if kind in self._sets:
                self._remember(kind, unit)
                continue
            if kind in syntax.left_out:
                continue
            if syntax is _H264 and kind == _H264_SEI:
                may_recover = may_recover or _has_recovery_point(unit)
            elif first is None and _is_first_slice_of_key(syntax, unit, may_recover=may_recover):
                first = unit
            sample += (len(unit).to_bytes(4, "big"), unit)
        config = self._changed(first) if first is not None else None
        return config, b"".join(sample), first is not None

    def _remember(self, kind: int, unit: bytes) -> None:
        if len(unit) > MAX_SET_BYTES:
            return
        try:
            number = _number(self._syntax, unit)[0]
        except BadConfig:
            return  # torn: a whole one comes with the next keyframe
        sets = self._sets[kind]
        sets[number] = unit
        if len(sets) > MAX_SETS:
            del sets[next(iter(sets))]

    def _changed(self, slice_: bytes) -> CodecConfig | None:
        try:
            config = self._used_by(slice_)
        except BadConfig:
            return None  # what it uses is torn or has not come
        if config == self.config:
            return None
        self.config = config
        return config

    def _used_by(self, slice_: bytes) -> CodecConfig:
        syntax = self._syntax
        *above, sps_kind, pps_kind = syntax.sets
        picture = _picture_set(syntax, slice_)
        all_pps = self._sets[pps_kind]
        if picture not in all_pps:
            raise BadConfig(f"a slice of PPS {picture}, which has not come")
        sequence = _number(syntax, all_pps[picture])[1]
        sps = self._sets[sps_kind].get(sequence)
        if sps is None:
            raise BadConfig(f"a PPS of SPS {sequence}, which has not come")
        pps = [unit for unit in all_pps.values() if _number(syntax, unit)[1] == sequence]
        if not above:
            return video_config("avc1", avcc([sps], pps))
        vps = self._sets[above[0]].get(hevc.sps_numbers(sps)[1])
        return video_config("hvc1", hevc.hvcc([vps] if vps else [], sps, pps))


def avcc(all_sps: list[bytes], all_pps: list[bytes]) -> bytes:
    """Return the avcC (ISO/IEC 14496-15, 5.3.3.1) of parameter sets, which have lengths of four bytes then."""
    sps = all_sps[0]
    record = b"\x01" + sps[1:4] + b"\xff" + bytes((0xE0 | len(all_sps),))
    record += b"".join(len(unit).to_bytes(2, "big") + unit for unit in all_sps) + bytes((len(all_pps),))
    record += b"".join(len(unit).to_bytes(2, "big") + unit for unit in all_pps)
    if sps[1] in HIGH_PROFILES:
        shape = h264.parse_sps(sps)
        record += bytes((0xFC | shape.chroma, 0xF8 | shape.bit_depth - 8, 0xF8 | shape.bit_depth - 8, 0))
    return record


def avcc_from_annexb(stream: bytes) -> bytes | None:
    """Return the avcC of the first SPS and PPS of a byte stream, None without both. Raises `BadConfig`."""
    units = list(nal_units(stream))
    sps = next((unit for unit in units if _H264.kind(unit) == 7 and len(unit) > 3), None)
    pps = next((unit for unit in units if _H264.kind(unit) == 8), None)
    return None if sps is None or pps is None else avcc([sps], [pps])


def length_prefixed(stream: bytes) -> bytes:
    """Return an access unit of H.264 as a sample: what avcC holds, delimiters and filler are left out."""
    return b"".join(
        len(unit).to_bytes(4, "big") + unit
        for unit in nal_units(stream)
        if _H264.kind(unit) not in _H264.sets and _H264.kind(unit) not in _H264.left_out
    )


# --- writing -------------------------------------------------------------------------------------------------


def nal_units_of(config: CodecConfig, data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a sample of this track; a torn end is left out."""
    record, size_at = config.record, LENGTH_SIZE_AT[config.fourcc]
    size = (record[size_at] & 3) + 1 if size_at < len(record) else 4
    at, end = 0, len(data)
    for _ in range(MAX_NAL_UNITS):
        start = at + size
        at = start + int.from_bytes(data[at:start], "big")
        if start >= end or at > end:
            return
        if at > start:
            yield data[start:at]


def parameter_sets(config: CodecConfig) -> list[bytes]:
    """Return the parameter sets of a configuration in the order in which decoders want them. Raises `BadConfig`."""
    if config.fourcc == "hvc1":
        order = _HEVC.sets
        found = [(kind, unit) for kind, unit in hevc.parameter_sets(config.record) if kind in order]
        return [unit for _, unit in sorted(found, key=lambda each: order.index(each[0]))]
    record, at = config.record, 5
    found_h264: list[bytes] = []
    for mask in (0x1F, 0xFF):
        count = record[at] & mask if at < len(record) else 0
        at += 1
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2], "big")
            unit = record[at + 2 : at + 2 + size]
            if not unit or len(unit) != size:
                raise BadConfig(f"avcC with a parameter set of {size} bytes, {len(unit)} present")
            found_h264.append(unit)
            at += 2 + size
    return found_h264


def to_annexb(config: CodecConfig, data: bytes, *, with_parameter_sets: bool) -> bytes:
    """Return a sample of this track as a byte stream, begun with the parameter sets if asked. Raises `BadConfig`."""
    units = parameter_sets(config) if with_parameter_sets else []
    return b"".join(_LONG_START + unit for unit in (*units, *nal_units_of(config, data)))
