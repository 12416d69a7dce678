import pytest
from av.video.frame import VideoFrame

from media.pictures import jpegs, sheets
from media.pictures.sheets import TILES, Sheets
from tests.media.pictures.material import ORANGE, TEAL, Colour, decoded_jpeg, is_near, mean, two_colours


def picture(colour: Colour, size: tuple[int, int] = (640, 360)) -> VideoFrame:
    return jpegs.reduced(two_colours(*size, colour, colour), *size)


def test_a_sheet_grows_row_by_row_and_keeps_its_tiles_in_place() -> None:
    made = Sheets()
    for number in range(12):
        sheet = made.add("s", picture(ORANGE if number % 2 else TEAL))
    assert sheet is not None
    assert (sheet.tiles, sheet.tile_width, sheet.tile_height) == (12, 160, 90)
    whole = decoded_jpeg(sheet.jpeg)
    assert (whole.width, whole.height) == (1600, 180)
    for number in range(12):
        row, column = divmod(number, 10)
        colour = mean(whole, column * 160 + 80, 70, row * 90 + 5, 80)
        assert is_near(colour, ORANGE if number % 2 else TEAL), (number, colour)
    assert is_near(mean(whole, 2 * 160 + 80, 70, 95, 80), (0, 0, 0)), "what has no tile yet is black"


def test_a_full_sheet_is_followed_by_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Sheets()
    tiles = []
    monkeypatch.setattr(jpegs, "encode", lambda *_args, **_keys: b"jpeg")
    small = picture(TEAL)
    for _ in range(TILES + 2):
        sheet = made.add("s", small)
        assert sheet is not None
        tiles.append(sheet.tiles)
    assert tiles == [*range(1, TILES + 1), 1, 2]


def test_another_shape_begins_a_new_sheet() -> None:
    made = Sheets()
    made.add("s", picture(TEAL))
    upright = made.add("s", picture(TEAL, (360, 640)))
    assert upright is not None
    assert (upright.tiles, upright.tile_width, upright.tile_height) == (1, 160, 284)


def test_sessions_have_sheets_of_their_own_and_a_forgotten_one_begins_anew() -> None:
    made = Sheets()
    for session in ("a", "b", "a"):
        sheet = made.add(session, picture(TEAL))
    assert sheet is not None
    assert sheet.tiles == 2
    made.forget("a")
    assert made.held_bytes == 1600 * 90 * 3 // 2
    again = made.add("a", picture(TEAL))
    assert again is not None
    assert again.tiles == 1


def test_without_memory_for_another_row_there_is_no_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_HELD_BYTES", 1600 * 90 * 3 // 2)
    made = Sheets()
    assert made.add("a", picture(TEAL)) is not None
    assert made.add("b", picture(TEAL)) is None
    assert made.add("a", picture(TEAL)) is not None
    made.forget("a")
    assert made.add("b", picture(TEAL)) is not None


def test_narrow_tiles_are_in_their_places() -> None:
    made = Sheets()
    for number in range(11):
        sheet = made.add("s", picture(ORANGE if number % 2 else TEAL, (70, 1138)))
    assert sheet is not None
    assert (sheet.tile_width, sheet.tile_height) == (18, 284)
    whole = decoded_jpeg(sheet.jpeg)
    assert (whole.width, whole.height) == (180, 568)
    for number in range(11):
        row, column = divmod(number, 10)
        colour = mean(whole, column * 18 + 9, 2, row * 284 + 40, 200)
        assert is_near(colour, ORANGE if number % 2 else TEAL, 20), (number, colour)
