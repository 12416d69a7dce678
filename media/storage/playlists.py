"""The playlists in a bucket, which make a stream there playable by itself: of type EVENT, ended when the stream is.

`playlist.m3u8` and `{rendition}.m3u8` beside the segments that they name (RFC 8216bis, 4.4.3.5).
"""

from media.storage.catalog import Catalog
from schemas.journal import init_file, segment_file
from schemas.playlist import (
    AudioGroup,
    MediaPlaylist,
    MultivariantPlaylist,
    Segment,
    Variant,
    write_media_playlist,
    write_multivariant_playlist,
)
from schemas.storage import InitStored, MediaEvent, SegmentStored

MULTIVARIANT = "playlist.m3u8"
AUDIO_GROUP = "audio"
EVERY_S = 10.0
BYTES_PER_S = 50_000
"""A playlist is stored again at most every `EVERY_S`, and a long one less often: storing it costs as it grows."""


class RenditionPlaylist:
    """One rendition as it is in storage."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.init: InitStored | None = None
        self.peak_bps = 0
        self.total_bytes = 0
        self.total_s = 0.0
        self._first_msn = 0

    def add(self, event: SegmentStored) -> None:
        """Add the next segment or gap."""
        if not self.segments:
            self._first_msn = event.msn
        self.segments.append(
            Segment(
                uri=segment_file(event.rendition, event.msn),
                duration_s=event.duration_s,
                map_uri=init_file(event.rendition, event.map_number),
                program_date_time_ms=event.program_ms,
                is_discontinuous=event.is_discontinuous,
                is_gap=event.is_gap,
            )
        )
        self.total_s += event.duration_s
        self.total_bytes += event.size
        if event.duration_s > 0:
            self.peak_bps = max(self.peak_bps, int(event.size * 8 / event.duration_s))

    @property
    def average_bps(self) -> int:
        """Over all of it; what has gaps says less than it needs."""
        return int(self.total_bytes * 8 / self.total_s) if self.total_s else 0

    def text(self, target_duration_s: int, *, is_ended: bool) -> str:
        """Return the playlist; what has no initialization section yet has no playlist either."""
        longest_s = max((round(segment.duration_s or 0) for segment in self.segments), default=0)
        return write_media_playlist(
            MediaPlaylist(
                target_duration_s=max(target_duration_s, longest_s),
                segments=self.segments,
                media_sequence=self._first_msn,
                playlist_type="EVENT",
                is_ended=is_ended,
            )
        )


class Playlists:
    """All playlists of a session. `due` says which of them are to be stored again."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._renditions: dict[str, RenditionPlaylist] = {}
        self._next_at: dict[str, float] = {}
        self._changed: set[str] = set()

    def add(self, event: MediaEvent) -> None:
        """Take in what is in storage now."""
        if isinstance(event, InitStored):
            self._renditions.setdefault(event.rendition, RenditionPlaylist()).init = event
            self._changed.add(MULTIVARIANT)
        elif isinstance(event, SegmentStored):
            self._renditions.setdefault(event.rendition, RenditionPlaylist()).add(event)
            self._changed |= {f"{event.rendition}.m3u8", MULTIVARIANT}

    def due(self, now: float, *, is_ended: bool) -> list[tuple[str, bytes]]:
        """Return names and texts of what is to be stored now; at the end everything, one last time."""
        names = [f"{name}.m3u8" for name, one in self._renditions.items() if one.init and one.segments]
        if not names:
            return []
        wanted = [*names, MULTIVARIANT]
        if not is_ended:
            wanted = [name for name in wanted if name in self._changed and self._next_at.get(name, 0.0) <= now]
        return [(name, self._text(name, now, is_ended=is_ended)) for name in wanted]

    def _text(self, name: str, now: float, *, is_ended: bool) -> bytes:
        if name == MULTIVARIANT:
            text = self._multivariant()
        else:
            target_s = self._catalog.planned.target_duration_s if self._catalog.planned else 1
            text = self._renditions[name.removesuffix(".m3u8")].text(target_s, is_ended=is_ended)
        body = text.encode()
        self._changed.discard(name)
        self._next_at[name] = now + max(EVERY_S, len(body) / BYTES_PER_S)
        return body

    def again(self, name: str) -> None:
        """Note that one could not be stored."""
        self._changed.add(name)

    def _multivariant(self) -> str:
        playable = {name: one for name, one in self._renditions.items() if one.init and one.segments}
        sounds = {name: one for name, one in playable.items() if one.init and one.init.kind == "audio"}
        pictures = {name: one for name, one in playable.items() if name not in sounds}
        sound_name, sound = next(iter(sounds.items()), ("", None))
        variants = [_variant(name, one, sound) for name, one in pictures.items()]
        if sound is not None and not pictures:
            variants = [_variant(sound_name, sound, None)]
        audio = []
        if sound is not None and sound.init is not None and pictures:
            audio = [AudioGroup(AUDIO_GROUP, "Audio", f"{sound_name}.m3u8", sound.init.channels)]
        return write_multivariant_playlist(MultivariantPlaylist(variants, audio=audio))


def _variant(name: str, one: RenditionPlaylist, sound: RenditionPlaylist | None) -> Variant:
    init = one.init
    assert init is not None
    codecs = [init.codec] + ([sound.init.codec] if sound is not None and sound.init is not None else [])
    return Variant(
        uri=f"{name}.m3u8",
        bandwidth_bps=max(1, one.peak_bps + (sound.peak_bps if sound else 0)),
        average_bandwidth_bps=max(1, one.average_bps + (sound.average_bps if sound else 0)),
        codecs=codecs,
        width=init.width,
        height=init.height,
        frame_rate=init.frame_rate,
        audio_group=AUDIO_GROUP if sound is not None else None,
    )
