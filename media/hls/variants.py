"""The multivariant playlist of a stream, from what was packaged and measured."""

from collections.abc import Collection, Mapping

from media.codecs import rfc6381
from media.hls.playlists import CAPTIONS
from media.hls.segmenter import AUDIO
from media.hls.window import Window
from media.packets import CodecConfig
from schemas import playlist as text
from schemas.ids import SessionId

BANDWIDTH_HEADROOM = 1.25
"""What is added to the measured bit rate until the first whole segment is known."""
AUDIO_GROUP = "audio"
SUBTITLES_GROUP = "subtitles"
CLOSED_CAPTIONS_GROUP = "cc"


def write_variants(
    session: SessionId,
    windows: Mapping[str, Window],
    *,
    captions_language: str | None = None,
    captioned: Collection[str] = (),
) -> str:
    """Return the playlist; its URIs begin with the session's id. One rendition at least has begun.

    `captions_language` is that of the captions track, "" when nobody knows, None without the track. `captioned` names
    the renditions whose pictures carry CEA-608 or 708. What is lost, or has nothing to show yet, is left out.
    """
    audio = windows.get(AUDIO)
    sound = audio.config if audio else None
    audio_group = [] if sound is None else [_audio_group(session, sound)]
    subtitles = []
    if captions_language is not None:
        subtitles.append(text.Subtitles(SUBTITLES_GROUP, "Captions", f"{session}/{CAPTIONS}.m3u8", captions_language))
    variants, iframes = [], []
    for name, window in windows.items():
        picture = window.config
        if name == AUDIO or picture is None or window.is_lost or not window.total_bytes:
            continue
        variants.append(
            text.Variant(
                uri=f"{session}/{name}.m3u8",
                bandwidth_bps=_peak_bps(window) + (_peak_bps(audio) if audio else 0),
                average_bandwidth_bps=_average_bps(window) + (_average_bps(audio) if audio else 0),
                codecs=[rfc6381(config) for config in (picture, sound) if config],
                width=picture.width,
                height=picture.height,
                frame_rate=window.frame_rate,
                audio_group=AUDIO_GROUP if audio_group else None,
                subtitles_group=SUBTITLES_GROUP if subtitles else None,
                captions_group=CLOSED_CAPTIONS_GROUP if name in captioned else None,
            )
        )
        iframes.append(_iframes(session, window, picture))
    variants = text.ordered(variants)
    if audio and sound:
        variants.append(
            text.Variant(
                uri=f"{session}/{AUDIO}.m3u8",
                bandwidth_bps=_peak_bps(audio),
                average_bandwidth_bps=_average_bps(audio),
                codecs=[rfc6381(sound)],
                audio_group=AUDIO_GROUP if variants else None,
                subtitles_group=SUBTITLES_GROUP if subtitles else None,
            )
        )
    return text.write_multivariant_playlist(
        text.MultivariantPlaylist(
            variants,
            audio=audio_group if iframes else [],
            subtitles=subtitles,
            captions=[text.ClosedCaptions(CLOSED_CAPTIONS_GROUP, "CC1", "CC1")] if captioned else [],
            iframes=iframes,
        )
    )


def _audio_group(session: SessionId, sound: CodecConfig) -> text.AudioGroup:
    return text.AudioGroup(AUDIO_GROUP, "Audio", f"{session}/{AUDIO}.m3u8", sound.channels)


def _iframes(session: SessionId, window: Window, picture: CodecConfig) -> text.IFrames:
    peak_bps = window.peak_still_bps or _peak_bps(window)
    average_bps = int(window.total_still_bytes * 8 / window.total_s) if window.total_s else 0
    return text.IFrames(
        uri=f"{session}/{window.name}-iframes.m3u8",
        bandwidth_bps=peak_bps,
        average_bandwidth_bps=min(average_bps, peak_bps) or peak_bps,
        codec=rfc6381(picture),
        width=picture.width,
        height=picture.height,
    )


def _peak_bps(window: Window) -> int:
    """Return the highest rate of a segment (4.4.6.2), or what is to be expected of it until there is one."""
    return window.peak_bps or window.configured_bps or int(_average_bps(window) * BANDWIDTH_HEADROOM)


def _average_bps(window: Window) -> int:
    if not window.peak_bps and window.configured_bps:
        return window.configured_bps
    measured = int(window.total_bytes * 8 / window.total_s) if window.total_s else 0
    return max(1, measured if not window.peak_bps else min(measured, window.peak_bps))
