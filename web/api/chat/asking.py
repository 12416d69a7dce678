"""What the handlers of moderation have in common: who asks, of what, about whom."""

import re
from typing import Any, Final

from chat.moderation.actor import Actor
from chat.moderation.moderation import Moderation
from chat.people import Person
from chat.store import roles
from schemas.chat import KEY_MAX
from schemas.errors import ApiError, ErrorCode
from web.calls import NAME, Call, bad_field
from web.store.channels import ChannelRow

KEY_HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(rf"[!-~]{{1,{KEY_MAX}}}")


def moderation_of(call: Call[Any]) -> Moderation:
    """Return what does the acts of this process."""
    return call.services.chat.moderation


def actor_of(call: Call[Any]) -> Actor:
    """Return the caller as one who acts; with the header Idempotency-Key the same is not done twice.

    Raises INVALID_REQUEST for a bad key.
    """
    account = call.account
    key = call.request.headers.get(KEY_HEADER, "")
    if key and not _KEY.fullmatch(key):
        raise bad_field(KEY_HEADER, f"must be 1 to {KEY_MAX} visible ASCII characters")
    request = f"{call.request.match_info.route.name} {key}" if key else ""  # keys of messages have no spaces
    return Actor(account.id, account.username, account.display_name, account.is_admin, request)


async def person_in(call: Call[Any], name_or_id: str) -> Person:
    """Return the account of a body or path. Raises NOT_FOUND."""
    if not NAME.fullmatch(name_or_id):
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such account.")
    return await moderation_of(call).cards.find(name_or_id.lower())


def named_in(call: Call[Any], part: str, what: str) -> str:
    """Return an id in the path. Raises NOT_FOUND for what can't be one."""
    value = call.request.match_info[part]
    if not NAME.fullmatch(value):
        raise ApiError(ErrorCode.NOT_FOUND, f"There is no such {what}.")
    return value


async def moderates(call: Call[Any], channel: ChannelRow) -> bool:
    """Whether the caller may see what moderators see of a channel that is open to everybody."""
    visitor = call.visitor
    if visitor is None or not visitor.may("chat:moderate"):
        return False
    if visitor.account.is_admin or visitor.account.id == channel.user_id:
        return True
    return await roles.moderates(call.services.pool, channel.id, visitor.account.id)
