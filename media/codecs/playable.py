"""What players can do with a track as it is, and what its configuration says of its frame rate."""

from functools import lru_cache

from media.codecs import aac, h264, hevc
from media.codecs.bits import BadConfig
from media.packets import CodecConfig

AVC_PROFILES = frozenset({66, 77, 100})
"""Baseline, Main, High: what every decoder in hardware and every browser has."""
AVC_TOP_LEVEL = 52
AAC_FRAME_SAMPLES = 1024


@lru_cache(maxsize=64)
def is_aac_lc(config: CodecConfig) -> bool:
    """Return whether players take this sound as it is: AAC-LC in usual frames with a channel configuration.

    Browsers refuse channels that only a program config element describes, and many decoders have no frames of 960.
    SBR that the configuration does not mention can't be seen; players that can't do it play the core.
    """
    if config.fourcc != "mp4a":
        return False
    try:
        asc = aac.parse_asc(config.record)
    except BadConfig:
        return False
    is_usual = asc.frame_samples == AAC_FRAME_SAMPLES and asc.channel_configuration != 0
    return asc.object_type == aac.LC and is_usual


@lru_cache(maxsize=64)
def plays_everywhere(config: CodecConfig) -> bool:
    """Return whether every browser and television plays this picture: H.264 of 8 bits and 4:2:0 up to level 5.2."""
    if config.fourcc != "avc1":
        return False
    try:
        avc = h264.parse_avcc(config.record)
    except BadConfig:
        return False
    is_usual = avc.sps.bit_depth == 8 and avc.sps.chroma == 1
    return is_usual and avc.profile in AVC_PROFILES and avc.level <= AVC_TOP_LEVEL


@lru_cache(maxsize=64)
def frame_rate(config: CodecConfig) -> float:
    """Return the frames per second that an SPS of H.264 or HEVC speaks of; 0 when it doesn't. A hint: measure, too."""
    try:
        if config.fourcc == "avc1":
            return h264.parse_avcc(config.record).sps.frame_rate
        if config.fourcc == "hvc1":
            return hevc.parse_hvcc(config.record).sps.frame_rate
    except BadConfig:
        return 0.0  # `video_config` would have refused it
    return 0.0
