"""The multivariant playlist of a stream, from what was packaged and measured."""

from collections.abc import Mapping

from media.codecs import rfc6381
from media.hls.segmenter import AUDIO, VIDEO
from media.hls.window import Window
from schemas import playlist as text
from schemas.ids import SessionId

BANDWIDTH_HEADROOM = 1.25
"""What is added to the measured bit rate until the first whole segment is known."""
AUDIO_GROUP = "audio"


def write_variants(session: SessionId, windows: Mapping[str, Window]) -> str:
    """Return the playlist; its URIs begin with the session's id. One rendition at least has begun."""
    audio, video = windows.get(AUDIO), windows.get(VIDEO)
    leading = video or audio
    assert leading is not None, "a plan has a track"
    sound = audio.config if audio else None
    picture = video.config if video else None
    groups = []
    if video and audio and sound:
        groups.append(text.AudioGroup(AUDIO_GROUP, "Audio", f"{session}/{audio.name}.m3u8", sound.channels))
    variant = text.Variant(
        uri=f"{session}/{leading.name}.m3u8",
        bandwidth_bps=sum(_peak_bps(window) for window in windows.values()),
        average_bandwidth_bps=sum(_average_bps(window) for window in windows.values()),
        codecs=[rfc6381(config) for config in (picture, sound) if config],
        width=picture.width if picture else 0,
        height=picture.height if picture else 0,
        frame_rate=leading.frame_rate,
        audio_group=AUDIO_GROUP if groups else None,
    )
    return text.write_multivariant_playlist(text.MultivariantPlaylist([variant], groups))


def _peak_bps(window: Window) -> int:
    return window.peak_bps or int(_average_bps(window) * BANDWIDTH_HEADROOM)


def _average_bps(window: Window) -> int:
    return max(1, int(window.total_bytes * 8 / window.total_s)) if window.total_s else 1
