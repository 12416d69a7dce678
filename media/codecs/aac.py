"""AAC: the AudioSpecificConfig (ISO/IEC 14496-3, section 1.6.2.1)."""

from functools import lru_cache

import msgspec

from media.codecs.bits import BadConfig, Bits

SAMPLE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8}
"""Channels of a channelConfiguration (ISO/IEC 23091-3 for 11 and above); 0 means a program config element."""
GENERAL_AUDIO = frozenset({1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23})
SBR, PS, LC = 5, 29, 2
SBR_SYNC, PS_SYNC = 0x2B7, 0x548


class AacConfig(msgspec.Struct, frozen=True):
    """`object_type` is what a codec string names: 5 with SBR, 29 with parametric stereo.

    `sample_rate` and `channels` are the decoder's output; `frame_samples` counts at that rate. `channel_configuration`
    is 0 where the channels are described by a program config element.
    """

    object_type: int
    sample_rate: int
    channels: int
    frame_samples: int
    channel_configuration: int


@lru_cache(maxsize=64)  # asked for with every access unit
def parse_asc(record: bytes) -> AacConfig:
    """Read an AudioSpecificConfig with explicit SBR and PS, of either kind; implicit SBR can't be seen here."""
    bits = Bits(record)
    core_type = outer_type = _object_type(bits)
    core_rate = output_rate = _sample_rate(bits)
    configuration = bits.u(4)
    has_sbr, has_ps = outer_type in {SBR, PS}, outer_type == PS
    if has_sbr:
        output_rate = _sample_rate(bits)
        core_type = _object_type(bits)
        if core_type == 22:
            bits.u(4)  # extensionChannelConfiguration
    short_frame = False
    channels = CHANNELS.get(configuration, 0)
    if core_type in GENERAL_AUDIO:
        short_frame, channels = _general_audio(bits, core_type, channels)
        if not has_sbr:
            output_rate, has_sbr, has_ps = _sync_extension(bits, core_rate)
    if not channels:
        raise BadConfig(f"channelConfiguration {configuration} of object type {core_type}")
    samples = (960 if short_frame else 1024) * (2 if has_sbr and output_rate > core_rate else 1)
    return AacConfig(
        object_type=PS if has_ps else SBR if has_sbr else core_type,
        sample_rate=output_rate,
        channels=2 if has_ps and channels == 1 else channels,
        frame_samples=samples,
        channel_configuration=configuration,
    )


def _object_type(bits: Bits) -> int:
    kind = bits.u(5)
    kind = 32 + bits.u(6) if kind == 31 else kind
    if not kind:
        raise BadConfig("audio object type 0")
    return kind


def _sample_rate(bits: Bits) -> int:
    index = bits.u(4)
    if index == 15:
        rate = bits.u(24)
        if not 0 < rate <= 192_000:
            raise BadConfig(f"sample rate {rate}")
        return rate
    if index >= len(SAMPLE_RATES):
        raise BadConfig(f"samplingFrequencyIndex {index}")
    return SAMPLE_RATES[index]


def _general_audio(bits: Bits, object_type: int, channels: int) -> tuple[bool, int]:
    short_frame = bits.flag()
    if bits.flag():  # dependsOnCoreCoder
        bits.u(14)
    has_extension = bits.flag()
    if not channels:
        channels = _program_config_channels(bits)
    if object_type in {6, 20}:
        bits.u(3)  # layerNr
    if has_extension:
        if object_type == 22:
            bits.u(16)
        if object_type in {17, 19, 20, 23}:
            bits.u(3)
        bits.flag()  # extensionFlag3
    return short_frame, channels


def _program_config_channels(bits: Bits) -> int:
    bits.u(10)
    front, side, back, lfe = bits.u(4), bits.u(4), bits.u(4), bits.u(2)
    associated, coupling = bits.u(3), bits.u(4)
    for size in (4, 4, 3):  # mono, stereo and matrix mixdown
        if bits.flag():
            bits.u(size)
    channels = lfe
    for _ in range(front + side + back):
        channels += 2 if bits.flag() else 1
        bits.u(4)
    bits.u(4 * lfe + 4 * associated + 5 * coupling)
    bits.u(bits.left % 8)  # byte_alignment(): the record starts on a byte
    bits.u(8 * bits.u(8))  # comment
    return channels


def _sync_extension(bits: Bits, core_rate: int) -> tuple[int, bool, bool]:
    """Read the backward compatible signalling behind the core's own fields."""
    if bits.left < 16 or bits.u(11) != SBR_SYNC or _object_type(bits) != SBR or not bits.flag():
        return core_rate, False, False
    rate = _sample_rate(bits)
    has_ps = bits.left >= 12 and bits.u(11) == PS_SYNC and bits.flag()
    return rate, True, has_ps
