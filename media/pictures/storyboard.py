"""The storyboard's list: which span of media time is shown by which tile of which sheet.

WebVTT with a media fragment as the text of each cue (W3C Media Fragments, 4.2.2: #xywh=x,y,w,h), as players take it.
"""

import msgspec

from media.pictures.messages import COLUMNS, Sheet
from schemas.journal import PictureStored

FIRST_LINES = "WEBVTT\n"
LEAST_SPAN_S = 0.001


class _Shown(msgspec.Struct):
    """A sheet: when each of its tiles begins, and their size."""

    starts: list[float]
    width: int
    height: int


class Storyboard:
    """Sheets are numbered from 0 and never get another's number; `span_s` is how long the newest tile stands for."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._sheets: dict[int, _Shown] = {}
        self._next_number = 0
        self._last_s = -1.0
        self._text: bytes | None = None

    def add(self, sheet: Sheet, start_s: float) -> int | None:
        """Note that the sheet's newest tile shows this media time, later than all before; return its number.

        None: the sheet does not go on where the one before it was.
        """
        number = self._next_number - 1
        if sheet.tiles == 1:
            number = self._next_number
            self._next_number += 1
            self._sheets[number] = _Shown([], sheet.tile_width, sheet.tile_height)
        elif self.tiles(number) + 1 != sheet.tiles:
            return None
        self._last_s = max(0.0, start_s, self._last_s + LEAST_SPAN_S)
        self._sheets[number].starts.append(self._last_s)
        self._text = None
        return number

    def resume(self, stored: PictureStored) -> None:
        """Note a version of a sheet that another process stored; of those in between, nobody knows the times."""
        shown = self._sheets.setdefault(stored.sheet, _Shown([], stored.tile_width, stored.tile_height))
        while len(shown.starts) < stored.tiles:
            start_s = stored.start_s if len(shown.starts) + 1 == stored.tiles else 0.0
            self._last_s = max(start_s, self._last_s + LEAST_SPAN_S)
            shown.starts.append(self._last_s)
        self._next_number = max(self._next_number, stored.sheet + 1)
        self._text = None

    def drop(self, number: int) -> None:
        """Leave a sheet out."""
        self._sheets.pop(number, None)
        self._text = None

    def tiles(self, number: int) -> int:
        """Return how many tiles a sheet has; 0 when it is not there."""
        shown = self._sheets.get(number)
        return len(shown.starts) if shown else 0

    def text(self) -> bytes | None:
        """Return the list as WebVTT; None while it is empty."""
        if self._text is None and self._sheets:
            self._text = self._write().encode()
        return self._text

    def _write(self) -> str:
        placed = [
            (start_s, f"storyboard-{number}-{len(shown.starts)}.jpg#xywh={_place(tile, shown)}")
            for number, shown in self._sheets.items()
            for tile, start_s in enumerate(shown.starts)
        ]
        ends = [start_s for start_s, _ in placed[1:]] + [placed[-1][0] + self._span_s]
        cues = [
            f"\n{_clock(start_s)} --> {_clock(end_s)}\n{where}\n"
            for (start_s, where), end_s in zip(placed, ends, strict=True)
        ]
        return FIRST_LINES + "".join(cues)


def _place(tile: int, shown: _Shown) -> str:
    row, column = divmod(tile, COLUMNS)
    return f"{column * shown.width},{row * shown.height},{shown.width},{shown.height}"


def _clock(time_s: float) -> str:
    """WebVTT, 4.1: hours may have more than two digits."""
    ms = round(time_s * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"
