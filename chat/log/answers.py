"""What the scripts answer, as values and errors."""

from typing import Any, Final

from chat.log.acts import Act
from chat.log.lines import Line
from chat.log.places import Held, Place
from schemas.errors import ApiError, ErrorCode

TEXTS: Final = {
    ErrorCode.BANNED: "you are banned from this chat",
    ErrorCode.TIMED_OUT: "you are timed out",
    ErrorCode.SUBSCRIBERS_ONLY: "only subscribers may chat right now",
    ErrorCode.FOLLOWERS_ONLY: "only followers may chat right now",
    ErrorCode.ACCOUNT_TOO_NEW: "your account is too new for this chat",
    ErrorCode.EMOTE_ONLY: "only emotes may be sent right now",
    ErrorCode.RATE_LIMITED: "you are sending messages too fast",
    ErrorCode.SLOW_MODE: "this chat is in slow mode",
    ErrorCode.DUPLICATE_MESSAGE: "this was said a moment ago",
}
FOLLOW_LONGER: Final = "you have not followed for long enough"


def spoken(line: Line, answer: list[Any]) -> Place | Held:
    """Return what say.lua answered. Raises `ApiError` when it refused."""
    match answer:
        case [b"placed", seq, epoch, at_ms]:
            return Place(line.id, int(seq), epoch.decode("ascii"), int(at_ms))
        case [b"held"]:
            return Held(line.held_id)
        case [b"again", first]:
            return first_answer(first)
        case [b"refused", code, retry_ms]:
            raise _refusal(ErrorCode(code.decode("ascii")), retry_ms if retry_ms >= 0 else None)
    raise AssertionError(f"say.lua answered {answer!r}")


def told(act: Act, answer: list[Any]) -> list[Place]:
    """Return the places that tell.lua answered, one for each event that is appended."""
    epoch, at_ms, first, number = answer[1].decode("ascii").split(" ")
    is_repeat = answer[0] == b"again"
    return [Place(act.id, int(first) + n, epoch, int(at_ms), is_repeat) for n in range(int(number))]


def first_answer(kept: bytes) -> Place | Held:
    """Return what is kept under a key that was answered."""
    kind, _, rest = kept.decode().partition(" ")
    if kind == "h":
        return Held(rest, is_repeat=True)
    seq, epoch, at_ms, message_id = rest.split(" ", 3)
    return Place(message_id, int(seq), epoch, int(at_ms), is_repeat=True)


def _refusal(code: ErrorCode, retry_ms: int | None) -> ApiError:
    follows = code is ErrorCode.FOLLOWERS_ONLY and retry_ms is not None
    return ApiError(code, FOLLOW_LONGER if follows else TEXTS[code], retry_after_ms=retry_ms)
