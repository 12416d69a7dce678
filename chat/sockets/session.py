"""One client of the event socket, without the socket: what it sent, what is to be done, how much it may send."""

import re
from typing import Any, Final, assert_never

import msgspec

from schemas.chat import KEY_MAX
from schemas.errors import ErrorBody, ErrorCode
from schemas.ids import ChannelId
from schemas.socket import ClientMessage, Join, Leave, Ping, Pong, SendMessage, ServerMessage, SocketError

MESSAGE_MAX: Final = 4 * 1024
"""Bytes of one message of a client. Longer ones are refused; beyond `FRAME_MAX` the socket is closed."""
FRAME_MAX: Final = 64 * 1024
MESSAGES_PER_S: Final = 20
BURST: Final = 40
"""Messages at once after a quiet time."""
REFUSALS_MAX: Final = 200
"""In a row; then the socket is closed, for nobody there listens to the refusals."""
JOINS_MAX: Final = 20
"""Channels joined at a time."""
CHANNEL_ID: Final = re.compile(r"[a-z0-9_]{1,64}")
EPOCH_MAX: Final = 64
ACCESS_KEY_MAX: Final = 100
SEQ_MAX: Final = 1 << 53
SAYS_MAX: Final = 8
"""Messages of one socket that wait for their answers."""
SAYS_RETRY_MS: Final = 1_000
POLICY_VIOLATION: Final = 1008  # RFC 6455, section 7.4.1
_KEY: Final = re.compile(f"[!-~]{{1,{KEY_MAX}}}")

_decoder = msgspec.json.Decoder(ClientMessage)


class _Glimpse(msgspec.Struct):
    """What can be told of a message that is not good."""

    idempotency_key: Any = msgspec.field(default=None, name="idempotencyKey")
    channel_id: Any = msgspec.field(default=None, name="channelId")


_glimpses = msgspec.json.Decoder(_Glimpse)


class Enter(msgspec.Struct, frozen=True):
    """Join the channel, or call `refused` if that can't be. `place` (seq, epoch): what the client has seen."""

    channel_id: ChannelId
    place: tuple[int, str] | None = None
    key: str | None = None


class Exit(msgspec.Struct, frozen=True):
    """Leave the channel."""

    channel_id: ChannelId


class Say(msgspec.Struct, frozen=True):
    """Say this; then `answered` must be called."""

    message: SendMessage


class Answer(msgspec.Struct, frozen=True):
    """Send this message."""

    message: ServerMessage


class Close(msgspec.Struct, frozen=True):
    """Close the socket."""

    code: int
    reason: str


Action = Enter | Exit | Say | Answer | Close


class ChatSession:
    """The state of one socket. `now` is a monotonic clock in seconds."""

    __slots__ = ("_allowance", "_counted_at", "_is_signed_in", "_refusals", "_says", "channels")

    def __init__(self, *, is_signed_in: bool, now: float) -> None:
        self.channels: set[ChannelId] = set()
        self._is_signed_in = is_signed_in
        self._allowance = float(BURST)
        self._counted_at = now
        self._refusals = 0
        self._says = 0

    def receive(self, text: str | bytes, now: float) -> list[Action]:
        """Take one text message of the client and return what is to be done, in order."""
        if wait_s := self._spend(now):
            error = _error(ErrorCode.RATE_LIMITED, "Too many messages.", retry_after_ms=round(wait_s * 1000))
            return self._refuse(error, text)
        if len(text) > MESSAGE_MAX or (isinstance(text, str) and len(text.encode("utf-8", "replace")) > MESSAGE_MAX):
            error = _error(ErrorCode.PAYLOAD_TOO_LARGE, f"A message may have {MESSAGE_MAX} bytes.")
            return self._refuse(error, text)
        try:
            message = _decoder.decode(text)
        except msgspec.ValidationError as invalid:
            return self._refuse(_error(ErrorCode.INVALID_REQUEST, str(invalid)), text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return self._refuse(_error(ErrorCode.PARSE_ERROR, "This is not JSON."), text)
        return self._obey(message)

    def receive_binary(self, now: float) -> list[Action]:
        """Take a binary message of the client, which nobody needs to send."""
        self._spend(now)
        return self._refuse(_error(ErrorCode.INVALID_REQUEST, "Send text, not bytes."))

    def receive_ping(self, now: float) -> list[Action]:
        """Take a ping frame of the client, which its answer is due for if this returns nothing."""
        if wait_s := self._spend(now):
            return self._refuse(_error(ErrorCode.RATE_LIMITED, "Too many pings.", retry_after_ms=round(wait_s * 1000)))
        return []

    def refused(self, channel_id: ChannelId) -> None:
        """Note that an `Enter` could not be done, or that the channel had to be left."""
        self.channels.discard(channel_id)

    def answered(self, message: SendMessage, error: ErrorBody | None) -> list[Action]:
        """Note how a `Say` ended, and return what the client is to be told if it was refused."""
        self._says -= 1
        if error is None:
            self._refusals = 0
            return []
        return self._refuse(
            SocketError(error.code, error.message, error.retry_after_ms, message.channel_id, _key(message))
        )

    def _obey(self, message: ClientMessage) -> list[Action]:
        match message:
            case Join():
                return self._join(message)
            case Leave():
                self._refusals = 0
                return self._leave(message.channel_id)
            case SendMessage():
                return self._say(message)
            case Ping():
                self._refusals = 0
                return [Answer(Pong())]
            case _:
                assert_never(message)

    def _join(self, join: Join) -> list[Action]:
        channel_id = join.channel_id
        if not CHANNEL_ID.fullmatch(channel_id):
            return self._refuse(_error(ErrorCode.NOT_FOUND, "There is no such channel."))
        others = self.channels - {channel_id}
        if join.multi and len(others) >= JOINS_MAX:
            return self._refuse(_error(ErrorCode.INVALID_REQUEST, f"A socket may join {JOINS_MAX} channels."))
        if join.key is not None and len(join.key) > ACCESS_KEY_MAX:
            return self._refuse(_error(ErrorCode.INVALID_REQUEST, "key: is too long"))
        self._refusals = 0
        exits: list[Action] = [] if join.multi else [Exit(other) for other in sorted(others)]
        self.channels = (others if join.multi else set()) | {channel_id}
        return [*exits, Enter(channel_id, _place(join), join.key)]

    def _leave(self, channel_id: ChannelId) -> list[Action]:
        if channel_id not in self.channels:
            return []
        self.channels.discard(channel_id)
        return [Exit(channel_id)]

    def _say(self, message: SendMessage) -> list[Action]:
        if not self._is_signed_in:
            return self._refuse_message(message, ErrorCode.UNAUTHORIZED, "Sign in to chat.")
        if message.channel_id not in self.channels:
            return self._refuse_message(message, ErrorCode.FORBIDDEN, "Join the channel first.")
        if self._says >= SAYS_MAX:
            error = "Wait for the answers to your messages."
            return self._refuse_message(message, ErrorCode.RATE_LIMITED, error, retry_after_ms=SAYS_RETRY_MS)
        self._says += 1
        return [Say(message)]

    def _refuse_message(
        self, message: SendMessage, code: ErrorCode, why: str, *, retry_after_ms: int | None = None
    ) -> list[Action]:
        channel_id = message.channel_id if CHANNEL_ID.fullmatch(message.channel_id) else None
        return self._refuse(SocketError(code, why, retry_after_ms, channel_id, _key(message)))

    def _refuse(self, error: SocketError, text: str | bytes | None = None) -> list[Action]:
        self._refusals += 1
        if self._refusals > REFUSALS_MAX:
            return [Close(POLICY_VIOLATION, "too many messages")]
        return [Answer(_addressed(error, text) if text is not None else error)]

    def _spend(self, now: float) -> float:
        """Return 0, or for how many seconds the client must wait."""
        elapsed_s = max(0.0, now - self._counted_at)
        self._counted_at = now
        self._allowance = min(float(BURST), self._allowance + elapsed_s * MESSAGES_PER_S)
        if self._allowance < 1.0:
            return (1.0 - self._allowance) / MESSAGES_PER_S
        self._allowance -= 1.0
        return 0.0


def _error(code: ErrorCode, message: str, *, retry_after_ms: int | None = None) -> SocketError:
    return SocketError(code, message, retry_after_ms)


def _place(join: Join) -> tuple[int, str] | None:
    """Return what a client says it has seen; what no server of ours can have told stands for a place that is gone."""
    if join.last_seq is None:
        return None
    epoch = join.epoch or ""
    is_possible = 0 <= join.last_seq < SEQ_MAX and len(epoch) <= EPOCH_MAX and epoch.isascii()
    return (join.last_seq, epoch) if is_possible else (0, "")


def _key(message: SendMessage) -> str | None:
    return message.idempotency_key if _KEY.fullmatch(message.idempotency_key) else None


def _addressed(error: SocketError, text: str | bytes) -> SocketError:
    """Name the message that is refused, if it can be told: its sender waits for an answer under that key."""
    try:
        glimpse = _glimpses.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return error
    key, channel = glimpse.idempotency_key, glimpse.channel_id
    return msgspec.structs.replace(
        error,
        idempotency_key=key if isinstance(key, str) and _KEY.fullmatch(key) else None,
        channel_id=channel if isinstance(channel, str) and CHANNEL_ID.fullmatch(channel) else None,
    )
