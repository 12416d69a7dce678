"""What may be said at once, what waits for a moderator and what is refused: word lists, links, first messages."""

from typing import Final

import msgspec

from chat.moderation.folding import leet, plain
from chat.moderation.terms import Terms
from chat.people import Standing
from schemas.chat import ChatSettings
from schemas.errors import ApiError, ErrorCode

HELD_TERM: Final = "has a word that a moderator looks at first"
HELD_LINK: Final = "has a link"
HELD_FIRST: Final = "is the first message of its author"


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of a message that is not refused. `held_for`: why it waits for a moderator, "" when it does not."""

    held_for: str = ""

    @property
    def is_held(self) -> bool:
        """Whether it waits for a moderator."""
        return bool(self.held_for)


PASSED: Final = Verdict()


class WordList:
    """Terms as moderators typed them."""

    def __init__(self, typed: list[str] | None) -> None:
        folded = [plain(term) for term in typed or ()]
        self._terms = Terms([*folded, *map(leet, folded)])

    def found_in(self, text: str) -> bool:
        """Whether one of them is in a text, however it is dressed up."""
        if not self._terms:
            return False
        folded = plain(text)
        if self._terms.found_in(folded):
            return True
        undressed = leet(folded)
        return undressed != folded and self._terms.found_in(undressed)


class Filter:
    """The filters of one channel, made once for each change of its settings."""

    def __init__(self, settings: ChatSettings) -> None:
        self.settings = settings
        self._blocked = WordList(settings.blocked_terms)
        self._held = WordList(settings.held_terms)

    def judge(self, content: str, *, has_link: bool, standing: Standing) -> Verdict:
        """Return what becomes of a message. Raises `ApiError`: BLOCKED_TERM, LINKS_NOT_ALLOWED.

        Who moderates may say anything; VIPs may link, and wait for nobody.
        """
        if standing.moderates:
            return PASSED
        if self._blocked.found_in(content):
            raise ApiError(ErrorCode.BLOCKED_TERM, "This has a word that is not said in this channel.")
        if standing.role == "vip":
            return PASSED
        if has_link and not self.settings.links_allowed:
            if not self.settings.hold_links:
                raise ApiError(ErrorCode.LINKS_NOT_ALLOWED, "Links are not allowed in this channel.")
            return Verdict(HELD_LINK)
        if self._held.found_in(content):
            return Verdict(HELD_TERM)
        if self.settings.hold_first and not standing.has_chatted:
            return Verdict(HELD_FIRST)
        return PASSED
