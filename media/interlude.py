"""What is shown while the publisher is away: the slate's loop, stamped onto the stream's media time."""

from collections.abc import Iterator, Mapping

from media.packets import Packet
from media.pictures.slates import SlateClip


class Interlude:
    """The slates of a stream's renditions, all from one media time on. Times are in 90 kHz."""

    def __init__(self, clips: Mapping[str, SlateClip], start: int) -> None:
        self._loops = {name: _Loop(clip, start) for name, clip in clips.items()}

    def until(self, end: int) -> Iterator[tuple[str, Packet]]:
        """Yield what is shown before `end` and was not yielded yet: rendition name and packet, in order of time.

        Where several begin together the order of the clips holds, so that the leading rendition comes first.
        """
        while True:
            name, loop = min(self._loops.items(), key=_next_time, default=("", None))
            if loop is None or loop.next_dts >= end:
                return
            yield name, loop.take()


class _Loop:
    """One rendition's slate, again and again."""

    def __init__(self, clip: SlateClip, start: int) -> None:
        self._clip = clip
        self._round_start = start
        self._index = 0

    @property
    def next_dts(self) -> int:
        """When the next packet is shown."""
        return self._round_start + self._clip.packets[self._index].dts

    def take(self) -> Packet:
        """Return the next packet; the clip's own stays as it is."""
        packet, dts = self._clip.packets[self._index], self.next_dts
        self._index += 1
        if self._index == len(self._clip.packets):
            self._index = 0
            self._round_start += self._clip.duration
        return Packet(packet.kind, dts, dts, packet.is_keyframe, packet.data)


def _next_time(entry: tuple[str, _Loop]) -> int:
    return entry[1].next_dts
