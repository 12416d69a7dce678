"""One file of the past: of a live stream that is rewound, of a recording, of a clip.

Absent           there is no such file
Unavailable, StoreError, and what `web.failures.AWAY` names      ours: the viewer may try again
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from config.objects.keys import content_type_of
from config.objects.opening import Stores
from config.postgres import Pool
from config.settings import Settings
from schemas.ids import SessionId
from web.archive.clips import write_clip
from web.archive.counts import Counts
from web.archive.objects import Absent, Found, Objects
from web.archive.playlists import Listing
from web.archive.shelf import Cut, Shelf, Shelved
from web.archive.timelines import Timelines, View
from web.archive.variants import CAPTIONS, IFRAMES_SUFFIX, leading, write_variants
from web.failures import AWAY
from web.metrics import Troubles
from web.store import media, stored
from web.store.media import CueRow, InitRow, StreamMedia

MULTIVARIANT: Final = "playlist.m3u8"
REWIND: Final = "rewind.m3u8"
REWIND_PREFIX: Final = "rewind-"
PLAYLIST_TYPE: Final = content_type_of(MULTIVARIANT)
GROWING: Final = "public, max-age=1"
GROWING_MEMORY_S: Final = 1.0
"""A playlist that grows by a segment every two seconds: nobody gains by asking more often."""
SETTLED: Final = "public, max-age=30"
SETTLED_MEMORY_S: Final = 30.0
"""A playlist that will not change, unless what it is of is deleted."""
PICTURE: Final = "public, max-age=10"
PICTURE_MEMORY_S: Final = 2.0
"""The newest of pictures that come every 10 s."""
MAX_PREFIXES: Final = 4096
NO_CAPTIONS: Final = b"WEBVTT\n\n"
"""Captions of a segment in which nobody said anything have no file."""
ALIASES: Final[dict[str, Literal["thumbnail", "storyboard"]]] = {
    "thumbnail.jpg": "thumbnail",
    "storyboard.vtt": "storyboard",
}
"""Names that stand for the newest of their kind."""


class Archive:
    """One per process."""

    def __init__(self, settings: Settings, pool: Pool, stores: Stores, troubles: Troubles) -> None:
        self._pool = pool
        self._troubles = troubles
        self._rewind_s = settings.rewind_s
        self._prefixes: dict[SessionId, str] = {}
        self.counts = Counts()
        self.shelf = Shelf(pool, troubles)
        self.timelines = Timelines(pool)
        self.objects = Objects(stores, settings.s3_delivery, self.counts.asked)

    async def close(self) -> None:
        """End what is under way."""
        await self.shelf.close()

    # --- of a live stream ------------------------------------------------------------------------------------

    async def rewind(self, session: SessionId, file: str) -> Found:
        """Return a playlist of what can be rewound to: `rewind.m3u8` or `rewind-{rendition}.m3u8`, with directives."""
        name, skip = _split(file)
        stream = await self._stream(session) if self._rewind_s else None
        if stream is None:
            raise Absent(file)
        if name == REWIND:
            text = await self._variants(stream, f"{session}/{REWIND_PREFIX}")
            return self._playlist(text, is_settled=False)
        rendition, view = await self._named(stream, name.removeprefix(REWIND_PREFIX))
        lines = await self.timelines.lines(stream, rendition, view, within_s=self._rewind_s)
        if not len(lines):
            raise Absent(file)
        listing = Listing(
            lines,
            stream.target_duration_s,
            index=lines.first_within(self._rewind_s),
            is_iframes_only=view is View.STILLS,
        )
        cues = await self._cues(stream, listing.from_s, listing.to_s)
        return self._playlist(listing.rewind(cues, is_ended=lines.is_complete, skip=skip), is_settled=False)

    async def stored_file(self, session: SessionId, name: str, *, is_public: bool) -> Found:
        """Return media, captions or a picture of a session as it is in storage."""
        prefix = await self._prefix(session)
        if kind := ALIASES.get(name):
            return await self._newest(session, prefix, kind, is_public=is_public)
        if not await self._may_be_stored(session, name):
            if stored.captions_of(name) is not None:
                return Found(NO_CAPTIONS, content_type_of(name), GROWING, GROWING_MEMORY_S)
            raise Absent(name)
        return await self.objects.bring(f"{prefix}/{name}", is_public=is_public)

    # --- of recordings and clips -----------------------------------------------------------------------------

    async def of(self, item: Shelved, file: str) -> Found:
        """Return a file of a recording or clip."""
        name, skip = _split(file)
        is_public = item.visibility == "public"
        if not name.endswith(".m3u8"):
            if item.cut is None:
                return await self.stored_file(item.session_id, name, is_public=is_public)
            return await self._clip_file(item, item.cut, name, is_public=is_public)
        stream = await self._stream(item.session_id)
        if stream is None:
            raise Absent(file)
        if item.cut is not None:
            return await self._clip_playlist(stream, item.cut, name)
        if name == MULTIVARIANT:
            return self._playlist(await self._variants(stream), is_settled=stream.stored_at is not None)
        rendition, view = await self._named(stream, name)
        lines = await self.timelines.lines(stream, rendition, view)
        if not len(lines):
            raise Absent(file)
        listing = Listing(lines, stream.target_duration_s, is_iframes_only=view is View.STILLS)
        cues = await self._cues(stream, listing.from_s, listing.to_s)
        is_ended = lines.is_complete
        return self._playlist(listing.recording(cues, is_ended=is_ended, skip=skip), is_settled=is_ended)

    async def _clip_playlist(self, stream: StreamMedia, cut: Cut, name: str) -> Found:
        is_settled = cut.made is not None and stream.stored_at is not None
        if name == MULTIVARIANT:
            return self._playlist(await self._variants(stream, cut=cut), is_settled=is_settled)
        rendition, view = await self._named(stream, name)
        rows = await media.segments(
            self._pool, stream.session_id, rendition, first_msn=cut.first_msn, last_msn=cut.last_msn
        )
        if not rows or view is View.STILLS:
            raise Absent(name)
        tracks = cut.made.tracks if cut.made else []
        text = write_clip(
            rows,
            rendition,
            view,
            last_msn=cut.last_msn,
            target_duration_s=stream.target_duration_s,
            edges=next((track for track in tracks if track.rendition == rendition), None),
            is_final=stream.stored_at is not None,
        )
        return self._playlist(text, is_settled=is_settled)

    async def _clip_file(self, item: Shelved, cut: Cut, name: str, *, is_public: bool) -> Found:
        """A clip opens its own segments and no others of its session, which may be private."""
        made = cut.made
        if made is not None:
            own = {made.mp4_name, made.thumbnail_name}
            for piece in (piece for track in made.tracks for piece in (track.head, track.tail) if piece):
                own |= {piece.init_name, piece.name}
            if name == "thumbnail.jpg":
                name = made.thumbnail_name
            if name in own:
                return await self.objects.bring(f"{cut.prefix}/{name}", is_public=is_public)
        if ALIASES.get(name) == "thumbnail":  # its own comes later
            return await self.stored_file(item.session_id, name, is_public=is_public)
        segment = stored.segment_of(name)
        msn = segment[1] if segment else stored.captions_of(name)
        if stored.init_of(name) is None and (msn is None or not cut.first_msn <= msn <= cut.last_msn):
            raise Absent(name)
        return await self.stored_file(item.session_id, name, is_public=is_public)

    # --- rows ------------------------------------------------------------------------------------------------

    async def _stream(self, session: SessionId) -> StreamMedia | None:
        return await media.stream_media(self._pool, session)

    async def _prefix(self, session: SessionId) -> str:
        """What its keys begin with never changes."""
        prefix = self._prefixes.get(session)
        if prefix is None:
            stream = await self._stream(session)
            if stream is None:
                raise Absent(session)
            if len(self._prefixes) >= MAX_PREFIXES:
                self._prefixes.clear()
            prefix = self._prefixes[session] = stream.object_prefix
        return prefix

    async def _may_be_stored(self, session: SessionId, name: str) -> bool:
        try:
            return await stored.is_stored(self._pool, session, name)
        except AWAY as error:
            self._troubles.note("archive", error)
            return True  # the store knows it itself

    async def _newest(
        self, session: SessionId, prefix: str, kind: Literal["thumbnail", "storyboard"], *, is_public: bool
    ) -> Found:
        name = await stored.newest_name(self._pool, session, kind)
        if name is None:
            raise Absent(kind)
        found = await self.objects.bring(f"{prefix}/{name}", is_public=is_public)
        return msgspec.structs.replace(found, cache_control=PICTURE, memory_s=PICTURE_MEMORY_S)

    async def _variants(self, stream: StreamMedia, prefix: str = "", *, cut: Cut | None = None) -> str:
        session = stream.session_id
        inits = await media.inits(self._pool, session)
        span = {"first_msn": cut.first_msn, "last_msn": cut.last_msn} if cut else {}
        rates = await media.rates(self._pool, session, **span)
        if not rates or not inits:
            raise Absent(MULTIVARIANT)
        language = await stored.captions_language(self._pool, session)
        return write_variants(inits, rates, prefix=prefix, captions_language=language, with_iframes=cut is None)

    async def _named(self, stream: StreamMedia, name: str) -> tuple[str, View]:
        """Return the rendition of a playlist's name and what it lists of it."""
        stem = name.removesuffix(".m3u8")
        if stem.endswith(IFRAMES_SUFFIX):
            return stem.removesuffix(IFRAMES_SUFFIX), View.STILLS
        if stem != CAPTIONS:
            return stem, View.MEDIA
        inits: Sequence[InitRow] = await media.inits(self._pool, stream.session_id)
        lead = leading(inits)
        if lead is None:
            raise Absent(name)
        return lead, View.CAPTIONS

    async def _cues(self, stream: StreamMedia, from_s: float, to_s: float) -> list[CueRow]:
        return await media.cues(self._pool, stream.session_id, from_s, to_s)

    def _playlist(self, text: str, *, is_settled: bool) -> Found:
        self.counts.playlists += 1
        cache, memory_s = (SETTLED, SETTLED_MEMORY_S) if is_settled else (GROWING, GROWING_MEMORY_S)
        return Found(text.encode(), PLAYLIST_TYPE, cache, memory_s)


def _split(file: str) -> tuple[str, bool]:
    """Return the name without its directives, and whether a delta is asked for."""
    name, _, directives = file.partition("?")
    return name, "_HLS_skip" in directives
