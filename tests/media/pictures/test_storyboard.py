from media.pictures.messages import Sheet
from media.pictures.storyboard import Storyboard


def sheet(tiles: int, height: int = 90) -> Sheet:
    return Sheet(b"jpeg", tiles, 160, height)


def test_an_empty_storyboard_has_no_list() -> None:
    assert Storyboard(10).text() is None


def test_the_list_names_times_sheets_and_places() -> None:
    board = Storyboard(10)
    assert [board.add(sheet(tiles), start_s) for tiles, start_s in ((1, 0.0), (2, 9.9), (3, 3599.5))] == [0, 0, 0]
    assert (board.text() or b"").decode() == (
        "WEBVTT\n"
        "\n00:00:00.000 --> 00:00:09.900\nstoryboard-0-3.jpg#xywh=0,0,160,90\n"
        "\n00:00:09.900 --> 00:59:59.500\nstoryboard-0-3.jpg#xywh=160,0,160,90\n"
        "\n00:59:59.500 --> 01:00:09.500\nstoryboard-0-3.jpg#xywh=320,0,160,90\n"
    )


def test_the_eleventh_tile_is_in_the_second_row_and_a_new_sheet_follows_a_full_one() -> None:
    board = Storyboard(10)
    numbers = [board.add(sheet(place % 100 + 1), 10.0 * place) for place in range(201)]
    assert numbers == [0] * 100 + [1] * 100 + [2]
    lines = (board.text() or b"").decode().splitlines()
    assert lines[2 + 3 * 10 : 4 + 3 * 10] == ["00:01:40.000 --> 00:01:50.000", "storyboard-0-100.jpg#xywh=0,90,160,90"]
    assert "storyboard-0-100.jpg#xywh=1440,810,160,90" in lines
    assert lines[-2:] == ["00:33:20.000 --> 00:33:30.000", "storyboard-2-1.jpg#xywh=0,0,160,90"]
    assert len([line for line in lines if "-->" in line]) == 201


def test_a_sheet_that_began_anew_gets_a_number_of_its_own() -> None:
    board = Storyboard(10)
    assert [board.add(sheet(tiles), at) for tiles, at in ((1, 0), (2, 10), (1, 20), (2, 30))] == [0, 0, 1, 1]
    assert (board.tiles(0), board.tiles(1), board.tiles(2)) == (2, 2, 0)


def test_tiles_that_do_not_follow_are_refused() -> None:
    board = Storyboard(10)
    assert board.add(sheet(3), 0) is None
    assert board.add(sheet(1), 0) == 0
    assert board.add(sheet(10**12), 10) is None
    assert board.add(sheet(2), 10) == 0


def test_times_never_go_back() -> None:
    board = Storyboard(10)
    board.add(sheet(1), 20.0)
    board.add(sheet(2), 5.0)
    assert "00:00:20.000 --> 00:00:20.001" in (board.text() or b"").decode()


def test_a_dropped_sheet_is_left_out() -> None:
    board = Storyboard(10)
    board.add(sheet(1), 0)
    board.add(sheet(1), 10)
    board.drop(0)
    text = (board.text() or b"").decode()
    assert "storyboard-0" not in text
    assert "storyboard-1-1" in text
    assert board.add(sheet(1), 20) == 2
