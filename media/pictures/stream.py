"""The pictures of one stream: the newest thumbnail and the storyboard, on disk as soon as it takes them.

thumbnail.jpg                       the newest
storyboard.vtt                      which time of the media is where on which sheet (WebVTT)
storyboard-{sheet}-{tiles}.jpg      a sheet with at least so many tiles
"""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from media.packets import CodecConfig, Packet
from media.pictures.messages import Sheet, Still
from media.pictures.storyboard import Storyboard
from media.spool import Spool
from schemas.ids import SessionId
from schemas.journal import PictureStored

FILES = ("thumbnail.", "storyboard.", "storyboard-")
"""What the names of all of them begin with."""
STILL_EVERY_S = 10.0
MAX_SHEETS = 200
"""Of one stream, about 55 hours; beyond it the oldest goes."""
MAX_SHEETS_IN_MEMORY = 2
"""The newest ones, when the disk does not take them; older ones are lost."""

_SHEET = re.compile(r"storyboard-([0-9]{1,6})-([0-9]{1,3})\.jpg", re.ASCII)


class Maker(Protocol):
    """What makes the pictures of all streams."""

    def offer(self, session_id: SessionId, config: CodecConfig, keyframe: Packet, pts_s: float, /) -> None:
        """Take a keyframe if it is time for one; never waits."""

    def forget(self, session_id: SessionId, /) -> None:
        """Make no more pictures of this session."""


class StreamPictures:
    """All methods are for the loop's thread; nothing but `get` waits, and that only for the disk."""

    def __init__(self, session_id: SessionId, spool: Spool, maker: Maker) -> None:
        self._session_id = session_id
        self._spool = spool
        self._maker = maker
        self.on_stored: Callable[[PictureStored], None] = lambda _: None
        """Is told of every picture that has come to the disk."""
        self._thumbnail = StoredPicture(session_id, spool)
        self._thumbnails = 0
        self._sheets: dict[int, StoredPicture] = {}
        self._storyboard = Storyboard(STILL_EVERY_S)

    def resume(self, stored: Sequence[PictureStored]) -> None:
        """Go on where another process stopped: these came to the disk in this order. A new sheet comes next."""
        for picture in stored:
            if picture.kind == "thumbnail":
                self._thumbnails += 1
                self._thumbnail.resume(picture.name, picture.size)
            else:
                self._storyboard.resume(picture)
                if picture.sheet not in self._sheets:
                    self._drop_old_sheets()
                    self._sheets[picture.sheet] = StoredPicture(self._session_id, self._spool)
                self._sheets[picture.sheet].resume(picture.name, picture.size)

    def offer(self, config: CodecConfig, keyframe: Packet, pts_s: float) -> None:
        """Offer a keyframe for pictures; most are not taken."""
        self._maker.offer(self._session_id, config, keyframe, pts_s)

    def end(self) -> None:
        """Make no more; what exists can still be read."""
        self._maker.forget(self._session_id)

    def add(self, still: Still, pts_s: float) -> None:
        """Take the pictures of a keyframe; `pts_s` is its media time."""
        self._thumbnails += 1
        stored = PictureStored("thumbnail", f"thumbnail-{self._thumbnails}.jpg", len(still.thumbnail), pts_s)
        self._thumbnail.put(stored.name, still.thumbnail, lambda: self.on_stored(stored))
        if still.sheet is not None:
            self._add_sheet(still.sheet, pts_s)

    def _add_sheet(self, sheet: Sheet, pts_s: float) -> None:
        number = self._storyboard.add(sheet, pts_s)
        if number is None:
            return
        if number not in self._sheets:
            self._drop_old_sheets()
            self._sheets[number] = StoredPicture(self._session_id, self._spool)
        stored = PictureStored(
            "sheet",
            f"storyboard-{number}-{sheet.tiles}.jpg",
            len(sheet.jpeg),
            pts_s,
            sheet=number,
            tiles=sheet.tiles,
            tile_width=sheet.tile_width,
            tile_height=sheet.tile_height,
        )
        self._sheets[number].put(stored.name, sheet.jpeg, lambda: self.on_stored(stored))

    def _drop_old_sheets(self) -> None:
        """Make room for one more."""
        in_memory = [number for number, picture in self._sheets.items() if picture.is_in_memory]
        lost = in_memory[: max(0, len(in_memory) + 1 - MAX_SHEETS_IN_MEMORY)]
        for number in {*lost, *list(self._sheets)[: max(0, len(self._sheets) + 1 - MAX_SHEETS)]}:
            self._sheets.pop(number).remove()
            self._storyboard.drop(number)

    async def get(self, file: str) -> bytes | None:
        """Return one of the files named at the top; None if there is no such file, or not yet."""
        if file == "thumbnail.jpg":
            return await self._thumbnail.read()
        if file == "storyboard.vtt":
            return self._storyboard.text()
        match = _SHEET.fullmatch(file)
        if match is None:
            return None
        number, tiles = map(int, match.groups())
        # An older list names fewer tiles: those are where they were.
        if number not in self._sheets or not 0 < tiles <= self._storyboard.tiles(number):
            return None
        return await self._sheets[number].read()


class StoredPicture:
    """A picture that is replaced by newer versions, each of which has a name of its own on disk.

    Reading never meets a half of one: the newest is in memory until it is stored, and then the older is removed.
    """

    def __init__(self, session_id: SessionId, spool: Spool) -> None:
        self._session_id = session_id
        self._spool = spool
        self._fresh: tuple[str, bytes] | None = None
        self._stored: tuple[str, int] | None = None

    @property
    def is_in_memory(self) -> bool:
        """Whether the newest version is not on disk, or not yet."""
        return self._fresh is not None

    def put(self, name: str, data: bytes, on_stored: Callable[[], None]) -> None:
        """Replace it; `on_stored` is told when the new one is on disk, and before the old one goes."""
        self._fresh = name, data

        def done(is_stored: bool) -> None:
            if not is_stored:
                return
            on_stored()
            self._forget_stored()
            self._stored = name, len(data)
            if self._fresh is not None and self._fresh[0] == name:
                self._fresh = None

        self._spool.store(self._session_id, name, [data], done)

    def resume(self, name: str, size: int) -> None:
        """It is on disk since another process."""
        self._stored = name, size

    def remove(self) -> None:
        """Remove it from disk."""
        self._fresh = None
        self._forget_stored()

    def _forget_stored(self) -> None:
        if self._stored is not None:
            self._spool.forget(self._session_id, self._stored[0])
            self._stored = None

    async def read(self) -> bytes | None:
        """Return the newest version; None if there is none or the disk does not give it."""
        while True:
            if self._fresh is not None:
                return self._fresh[1]
            stored = self._stored
            if stored is None:
                return None
            try:
                return await self._spool.read(self._session_id, stored[0], 0, stored[1])
            except OSError:
                if stored is self._stored:
                    return None  # else a newer one took its place meanwhile
