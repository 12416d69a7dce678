"""One track's time stamps on media time: wraps undone, jumps and stops noticed.

RTMP stamps are unsigned 32-bit milliseconds that wrap after 49.7 days (RTMP 1.0, section 5.3.1.3), those of MPEG
transport streams 33 bits of 90 kHz that wrap after 26.5 hours (ISO/IEC 13818-1, section 2.4.3.7). Media time counts in
ticks of `VIDEO_TIMESCALE` here.
"""

import msgspec

from media.packets import VIDEO_TIMESCALE


class StampFormat(msgspec.Struct, frozen=True):
    """How a protocol counts time."""

    wrap_bits: int
    ticks_per_s: int


RTMP_STAMPS = StampFormat(wrap_bits=32, ticks_per_s=1_000)
MPEG_TS_STAMPS = StampFormat(wrap_bits=33, ticks_per_s=VIDEO_TIMESCALE)

JUMP_S = 1.0
"""A step forward, beyond the newest stamp of any track and the time that passed on our clock, that is a jump."""
BACKWARD_S = 0.5
"""A step back on one track that is a jump; smaller ones are of encoders that repeat or swap decode times."""
LAG_S = 2.0
"""How long a track may be more than `JUMP_S` behind the other before it gets a place of its own beside it."""
FROZEN_S = 0.5
"""How long a track's stamps may stand still while packets come, before their arrival counts instead."""
RESTART_S = 0.5
"""A pause on our clock up to which a jump is one of the clock alone: the next frame comes one frame later."""
FRAME_TICKS = VIDEO_TIMESCALE // 30
"""How long a frame lasts until the track has shown it."""
PERIOD_SHARE = 16
"""Frames without stamps come in lumps, as sockets are read: each moves the estimate of their distance, and the place
of the next one, by this part of what it is off."""

_JUMP = round(JUMP_S * VIDEO_TIMESCALE)
_BACKWARD = round(BACKWARD_S * VIDEO_TIMESCALE)


class Head:
    """How far media time has come: the newest packet of any track, and when it arrived."""

    __slots__ = ("arrival", "newest")

    def __init__(self) -> None:
        self.newest = 0
        self.arrival = 0.0

    def expected(self, now: float) -> int:
        """Return where media time is now, by our clock."""
        return self.newest + max(0, round((now - self.arrival) * VIDEO_TIMESCALE))


class TrackClock:
    """Places one track's packets. `place` never raises, whatever comes; media time may still step back a little."""

    __slots__ = (
        "_arrived",
        "_base",
        "_base_arrival",
        "_half",
        "_head",
        "_lags_since",
        "_mask",
        "_moved",
        "_offset",
        "_per_s",
        "_period",
        "_stamp",
        "_step",
        "is_anchored",
        "is_frozen",
        "media",
        "other",
        "reanchored",
    )

    def __init__(self, stamps: StampFormat, head: Head) -> None:
        self._count_as(stamps)
        self._head = head
        self.other: TrackClock = self
        """The other track's; the tracks of one publisher share an origin unless their stamps show otherwise."""
        self.is_anchored = False
        self.is_frozen = False
        self.media = 0
        """Where the last packet was placed, in ticks."""
        self.reanchored = 0
        """How often stamps did not go on where they were."""
        self._stamp = 0  # the last, without wraps
        self._offset = 0  # media = stamp in ticks - offset
        self._step = FRAME_TICKS  # of the last packet to the one before
        self._moved = 0.0  # when the stamp last changed
        self._lags_since: float | None = None
        self._arrived = 0.0
        self._base = 0  # of a frozen track: media time at `_base_arrival`
        self._base_arrival = 0.0
        self._period = float(FRAME_TICKS)

    def _count_as(self, stamps: StampFormat) -> None:
        self._per_s = stamps.ticks_per_s
        self._half = 1 << (stamps.wrap_bits - 1)
        self._mask = (1 << stamps.wrap_bits) - 1

    def release(self, stamps: StampFormat) -> None:
        """Forget the publisher's clock: the next packet begins another, which counts like this."""
        self.is_anchored = self.is_frozen = False
        self._lags_since = None
        self._count_as(stamps)

    def difference(self, later: int, earlier: int) -> int:
        """Return the signed distance of two stamps in ticks; modulo the wrap, so that it undoes any number of them."""
        return (((later - earlier + self._half) & self._mask) - self._half) * VIDEO_TIMESCALE // self._per_s

    def anchor(self, stamp: int, now: float, media: int) -> int:
        """Take the first packet: beside the other track where that has the same clock, else at `media`."""
        other = self.other
        self._stamp = stamp & self._mask
        if other.is_anchored:
            self._stamp = other._stamp + ((stamp - other._stamp + self._half) & self._mask) - self._half
        at = self._stamp * VIDEO_TIMESCALE // self._per_s
        if other.is_anchored and abs(at - other._offset - media) <= _JUMP:
            self._offset = other._offset
        else:
            self._offset = at - media
        self.is_anchored = True
        self._moved = self._arrived = now
        self.media = at - self._offset
        self._follow(now)
        return self.media

    def place(self, stamp: int, now: float, *, may_break: bool) -> tuple[int, bool]:
        """Return the media time of the next packet, and whether it broke with what went before.

        Only packets that decode without others may break: where the stamps of another jump it was the clock alone.
        """
        step = ((stamp - self._stamp + self._half) & self._mask) - self._half
        stamp = self._stamp + step
        media = stamp * VIDEO_TIMESCALE // self._per_s - self._offset
        newest = self._head.newest
        breaks = False
        if not step or self.is_frozen or not -_JUMP <= media - newest <= _JUMP or media < self.media - _BACKWARD:
            media, breaks = self._place_unusual(step, stamp, media, now, may_break=may_break)
        else:
            self._step = media - self.media if step > 0 else self._step
            self._moved = now
            self._lags_since = None
        self._stamp = stamp
        self._arrived = now
        self.media = media
        if media > newest:
            self._follow(now)
        return media, breaks

    def advance(self, media: int, now: float) -> int:
        """Let the last packet be no earlier than `media`, and whatever follows, of the other track too if it goes by
        the same clock.
        """
        ticks = media - self.media
        if ticks > 0:
            if self.other._offset == self._offset:
                self.other._offset -= ticks
            self._offset -= ticks
            self.media = media
            self._follow(now)
        return self.media

    def media_of(self, stamp: int) -> int:
        """Return the media time of any stamp of the publisher's clock; after `release` of the former one's, if both
        count alike.
        """
        return self.media + self.difference(stamp, self._stamp)

    def _follow(self, now: float) -> None:
        if self.media > self._head.newest:
            self._head.newest = self.media
            self._head.arrival = now

    def _place_unusual(self, step: int, stamp: int, media: int, now: float, *, may_break: bool) -> tuple[int, bool]:
        if not step:
            if not self.is_frozen and now - self._moved > FROZEN_S:
                self.is_frozen = True
                stood = round((now - self._moved) * VIDEO_TIMESCALE)
                self._base, self._base_arrival = max(self.media + stood, self._head.newest), now
                self.reanchored += 1
                return self._base, False
            return (self._by_arrival(now) if self.is_frozen else media), False
        self._moved = now
        if self.is_frozen:
            self.is_frozen = False
            return self._reanchor(stamp, self.media + round(self._period)), False
        ahead = media - self._head.expected(now)
        if ahead > _JUMP or media < self.media - _BACKWARD:
            paused = now - self._arrived
            if may_break:
                return self._reanchor(stamp, self._head.expected(now)), True
            expected = self.media + (self._step if paused < RESTART_S else round(paused * VIDEO_TIMESCALE))
            return self._reanchor(stamp, expected), False
        if media >= self._head.newest - _JUMP:
            self._lags_since = None
        elif self._lags_since is None:
            self._lags_since = now
        elif now - self._lags_since > LAG_S:
            self._lags_since = None
            return self._reanchor(stamp, self._head.newest), False
        return media, False

    def _reanchor(self, stamp: int, expected: int) -> int:
        """Go on at `expected`, or exactly where the other track's clock says when that is near."""
        at = stamp * VIDEO_TIMESCALE // self._per_s
        offset = at - expected
        if self.other.is_anchored and abs(self.other._offset - offset) <= _JUMP:
            offset = self.other._offset
        self._offset = offset
        self.reanchored += 1
        return at - offset

    def _by_arrival(self, now: float) -> int:
        """Place a packet of a frozen track where it arrived, smoothed; by the other track's clock while that runs."""
        other = self.other
        if other is not self and other.is_anchored and not other.is_frozen and now - other._moved < LAG_S:
            target = other.media
        else:
            target = self._base + round((now - self._base_arrival) * VIDEO_TIMESCALE)
        self._period += ((now - self._arrived) * VIDEO_TIMESCALE - self._period) / PERIOD_SHARE
        following = self.media + self._period
        return max(round(following + (target - following) / PERIOD_SHARE), self.media + 1)
