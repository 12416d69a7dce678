"""How much one may say: allowances by role, which the log keeps, and a pause for who is refused again and again."""

from collections import OrderedDict
from typing import Final

import msgspec

from chat.people import Person, Standing
from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId

REFUSALS_MAX: Final = 30
WINDOW_S: Final = 30.0
"""So many refusals within this are a flood."""
PAUSE_S: Final = 30.0
"""For how long nothing more of its author is looked at, in this process."""
KEPT_MAX: Final = 10_000
"""Authors with refusals; beyond it the one who was refused the longest ago is forgotten."""


class Rate(msgspec.Struct, frozen=True):
    """An allowance: one message each `interval_ms` in the long run, `burst` at once."""

    interval_ms: int
    burst: int


VIEWER: Final = Rate(1_500, 6)
"""20 in 30 s."""
TRUSTED: Final = Rate(300, 20)
"""100 in 30 s: VIPs, moderators, the broadcaster, bots."""


def rate_of(person: Person, standing: Standing) -> Rate:
    """Return what somebody may say in a channel."""
    is_trusted = person.is_bot or standing.moderates or standing.role == "vip"
    return TRUSTED if is_trusted else VIEWER


class Refusals(msgspec.Struct):
    """Of one author: how many since when, and until when they are paused."""

    since: float
    count: int = 0
    paused_until: float = 0.0


class Floods:
    """Counts refusals by author. Times are of a monotonic clock in seconds."""

    def __init__(self) -> None:
        self._authors: OrderedDict[UserId, Refusals] = OrderedDict()

    def check(self, user: UserId, now: float) -> None:
        """Raise RATE_LIMITED for who has to pause."""
        refusals = self._authors.get(user)
        if refusals is not None and now < refusals.paused_until:
            left_ms = round((refusals.paused_until - now) * 1000)
            message = "Too many of your messages were refused. Wait a little."
            raise ApiError(ErrorCode.RATE_LIMITED, message, retry_after_ms=max(left_ms, 1))

    def refused(self, user: UserId, now: float) -> None:
        """Count a refusal."""
        refusals = self._authors.pop(user, None)
        if refusals is None or now - refusals.since >= WINDOW_S:
            paused_until = refusals.paused_until if refusals else 0.0
            refusals = Refusals(now, paused_until=paused_until)
        refusals.count += 1
        if refusals.count >= REFUSALS_MAX and now >= refusals.paused_until:
            refusals.paused_until = now + PAUSE_S
        self._authors[user] = refusals
        while len(self._authors) > KEPT_MAX:
            self._authors.popitem(last=False)
