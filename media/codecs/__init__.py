"""Codec configuration records: what a decoder, a playlist and an fMP4 sample entry must know, read from the bytes.

Read `describe.py` first: `video_config` and `audio_config` make a `CodecConfig` of a record, `rfc6381` names it in a
playlist. `playable.py` says what players take as it is, `nal.py` whether an access unit is whole. The other files read
one codec each and raise `BadConfig` for bytes that are not what they claim.
"""

from media.codecs.bits import BadConfig
from media.codecs.describe import access_unit_samples, audio_config, rfc6381, video_config
from media.codecs.playable import frame_rate, is_aac_lc, plays_everywhere

__all__ = [
    "BadConfig",
    "access_unit_samples",
    "audio_config",
    "frame_rate",
    "is_aac_lc",
    "plays_everywhere",
    "rfc6381",
    "video_config",
]
