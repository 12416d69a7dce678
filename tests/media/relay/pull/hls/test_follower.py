"""Claims of media.relay.pull.hls.follower."""

from media.relay.pull.hls.follower import Follower, Next
from media.relay.pull.hls.playlists import MediaPlaylist, Part, Segment


def playlist(first: int, count: int, *, is_ended: bool = False, gaps: tuple[int, ...] = ()) -> MediaPlaylist:
    segments = [Segment(n, Part(f"{n}.ts"), 4.0, is_gap=n in gaps) for n in range(first, first + count)]
    return MediaPlaylist(4.0, segments, is_ended)


def numbers(found: list[Next]) -> list[int]:
    return [each.segment.msn for each in found]


def test_a_live_stream_begins_three_segments_before_its_end_and_goes_on() -> None:
    follower = Follower()
    assert numbers(follower.take(playlist(10, 6))) == [13, 14, 15]
    assert numbers(follower.take(playlist(10, 6))) == []
    assert numbers(follower.take(playlist(12, 6))) == [16, 17]
    assert not any(each.starts_anew for each in follower.take(playlist(13, 6)))


def test_a_recording_begins_at_its_beginning() -> None:
    follower = Follower()
    assert numbers(follower.take(playlist(0, 9, is_ended=True))) == list(range(9))
    assert follower.is_ended


def test_a_reader_that_was_too_slow_goes_on_at_the_live_edge_anew() -> None:
    follower = Follower()
    follower.take(playlist(10, 6))
    found = follower.take(playlist(40, 6))
    assert numbers(found) == [43, 44, 45]
    assert [each.starts_anew for each in found] == [True, False, False]


def test_a_server_that_begins_again_is_followed() -> None:
    follower = Follower()
    follower.take(playlist(1000, 6))
    found = follower.take(playlist(0, 5))
    assert numbers(found) == [2, 3, 4]
    assert found[0].starts_anew


def test_behind_a_gap_it_starts_anew() -> None:
    found = Follower().take(playlist(0, 4, is_ended=True, gaps=(1, 2)))
    assert [(each.segment.msn, each.starts_anew) for each in found] == [(0, False), (3, True)]


def test_an_empty_playlist_is_looked_at_again_soon() -> None:
    follower = Follower()
    empty = MediaPlaylist(4.0, [], False)
    assert follower.take(empty) == []
    assert follower.reload_s(empty, is_new=False) == 2.0
    assert follower.reload_s(playlist(0, 3), is_new=True) == 4.0
    assert follower.reload_s(playlist(0, 3), is_new=False) == 2.0
