"""The multivariant playlist of what is in storage, from what its initialization sections and segments are."""

from collections.abc import Sequence
from typing import Final

from schemas.playlist import (
    AudioGroup,
    IFrames,
    MultivariantPlaylist,
    Subtitles,
    Variant,
    ordered,
    write_multivariant_playlist,
)
from web.store.media import InitRow, RateRow

AUDIO: Final = "audio"
CAPTIONS: Final = "captions"
AUDIO_GROUP: Final = "audio"
SUBTITLES_GROUP: Final = "subtitles"
IFRAMES_SUFFIX: Final = "-iframes"


def write_variants(
    inits: Sequence[InitRow],
    rates: Sequence[RateRow],
    *,
    prefix: str = "",
    captions_language: str | None = None,
    with_iframes: bool = True,
) -> str:
    """Return the playlist, whose URIs begin with `prefix`. Renditions without rates have no media and are left out.

    `captions_language` is that of the captions, "" when nobody knows, None without captions.
    """
    known = {rate.rendition: rate for rate in rates}
    newest = {init.rendition: init for init in inits if init.rendition in known}  # they come by number
    codecs = {name: _codecs(inits, name) for name in newest}
    sound = next((init for init in newest.values() if init.kind == "audio"), None)
    pictures = [init for init in newest.values() if init.kind == "video"]
    subtitles = [] if captions_language is None else [_subtitles(prefix, captions_language)]
    audio_group = AUDIO_GROUP if sound and pictures else None
    subtitles_group = SUBTITLES_GROUP if subtitles else None
    sound_rate = known[sound.rendition] if sound else None
    variants = ordered(
        [
            Variant(
                uri=f"{prefix}{picture.rendition}.m3u8",
                bandwidth_bps=known[picture.rendition].peak_bps + (sound_rate.peak_bps if sound_rate else 0),
                average_bandwidth_bps=known[picture.rendition].average_bps
                + (sound_rate.average_bps if sound_rate else 0),
                codecs=codecs[picture.rendition] + (codecs[sound.rendition] if sound else []),
                width=picture.width,
                height=picture.height,
                frame_rate=picture.frame_rate,
                audio_group=audio_group,
                subtitles_group=subtitles_group,
            )
            for picture in pictures
        ]
    )
    if sound and sound_rate:
        variants.append(
            Variant(
                uri=f"{prefix}{sound.rendition}.m3u8",
                bandwidth_bps=sound_rate.peak_bps,
                average_bandwidth_bps=sound_rate.average_bps,
                codecs=codecs[sound.rendition],
                audio_group=audio_group,
                subtitles_group=subtitles_group,
            )
        )
    return write_multivariant_playlist(
        MultivariantPlaylist(
            variants,
            audio=[_audio(prefix, sound)] if sound and audio_group else [],
            subtitles=subtitles,
            iframes=[_iframes(prefix, picture, known[picture.rendition]) for picture in pictures if with_iframes],
            knows_captions=False,  # what is inside of the pictures was not noted
        )
    )


def leading(inits: Sequence[InitRow]) -> str | None:
    """Return the rendition whose segments captions go with: the source's pictures, or its sound without pictures."""
    names = [init.rendition for init in sorted(inits, key=lambda init: init.kind, reverse=True)]
    return "video" if "video" in names else names[0] if names else None


def _codecs(inits: Sequence[InitRow], rendition: str) -> list[str]:
    """Return every format that is in it somewhere (RFC 8216bis, 4.4.6.2)."""
    return list(dict.fromkeys(init.codec for init in inits if init.rendition == rendition))


def _audio(prefix: str, sound: InitRow) -> AudioGroup:
    return AudioGroup(AUDIO_GROUP, "Audio", f"{prefix}{sound.rendition}.m3u8", sound.channels)


def _subtitles(prefix: str, language: str) -> Subtitles:
    return Subtitles(SUBTITLES_GROUP, "Captions", f"{prefix}{CAPTIONS}.m3u8", language)


def _iframes(prefix: str, picture: InitRow, rate: RateRow) -> IFrames:
    peak_bps = rate.still_peak_bps or rate.peak_bps
    return IFrames(
        uri=f"{prefix}{picture.rendition}{IFRAMES_SUFFIX}.m3u8",
        bandwidth_bps=peak_bps,
        average_bandwidth_bps=min(rate.still_average_bps, peak_bps) or peak_bps,
        codec=picture.codec,
        width=picture.width,
        height=picture.height,
    )
