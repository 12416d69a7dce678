"""One client of the event socket, without the socket: what it sent, what is to be done, how much it may send."""

import re
from typing import Final, assert_never

import msgspec

from schemas.errors import ErrorCode
from schemas.ids import ChannelId, UserId
from schemas.socket import ClientMessage, Join, Leave, Ping, Pong, SendMessage, ServerMessage, SocketError

MESSAGES_PER_S: Final = 20
BURST: Final = 40
"""Messages at once after a quiet time."""
REFUSALS_MAX: Final = 200
"""In a row; then the socket is closed, for nobody there listens to the refusals."""
JOINS_MAX: Final = 20
"""Channels joined at a time."""
CHANNEL_ID: Final = re.compile(r"[a-z0-9_]{1,64}")
POLICY_VIOLATION: Final = 1008  # RFC 6455, section 7.4.1

_decoder = msgspec.json.Decoder(ClientMessage)


class Enter(msgspec.Struct, frozen=True):
    """Join the channel, then `joined` or `refused` must be called."""

    channel_id: ChannelId


class Exit(msgspec.Struct, frozen=True):
    """Leave the channel."""

    channel_id: ChannelId


class Answer(msgspec.Struct, frozen=True):
    """Send this message."""

    message: ServerMessage


class Close(msgspec.Struct, frozen=True):
    """Close the socket."""

    code: int
    reason: str


Action = Enter | Exit | Answer | Close


class ChatSession:
    """The state of one socket. `user` is None for anonymous; `now` is a monotonic clock in seconds."""

    def __init__(self, *, user: UserId | None, now: float) -> None:
        self.user = user
        self.channels: set[ChannelId] = set()
        self._allowance = float(BURST)
        self._counted_at = now
        self._refusals = 0

    def receive(self, text: str | bytes, now: float) -> list[Action]:
        """Take one message of the client and return what is to be done, in order."""
        if wait_s := self._spend(now):
            self._refusals += 1
            if self._refusals > REFUSALS_MAX:
                return [Close(POLICY_VIOLATION, "too many messages")]
            return [_refusal(ErrorCode.RATE_LIMITED, "Too many messages.", retry_after_ms=round(wait_s * 1000))]
        self._refusals = 0
        try:
            message = _decoder.decode(text)
        except msgspec.ValidationError as error:
            return [_refusal(ErrorCode.INVALID_REQUEST, str(error))]
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return [_refusal(ErrorCode.PARSE_ERROR, "This is not JSON.")]
        match message:
            case Join():
                return self._join(message.channel_id, is_multi=message.multi)
            case Leave():
                return self._leave(message.channel_id)
            case SendMessage():
                return [_refusal(ErrorCode.UNAVAILABLE, "Nothing can be said here yet.")]
            case Ping():
                return [Answer(Pong())]
            case _:
                assert_never(message)

    def refused(self, channel_id: ChannelId) -> None:
        """Note that an `Enter` could not be done."""
        self.channels.discard(channel_id)

    def _join(self, channel_id: ChannelId, *, is_multi: bool) -> list[Action]:
        if not CHANNEL_ID.fullmatch(channel_id):
            return [_refusal(ErrorCode.NOT_FOUND, "There is no such channel.")]
        others = self.channels - {channel_id}
        if is_multi and len(others) >= JOINS_MAX:
            return [_refusal(ErrorCode.INVALID_REQUEST, f"A socket may join {JOINS_MAX} channels.")]
        exits: list[Action] = [] if is_multi else [Exit(other) for other in sorted(others)]
        self.channels = (others if is_multi else set()) | {channel_id}
        return [*exits, Enter(channel_id)]

    def _leave(self, channel_id: ChannelId) -> list[Action]:
        if channel_id not in self.channels:
            return []
        self.channels.discard(channel_id)
        return [Exit(channel_id)]

    def _spend(self, now: float) -> float:
        """Return 0, or for how many seconds the client must wait."""
        elapsed_s = max(0.0, now - self._counted_at)
        self._counted_at = now
        self._allowance = min(float(BURST), self._allowance + elapsed_s * MESSAGES_PER_S)
        if self._allowance < 1.0:
            return (1.0 - self._allowance) / MESSAGES_PER_S
        self._allowance -= 1.0
        return 0.0


def _refusal(code: ErrorCode, message: str, *, retry_after_ms: int | None = None) -> Answer:
    return Answer(SocketError(code, message, retry_after_ms))
