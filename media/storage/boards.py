"""The storyboard of a stored stream: which sheets are in storage, and the list of their tiles."""

from media.pictures.storyboard import Storyboard
from schemas.journal import PictureStored

TILE_S = 10.0
"""How long the newest tile stands for."""


class Boards:
    """Sans-IO. Tiles come from the journal; a sheet is listed once it is stored."""

    def __init__(self) -> None:
        self._storyboard = Storyboard(TILE_S)
        self._tiles: dict[int, list[PictureStored]] = {}

    def add(self, tile: PictureStored) -> None:
        """Note the newest tile of a sheet."""
        self._tiles.setdefault(tile.sheet, []).append(tile)

    def list(self, sheet: PictureStored) -> tuple[str, bytes] | None:
        """Return name and text of the list that has this sheet, which is in storage now."""
        for tile in self._tiles.pop(sheet.sheet, []):
            if tile.tiles <= sheet.tiles:
                self._storyboard.resume(tile)
        text = self._storyboard.text()
        return None if text is None else (f"storyboard-v{sheet.sheet}.vtt", text)
