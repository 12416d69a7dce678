"""Changes of a channel's modes and lists of terms."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from chat.log.acts import ActEvent
from chat.log.recall import modes_of
from chat.moderation import telling
from chat.moderation.actor import Actor, Done
from chat.moderation.desk import Case, Desk
from chat.moderation.folding import plain
from chat.moderation.settings import ChannelSettings, without_terms
from chat.store import settings as store
from schemas.chat import TERMS_MAX, ChatSettings
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId

LISTS: Final = ("blocked_terms", "held_terms")
Changes = Mapping[str, object]
"""Fields of `ChatSettings` with their new values."""


class Modes:
    """Sets modes."""

    def __init__(self, desk: Desk, settings: ChannelSettings) -> None:
        self._desk = desk
        self._settings = settings

    async def of(self, channel: ChannelId) -> ChatSettings:
        """Return the settings as they are right now, not as they are believed to be."""
        return await store.read(self._desk.pool, channel)

    async def patch(self, actor: Actor, channel: ChannelId, changes: Changes, notice: str = "") -> Done:
        """Change settings; nothing when they are so already. Raises `ApiError`: INVALID_REQUEST for bad terms."""
        return await self._change(actor, channel, lambda _: _checked(changes), notice)

    async def block(self, actor: Actor, channel: ChannelId, term: str) -> Done:
        """Add a blocked term. Raises `ApiError`."""

        def more(now: ChatSettings) -> Changes:
            return _checked({"blocked_terms": [*(now.blocked_terms or ()), term]})

        return await self._change(actor, channel, more, f"Messages with “{term}” are refused from now on.")

    async def unblock(self, actor: Actor, channel: ChannelId, term: str) -> Done:
        """Take a blocked term off the list. Raises `ApiError` NOT_FOUND."""

        def fewer(now: ChatSettings) -> Changes:
            terms = now.blocked_terms or []
            rest = [each for each in terms if plain(each) != plain(term)]
            if len(rest) == len(terms):
                raise ApiError(ErrorCode.NOT_FOUND, f"“{term}” is not on the list.")
            return {"blocked_terms": rest}

        return await self._change(actor, channel, fewer, f"“{term}” may be said again.")

    async def _change(
        self, actor: Actor, channel: ChannelId, change: Callable[[ChatSettings], Changes], notice: str
    ) -> Done:
        async def work(case: Case) -> Done:
            old = await store.read(case.connection, channel)
            wanted = change(old)
            changes = {name: value for name, value in wanted.items() if value != getattr(old, name)}
            if not changes:
                return Done("It is so already.")
            version = await store.write(case.connection, channel, changes)
            new = msgspec.structs.replace(old, **changes)
            events = _events(channel, old, new, version, case.actor.username)
            return await case.record(
                "settings", notice or "The settings are changed.", events, details=_details(old, changes)
            )

        done = await self._desk.do("settings", actor, channel, work)
        self._settings.forget(channel)
        return done


def _events(channel: ChannelId, old: ChatSettings, new: ChatSettings, version: int, moderator: str) -> list[ActEvent]:
    changed = telling.settings_changed(channel, without_terms(new), modes_of(new, version), moderator)
    if new.slow_mode == old.slow_mode:
        return [changed]
    return [telling.event("slow_mode", channel, duration=new.slow_mode), changed]


def _checked(changes: Changes) -> Changes:
    """Return changes with lists of terms that can be found, each once."""
    return {name: _terms(name, value) if name in LISTS else value for name, value in changes.items()}


def _terms(name: str, value: object) -> list[str]:
    assert isinstance(value, list)
    kept: dict[str, str] = {}
    for term in value:
        folded = plain(term)
        if not folded.replace("*", "").strip():
            field = name.split("_", maxsplit=1)[0] + "Terms"
            reason = f"“{term}” has nothing to look for"
            raise ApiError(ErrorCode.INVALID_REQUEST, f"{field}: {reason}.", fields={field: reason})
        kept.setdefault(folded, " ".join(term.split()))
    if len(kept) > TERMS_MAX:
        raise ApiError(ErrorCode.INVALID_REQUEST, f"A list has at most {TERMS_MAX} terms.")
    return list(kept.values())


def _details(old: ChatSettings, changes: Changes) -> dict[str, str]:
    """Return what changed, in words, under the names that fields have in JSON."""
    details = {}
    for name, value in changes.items():
        first, *rest = name.split("_")
        key = first + "".join(part.title() for part in rest)
        if isinstance(value, list):
            details[key] = _difference(getattr(old, name) or [], value)
        else:
            details[key] = str(value).lower()
    return details


def _difference(old: Sequence[str], new: Sequence[str]) -> str:
    words = [f"+{term}" for term in new if term not in old] + [f"-{term}" for term in old if term not in new]
    return " ".join(words)
