"""Which segments of a playlist come next, and when to look again (RFC 8216, sections 6.3.3 and 6.3.4). Sans-IO."""

import msgspec

from media.relay.pull.hls.playlists import MediaPlaylist, Segment

FROM_THE_END = 3
"""A live stream is begun three segments before its end."""
FIRST_TIME_S = 0.5
"""Before a playlist without segments is looked at again."""


class Next(msgspec.Struct, frozen=True):
    """A segment to fetch. `starts_anew`: it does not join the one fetched before."""

    segment: Segment
    starts_anew: bool


class Follower:
    """One media playlist's reader."""

    def __init__(self) -> None:
        self.is_ended = False
        self._next_msn: int | None = None

    def take(self, playlist: MediaPlaylist) -> list[Next]:
        """Return what is new in the playlist as it is now."""
        self.is_ended = playlist.is_ended
        segments = playlist.segments
        if not segments:
            return []
        first, last = segments[0].msn, segments[-1].msn
        is_missing = False
        if self._next_msn is None:
            self._next_msn = self._start(playlist)
        elif self._next_msn > last + 1:  # the server has begun again
            self._next_msn, is_missing = self._start(playlist), True
        elif self._next_msn < first:  # we were too slow, or it was away
            self._next_msn, is_missing = max(first, self._start(playlist)), True
        new = [segment for segment in segments if segment.msn >= self._next_msn]
        self._next_msn = last + 1
        return _joined(new, is_missing=is_missing)

    def reload_s(self, playlist: MediaPlaylist, *, is_new: bool) -> float:
        """Return how long to wait before the playlist is fetched again."""
        if not playlist.segments:
            return max(FIRST_TIME_S, playlist.target_s / 2)
        return playlist.target_s if is_new else playlist.target_s / 2

    @staticmethod
    def _start(playlist: MediaPlaylist) -> int:
        segments = playlist.segments
        return segments[0].msn if playlist.is_ended else segments[max(0, len(segments) - FROM_THE_END)].msn


def _joined(segments: list[Segment], *, is_missing: bool) -> list[Next]:
    found = []
    for segment in segments:
        if segment.is_gap:
            is_missing = True
            continue
        found.append(Next(segment, segment.starts_anew or is_missing))
        is_missing = False
    return found
