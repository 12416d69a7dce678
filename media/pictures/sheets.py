"""Storyboard sheets: ten by ten small pictures in one JPEG, for a player that shows where a seek would land."""

from av.video.frame import VideoFrame

from media.pictures import jpegs
from media.pictures.messages import COLUMNS, ROWS, Sheet

TILES = COLUMNS * ROWS
TILE_WIDTH, MOST_TILE_HEIGHT = 160, 284
"""Pixels; a higher picture than 9:16 gets narrower tiles."""
QUANTISERS = (5, 8, 12)
MOST_SHEET_BYTES = 300_000
MOST_HELD_BYTES = 256 << 20
"""Uncoded sheets of all sessions: about 120 full ones of 16:9. Beyond it sessions have thumbnails only."""
BLACK = (0, 128, 128)


class Sheets:
    """The growing sheet of each session."""

    def __init__(self) -> None:
        self._growing: dict[str, GrowingSheet] = {}

    @property
    def held_bytes(self) -> int:
        """The memory of all sheets."""
        return sum(sheet.held_bytes for sheet in self._growing.values())

    def add(self, session_id: str, picture: VideoFrame) -> Sheet | None:
        """Put a picture in JPEG's colours on the session's sheet; on a new one if it is full or of another shape."""
        width, height = jpegs.fit(picture.width, picture.height, TILE_WIDTH, MOST_TILE_HEIGHT)
        sheet = self._growing.get(session_id)
        if sheet is None or sheet.tiles == TILES or sheet.size != (width, height):
            self.forget(session_id)
            sheet = GrowingSheet(width, height)
        if self.held_bytes + sheet.next_bytes > MOST_HELD_BYTES:
            return None
        self._growing[session_id] = sheet
        sheet.add(jpegs.reduced(picture, width, height))
        return Sheet(sheet.jpeg(), sheet.tiles, width, height)

    def forget(self, session_id: str) -> None:
        """Let go of the session's sheet; the next picture begins a new one."""
        self._growing.pop(session_id, None)


class GrowingSheet:
    """One sheet with tiles of this size, row by row as large as it must be."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.tiles = 0
        self._rows: list[VideoFrame] = []

    @property
    def held_bytes(self) -> int:
        """The memory of its rows."""
        return len(self._rows) * self._row_bytes

    @property
    def next_bytes(self) -> int:
        """What one more tile will take."""
        return self._row_bytes if self.tiles % COLUMNS == 0 else 0

    @property
    def _row_bytes(self) -> int:
        width, height = self.size
        return COLUMNS * width * height * 3 // 2

    def add(self, tile: VideoFrame) -> None:
        """Put the next tile into its place."""
        column = self.tiles % COLUMNS
        if column == 0:
            self._rows.append(_black(COLUMNS * tile.width, tile.height))
        for into, plane in zip(self._rows[-1].planes, tile.planes, strict=True):
            target, source = memoryview(into), memoryview(plane)
            left = column * plane.width
            for line in range(plane.height):
                at, start = line * into.line_size + left, line * plane.line_size
                target[at : at + plane.width] = source[start : start + plane.width]
        self.tiles += 1

    def jpeg(self) -> bytes:
        """Return the sheet as it is now."""
        width, height = self.size
        whole = VideoFrame(COLUMNS * width, len(self._rows) * height, jpegs.FORMAT)
        for number, into in enumerate(whole.planes):
            target = memoryview(into)
            at = 0
            for row in self._rows:
                plane = row.planes[number]
                source = memoryview(plane)
                for line in range(plane.height):
                    start = line * plane.line_size
                    target[at : at + plane.width] = source[start : start + plane.width]
                    at += into.line_size
        return jpegs.encode(whole, quantisers=QUANTISERS, most_bytes=MOST_SHEET_BYTES)


def _black(width: int, height: int) -> VideoFrame:
    frame = VideoFrame(width, height, jpegs.FORMAT)
    for plane, value in zip(frame.planes, BLACK, strict=True):
        plane.update(bytes((value,)) * plane.buffer_size)
    return frame
