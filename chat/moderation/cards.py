"""The card that a click on a name opens."""

from datetime import UTC, datetime

from chat.people import Person
from chat.speech.colors import color_of
from chat.standings import Standings
from chat.store import Database, cards
from schemas.chat_api import UserCard
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId


class Cards:
    """Looks people up."""

    def __init__(self, pool: Database, standings: Standings) -> None:
        self._pool = pool
        self._standings = standings

    async def of(self, channel: ChannelId, person: Person, *, for_moderators: bool) -> UserCard:
        """Return who somebody is in a channel, for moderators with the history. Raises `ApiError` NOT_FOUND."""
        standing = await self._standings.of(person, channel)
        followed_at_ms = standing.followed_at_ms
        return UserCard(
            user_id=person.id,
            username=person.username,
            display_name=person.display_name,
            color=color_of(person),
            role=standing.role,
            badges=standing.badges,
            is_bot=person.is_bot,
            created_at=_moment(person.created_at_ms),
            followed_at=None if followed_at_ms is None else _moment(followed_at_ms),
            subscribed_months=standing.subscribed_months,
            history=await cards.history(self._pool, channel, person.id) if for_moderators else None,
        )

    async def find(self, name_or_id: str) -> Person:
        """Return an account by id or name. Raises `ApiError` NOT_FOUND."""
        return _there(await cards.person(self._pool, name_or_id), "There is no such account.")

    async def named(self, username: str) -> Person:
        """Return an account by name. Raises `ApiError` NOT_FOUND that says the name."""
        return _there(await cards.named(self._pool, username), f"There is no account named {username}.")


def in_words(card: UserCard) -> str:
    """Return a card in one line, for a chat."""
    parts = [card.role if card.role != "viewer" else "", "bot" if card.is_bot else ""]
    parts.append(f"account since {card.created_at:%Y-%m-%d}")
    parts.append(f"follows since {card.followed_at:%Y-%m-%d}" if card.followed_at else "does not follow")
    if card.subscribed_months:
        parts.append(f"subscribed for {card.subscribed_months} month{'' if card.subscribed_months == 1 else 's'}")
    if card.history:
        parts += [f"{card.history.message_count} messages", _trouble(card.history.ban_count, "ban")]
        parts.append(_trouble(card.history.timeout_count, "timeout"))
        if card.history.ban:
            until = card.history.ban.until
            parts.append(f"silenced until {until:%Y-%m-%d %H:%M} UTC" if until else "banned")
    return f"{card.display_name} ({card.username}): {', '.join(filter(None, parts))}."


def _trouble(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}" if count else ""


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _there(person: Person | None, message: str) -> Person:
    if person is None:
        raise ApiError(ErrorCode.NOT_FOUND, message)
    return person
