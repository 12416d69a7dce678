"""Our side of ICE as an ICE-lite agent (RFC 8445, section 2.5; RFC 8489): the client checks paths, we answer. Sans-IO.

A server that can be reached at the addresses it names needs no more than this, and sends nothing to an address that
has not spoken with the peer's password first: candidates to nowhere cost nothing. Two things go beyond lite: a peer
that is connected already moves to another path only when a check of ours was answered there (nobody can turn a stream
on a stranger), and such checks measure the round trip.
"""

import hmac
import secrets
import struct

from aioice import stun

from media.webrtc.answers import Credentials
from media.webrtc.udp import Path

CHECK_INTERVAL_S = 2.5
"""Between two checks of ours on the selected path; RFC 7675, section 5.1 has 5 s for consent."""
MAX_PATHS = 8
"""Paths that a peer may have at the same time: interfaces times address families, and some to spare."""
MAX_CHECKS = 16
"""Checks of ours that wait for an answer; the oldest are forgotten."""
PRIORITY = (110 << 24) | (65535 << 8) | 255
"""Of a peer-reflexive candidate (RFC 8445, section 7.1.1)."""


def is_stun(data: bytes) -> bool:
    """Tell a STUN packet from DTLS and SRTP (RFC 7983, section 7)."""
    return len(data) >= stun.HEADER_LENGTH and data[0] < 4 and data[4:8] == b"\x21\x12\xa4\x42"


def local_ufrag_of(data: bytes) -> str | None:
    """Return whom a binding request is for; None: no request, or one that cannot be read."""
    message = _parsed(data)
    if message is None or message.message_class != stun.Class.REQUEST:
        return None
    return str(message.attributes.get("USERNAME", "")).partition(":")[0] or None


def _parsed(data: bytes) -> stun.Message | None:
    try:
        return stun.parse_message(data)
    except (ValueError, struct.error):
        return None


class LiteAgent:
    """One peer's paths. `heard_s`: when the last thing came that only the peer can have sent."""

    def __init__(self, local: Credentials, remote: Credentials, now_s: float) -> None:
        self.local, self.remote = local, remote
        self.selected: Path | None = None
        self.heard_s = now_s
        self.rtt_s = 0.0
        self.must_prove = False
        """Set once keys are agreed on: from then on another path has to answer a check before it is used."""
        self._paths: dict[Path, None] = {}
        self._checks: dict[bytes, tuple[Path, float, bool]] = {}
        self._tie_breaker = secrets.randbits(64)

    def has(self, path: Path) -> bool:
        """Whether the peer has spoken from there with its password."""
        return path in self._paths

    @property
    def paths(self) -> list[Path]:
        """All paths of the peer."""
        return list(self._paths)

    def restart(self, local: Credentials, remote: Credentials) -> None:
        """Take new credentials (RFC 8445, section 9); the path in use stays until another is chosen."""
        self.local, self.remote = local, remote
        self._checks.clear()

    def receive(self, data: bytes, path: Path, now_s: float) -> list[tuple[Path, bytes]]:
        """Take a STUN packet and return what to send."""
        message = _parsed(data)
        if message is None or message.message_method != stun.Method.BINDING:
            return []
        if message.message_class == stun.Class.REQUEST:
            return self._answer(message, path, now_s)
        if message.message_class == stun.Class.RESPONSE:
            self._answered(message, path, now_s)
        return []

    def check(self, path: Path, now_s: float, *, moves: bool = False) -> bytes:
        """Return a binding request of ours; its answer measures the round trip, or `moves` the peer to that path."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self.remote.ufrag}:{self.local.ufrag}"
        request.attributes["PRIORITY"] = PRIORITY
        request.attributes["ICE-CONTROLLED"] = self._tie_breaker
        request.add_message_integrity(self.remote.pwd.encode())
        while len(self._checks) >= MAX_CHECKS:
            del self._checks[next(iter(self._checks))]
        self._checks[request.transaction_id] = path, now_s, moves
        return bytes(request)

    def _answer(self, request: stun.Message, path: Path, now_s: float) -> list[tuple[Path, bytes]]:
        expected = f"{self.local.ufrag}:{self.remote.ufrag}"
        username = str(request.attributes.get("USERNAME", ""))
        if not hmac.compare_digest(username.encode(), expected.encode()):
            return []
        if not request.check_message_integrity(self.local.pwd.encode()):
            return []
        if not self.has(path) and len(self._paths) >= MAX_PATHS:
            del self._paths[next(each for each in self._paths if each != self.selected)]
        self._paths[path] = None
        self.heard_s = now_s
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        if "ICE-CONTROLLED" in request.attributes:  # we are always the controlled one (RFC 8445, section 6.1.1)
            response.message_class = stun.Class.ERROR
            response.attributes["ERROR-CODE"] = (487, "Role Conflict")
        else:
            response.attributes["XOR-MAPPED-ADDRESS"] = path.address[:2]
        response.add_message_integrity(self.local.pwd.encode())
        return [(path, bytes(response)), *self._nominated(request, path, now_s)]

    def _nominated(self, request: stun.Message, path: Path, now_s: float) -> list[tuple[Path, bytes]]:
        if "USE-CANDIDATE" not in request.attributes or path == self.selected:
            return []
        if self.selected is not None and self.must_prove:
            return [(path, self.check(path, now_s, moves=True))]
        self.selected = path
        return []

    def _answered(self, response: stun.Message, path: Path, now_s: float) -> None:
        asked = self._checks.get(response.transaction_id)
        if asked is None or asked[0] != path or not response.check_message_integrity(self.remote.pwd.encode()):
            return
        del self._checks[response.transaction_id]
        self.heard_s = now_s
        if asked[2]:
            self.selected = path
        if path == self.selected:
            self.rtt_s = now_s - asked[1]
