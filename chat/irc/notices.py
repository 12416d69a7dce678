"""What a client is told when something was refused, done, or set otherwise: the message ids that libraries know."""

from typing import Final

from schemas.chat import ChatSettings
from schemas.errors import ErrorBody, ErrorCode

REFUSALS: Final[dict[ErrorCode, str]] = {
    ErrorCode.BANNED: "msg_banned",
    ErrorCode.TIMED_OUT: "msg_timedout",
    ErrorCode.SLOW_MODE: "msg_slowmode",
    ErrorCode.FOLLOWERS_ONLY: "msg_followersonly",
    ErrorCode.SUBSCRIBERS_ONLY: "msg_subsonly",
    ErrorCode.EMOTE_ONLY: "msg_emoteonly",
    ErrorCode.DUPLICATE_MESSAGE: "msg_duplicate",
    ErrorCode.RATE_LIMITED: "msg_ratelimit",
    ErrorCode.BLOCKED_TERM: "msg_rejected_mandatory",
    ErrorCode.LINKS_NOT_ALLOWED: "msg_rejected_mandatory",
    ErrorCode.PAYLOAD_TOO_LARGE: "msg_rejected_mandatory",
    ErrorCode.ACCOUNT_TOO_NEW: "msg_requires_verified_phone_number",
    ErrorCode.FORBIDDEN: "no_permission",
    ErrorCode.UNAUTHORIZED: "no_permission",
    ErrorCode.NOT_FOUND: "msg_channel_suspended",
}
OTHER_REFUSAL: Final = "msg_rejected"
DONE: Final = {
    "timeout": "timeout_success",
    "untimeout": "untimeout_success",
    "ban": "ban_success",
    "unban": "unban_success",
    "delete": "delete_message_success",
    "mod": "mod_success",
    "unmod": "unmod_success",
    "vip": "vip_success",
    "unvip": "unvip_success",
    "mods": "room_mods",
    "vips": "vips_success",
    "help": "cmds_available",
    "clear": "clear_success",
}
"""Of commands. Their usage is `usage_` and the command."""
_MODES: Final = (
    ("subscriber_only", "subs_on", "subs_off", "subscribers-only"),
    ("emote_only", "emote_only_on", "emote_only_off", "emote-only"),
    ("unique_chat", "r9k_on", "r9k_off", "unique-chat"),
)


def refusal(error: ErrorBody, command: str) -> str:
    """Return the message id of a refusal; `command` is what was tried, "" for a message."""
    if command and error.code is ErrorCode.INVALID_REQUEST:
        return f"usage_{command}" if command in DONE else "unrecognized_cmd"
    if command and error.code is ErrorCode.NOT_FOUND:
        return "invalid_user"
    return REFUSALS.get(error.code, OTHER_REFUSAL)


def done(command: str) -> str:
    """Return the message id of a command that was obeyed."""
    return DONE.get(command, f"{command}_success")


def mode_changes(before: ChatSettings, after: ChatSettings) -> list[tuple[str, str]]:
    """Return what everybody in a channel is told of changed modes: message ids and texts."""
    told: list[tuple[str, str]] = []
    if before.slow_mode != after.slow_mode:
        told.append(slow(after.slow_mode))
    if (before.follower_only, before.follower_minutes) != (after.follower_only, after.follower_minutes):
        told.append(_followers(after))
    for field, on, off, name in _MODES:
        if getattr(before, field) != getattr(after, field):
            is_on = getattr(after, field)
            told.append((on if is_on else off, f"This room is {'now' if is_on else 'no longer'} in {name} mode."))
    return told


def slow(seconds: int) -> tuple[str, str]:
    """Return what is told of slow mode; 0 is off."""
    if not seconds:
        return "slow_off", "This room is no longer in slow mode."
    return "slow_on", f"This room is now in slow mode. You may send messages every {seconds} seconds."


def _followers(settings: ChatSettings) -> tuple[str, str]:
    if not settings.follower_only:
        return "followers_off", "This room is no longer in followers-only mode."
    if not settings.follower_minutes:
        return "followers_on_zero", "This room is now in followers-only mode."
    return "followers_on", f"This room is now in {settings.follower_minutes} minutes followers-only mode."
