"""Date ranges: listed while their time is, and what delta updates say of them."""

from media.hls.dates import MAX_LISTED, DateRanges
from media.packets import Cue, CueKind


def cue(name: str, start_s: float, duration_s: float | None = None) -> Cue:
    return Cue(name, CueKind.DATA, start_s, duration_s, "c", {"A": name})


def ids(dates: DateRanges) -> list[str]:
    return [date_range.range_id for date_range in dates.listed()]


def test_a_range_is_listed_until_its_end_has_left_the_playlist() -> None:
    dates = DateRanges()
    dates.advance(0, 10)
    assert dates.add(cue("moment", 8), 1000.0)
    assert dates.add(cue("longer", 8, 5), 1000.0)
    dates.advance(8, 68)
    assert ids(dates) == ["moment", "longer"]
    dates.advance(9, 69)
    assert ids(dates) == ["longer"]
    dates.advance(13.5, 73.5)
    assert ids(dates) == []


def test_the_date_is_that_of_the_media() -> None:
    dates = DateRanges()
    dates.add(cue("x", 8.25, 2), 1_700_000_000.5)
    (listed,) = dates.listed()
    assert (listed.start_ms, listed.duration_s, listed.attributes) == (1_700_000_008_750, 2, {"A": "x"})


def test_an_id_stands_once_and_what_is_over_never() -> None:
    dates = DateRanges()
    dates.advance(20, 80)
    assert dates.add(cue("x", 70), 0)
    assert not dates.add(cue("x", 71), 0)
    assert not dates.add(cue("old", 19), 0)
    assert ids(dates) == ["x"]


def test_a_delta_has_the_new_ones_and_the_ids_of_those_that_left() -> None:
    dates = DateRanges()
    dates.advance(0, 10)
    dates.add(cue("first", 9), 0)
    dates.advance(0, 20)
    dates.add(cue("second", 19), 0)
    assert [date_range.range_id for date_range in dates.recent(12)] == ["first", "second"]
    dates.advance(0, 23)
    assert [date_range.range_id for date_range in dates.recent(12)] == ["second"]
    assert dates.recently_removed(12) == []
    dates.advance(10, 70)
    assert dates.recently_removed(12) == ["first"]
    dates.advance(18, 83)
    assert dates.recently_removed(12) == []


def test_the_oldest_makes_room() -> None:
    dates = DateRanges()
    for number in range(MAX_LISTED + 5):
        dates.add(cue(str(number), 5), 0)
    assert ids(dates) == [str(number) for number in range(5, MAX_LISTED + 5)]
    assert dates.recently_removed(1) == [str(number) for number in range(5)]


def test_what_left_is_forgotten_in_time() -> None:
    dates = DateRanges()
    for number in range(1000):
        dates.add(cue(str(number), number, 0.5), 0)
        dates.advance(number, number + 60)
    assert len(dates.recently_removed(1e9)) <= 62
