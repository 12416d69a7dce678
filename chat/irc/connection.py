"""One IRC client, without its connection: what it sent, what is to be done, how much it may send, when it is gone.

Registration as the dialect has it: `PASS oauth:TOKEN` and `NICK`, or `NICK justinfan123` for who only reads; `USER`
says nothing. Capabilities hold nothing up, because many bots never end their negotiation.
"""

import re
from typing import Final

import msgspec

from chat.irc import capabilities, replies
from chat.irc.capabilities import Capability
from chat.irc.lines import LINE_MAX, Line, parse

LINES_PER_S: Final = 20
BURST: Final = 120
"""Lines at once after a quiet time: a bot that comes back joins all its channels."""
REFUSALS_MAX: Final = 200
"""In a row; then the connection is closed, for nobody there listens to the refusals."""
REFUSAL_EVERY_S: Final = 1.0
JOINS_MAX: Final = 100
"""Channels of one connection."""
REGISTER_S: Final = 30.0
PING_EVERY_S: Final = 290.0
PONG_S: Final = 60.0
"""How long a client that was asked may be silent."""
_CHANNEL: Final = re.compile(r"#([a-z0-9_]{1,64})")
_NICK: Final = re.compile(r"[a-z0-9_]{1,30}")
_GUEST: Final = re.compile(r"justinfan\d{1,20}")
_ACTION: Final = re.compile(r"\x01ACTION (.*?)\x01?", re.DOTALL)


class SignIn(msgspec.Struct, frozen=True):
    """Find out whose token this is ("": a guest's), then call `admit` or `reject`."""

    token: str


class Enter(msgspec.Struct, frozen=True):
    """Join a channel by its name; call `refused` if that can't be done."""

    channel: str


class Exit(msgspec.Struct, frozen=True):
    """Leave a channel."""

    channel: str


class Say(msgspec.Struct, frozen=True):
    """Say something in a channel, joined or not. `key` is the client's nonce, "" without one."""

    channel: str
    content: str
    key: str
    reply_to: str


class Adapt(msgspec.Struct, frozen=True):
    """The capabilities have changed: write to the client otherwise from now on."""


class Close(msgspec.Struct, frozen=True):
    """Close the connection."""

    reason: str


Action = SignIn | Enter | Exit | Say | Adapt | Close


class IrcConnection:
    """The state of one client. `now` is a monotonic clock in seconds; lines to send pile up in `data_to_send`."""

    def __init__(self, *, now: float) -> None:
        self.nick = ""
        self.capabilities = Capability.PLAIN
        self.channels: set[str] = set()
        self._password: str | None = None
        self._is_asked = False
        self._is_in = False
        self._buffer = b""
        self._is_skipping = False
        self._out: list[str] = []
        self._began_at = self._heard_at = now
        self._pinged_at: float | None = None
        self._next_ping_at = now + PING_EVERY_S
        self._allowance = float(BURST)
        self._refusals = 0
        self._refused_at = float("-inf")

    # --- what comes in ---

    def receive_data(self, data: bytes, now: float) -> list[Action]:
        """Take bytes of the client and return what is to be done, in order."""
        self._allowance = min(float(BURST), self._allowance + max(0.0, now - self._heard_at) * LINES_PER_S)
        self._heard_at = now
        self._pinged_at = None
        actions: list[Action] = []
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            actions += self._receive_line(line, now)
            if actions and isinstance(actions[-1], Close):
                break
        if len(self._buffer) > LINE_MAX:
            self._buffer = b""
            self._is_skipping = True
        return actions

    def _receive_line(self, line: bytes, now: float) -> list[Action]:
        is_too_long = self._is_skipping or len(line) > LINE_MAX
        self._is_skipping = False
        if not self._spend():
            return self._refuse(now)
        self._refusals = 0
        if is_too_long:
            self.send(replies.numeric("417", self.nick, text=f"A line has at most {LINE_MAX} bytes."))
            return []
        try:
            parsed = parse(line.rstrip(b"\r").decode())
        except UnicodeDecodeError:
            self.send(replies.notice("*", "", "This is not UTF-8.", self.capabilities))
            return []
        return self._obey(parsed) if parsed else []

    def _spend(self) -> bool:
        if self._allowance < 1.0:
            return False
        self._allowance -= 1.0
        return True

    def _refuse(self, now: float) -> list[Action]:
        self._refusals += 1
        if self._refusals > REFUSALS_MAX:
            return [Close("flood")]
        if now - self._refused_at >= REFUSAL_EVERY_S:
            self._refused_at = now
            self.send(replies.notice("*", "msg_ratelimit", "You are sending too fast.", self.capabilities))
        return []

    def _obey(self, line: Line) -> list[Action]:
        match line.command:
            case "CAP":
                return self._negotiate(line)
            case "PASS":
                self._password = line.param(0)
                return self._register()
            case "NICK":
                return self._name(line.param(0).lower())
            case "USER":
                return self._register(is_complete=True)
            case "PING":
                # tmi.js asks with nothing and hangs up unless the answer has no source.
                source = f":{replies.HOST} " if line.params else ""
                self.send(f"{source}PONG {replies.HOST} :{line.param(0) or replies.HOST}")
            case "PONG":
                pass
            case "QUIT":
                return [Close("quit")]
            case "JOIN" | "PART" | "PRIVMSG" if not self._is_asked:
                self.send(replies.numeric("451", self.nick, line.command, text="Send PASS and NICK first."))
            case "JOIN":
                return [action for name in line.param(0).split(",") for action in self._join(name)]
            case "PART":
                return [action for name in line.param(0).split(",") for action in self._part(name)]
            case "PRIVMSG":
                return self._speak(line)
            case "WHISPER":
                self._notice("*", "whisper_restricted", "There are no whispers here.")
            case _:
                self.send(replies.numeric("421", self.nick, line.command[:32], text="Unknown command"))
        return []

    # --- registration ---

    def _negotiate(self, line: Line) -> list[Action]:
        match line.param(0).upper():
            case "LS":
                self.send(f":{replies.HOST} CAP * LS :{capabilities.OFFERED}")
            case "LIST":
                self.send(f":{replies.HOST} CAP * LIST :{capabilities.written(self.capabilities)}")
            case "REQ":
                return self._request(line.param(1))
            case "END":
                pass
            case other:
                self.send(replies.numeric("410", self.nick, other[:32], text="Invalid CAP command"))
        return []

    def _request(self, asked: str) -> list[Action]:
        after = capabilities.changed(self.capabilities, asked)
        self.send(f":{replies.HOST} CAP * {'NAK' if after is None else 'ACK'} :{asked}")
        if after is None or after == self.capabilities:
            return []
        self.capabilities = after
        return [Adapt()]

    def _name(self, nick: str) -> list[Action]:
        if self._is_asked:
            return []  # the token says who it is
        if not _NICK.fullmatch(nick):
            self.send(replies.numeric("432", self.nick, nick[:32] or "*", text="Erroneous nickname"))
            return []
        self.nick = nick
        return self._register()

    def _register(self, *, is_complete: bool = False) -> list[Action]:
        if self._is_asked or not self.nick:
            return []
        if _GUEST.fullmatch(self.nick):
            self._is_asked = True
            return [SignIn("")]
        if self._password is None:
            return [self.reject("Send PASS oauth:TOKEN before NICK.")] if is_complete else []
        self._is_asked = True
        return [SignIn(self._password.removeprefix("oauth:"))]

    def admit(self, nick: str) -> None:
        """Greet the client, whose name is now this."""
        self.nick = nick
        self._is_in = True
        self.send(*replies.greeting(nick))

    def reject(self, why: str = "Login authentication failed") -> Close:
        """Say that the token is no good, or has ended; the connection must be closed."""
        self._notice("*", "", why)
        return Close("not signed in")

    # --- channels ---

    def _join(self, name: str) -> list[Action]:
        channel = self._channel(name)
        if not channel or channel in self.channels:
            return []
        if len(self.channels) >= JOINS_MAX:
            self._notice(f"#{channel}", "msg_too_many_channels", f"You may join {JOINS_MAX} channels.")
            return []
        self.channels.add(channel)
        return [Enter(channel)]

    def _part(self, name: str) -> list[Action]:
        channel = self._channel(name)
        if channel not in self.channels:
            return []
        self.channels.discard(channel)
        return [Exit(channel)]

    def refused(self, channel: str) -> None:
        """Note that a channel could not be joined, or is left."""
        self.channels.discard(channel)

    def _channel(self, name: str) -> str:
        found = _CHANNEL.fullmatch(name.lower())
        if found is None:
            self.send(replies.numeric("403", self.nick, name[:64] or "*", text="No such channel"))
            return ""
        return found[1]

    def _speak(self, line: Line) -> list[Action]:
        if not line.param(0).startswith("#"):
            self._notice("*", "whisper_restricted", "There are no private messages here.")
            return []
        channel = self._channel(line.param(0))
        content = _content(line.param(1))
        if not channel or not content:
            return []
        key = line.tags.get("client-nonce", "")
        return [Say(channel, content, key, line.tags.get("reply-parent-msg-id", ""))]

    # --- what goes out ---

    def send(self, *lines: str) -> None:
        """Send lines, which have no end yet."""
        self._out += lines

    def _notice(self, where: str, message_id: str, text: str) -> None:
        self.send(replies.notice(where, message_id, text, self.capabilities))

    def data_to_send(self) -> bytes:
        """Return what is to be written now."""
        data = "".join(f"{line}\r\n" for line in self._out).encode(errors="replace")
        self._out.clear()
        return data

    # --- time ---

    def next_deadline(self) -> float:
        """Return when `tick` is to be called."""
        if not self._is_in:
            return self._began_at + REGISTER_S
        return self._next_ping_at if self._pinged_at is None else self._pinged_at + PONG_S

    def tick(self, now: float) -> list[Action]:
        """Do what is due: ask a silent client whether it is there, give up one that does not answer."""
        if now < self.next_deadline():
            return []
        if not self._is_in:
            return [Close("not signed in")]
        if self._pinged_at is not None:
            return [Close("ping timeout")]
        self._pinged_at = now
        self._next_ping_at = now + PING_EVERY_S
        self.send(f"PING :{replies.HOST}")
        return []


def _content(text: str) -> str:
    """Return what is said, "" for nothing: `/me` for actions, and nothing for other requests of clients (CTCP)."""
    if not text.startswith("\x01"):
        return text
    action = _ACTION.fullmatch(text)
    return f"/me {action[1]}" if action else ""
