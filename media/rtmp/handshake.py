"""The handshake, simple and with digests (RTMP 1.0, section 5.2; the digests are Adobe's, known from its servers).

A client that fills bytes 4-7 of C1 with a version may have hidden an HMAC-SHA256 of C1 in it, at one of two places
("schemes"). A server that answers in kind is taken for a genuine Flash Media Server; old encoders insist on it.
"""

import hashlib
import hmac
import os
from collections.abc import Callable

from media.rtmp.errors import ProtocolError

VERSION = 3
BLOCK_BYTES = 1536
"""Length of C1, S1, C2 and S2."""
DIGEST_BYTES = 32
SERVER_VERSION = bytes([4, 5, 0, 1])
CLIENT_VERSION = bytes([9, 0, 124, 2])

_SECRET = bytes.fromhex("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae")
_SERVER_NAME = b"Genuine Adobe Flash Media Server 001"
_CLIENT_NAME = b"Genuine Adobe Flash Player 001"
_SERVER_KEY = _SERVER_NAME + _SECRET
_CLIENT_KEY = _CLIENT_NAME + _SECRET

_SCHEME_BASES = (8, 772)
"""Where the four bytes stand that say where the digest is."""

Random = Callable[[int], bytes]


def digest_offset(block: bytes, scheme: int) -> int:
    """Return where in C1 or S1 the digest of a scheme stands."""
    base = _SCHEME_BASES[scheme]
    return sum(block[base : base + 4]) % 728 + base + 4


def block_digest(block: bytes, scheme: int, name: bytes) -> bytes:
    """Return the digest that a block should carry: an HMAC over everything but the digest itself."""
    at = digest_offset(block, scheme)
    return _hmac(name, block[:at] + block[at + DIGEST_BYTES :])


def find_scheme(block: bytes, name: bytes) -> int | None:
    """Return the scheme under which a block carries a valid digest, None for a simple handshake."""
    if block[4:8] == bytes(4):
        return None
    for scheme in (1, 0):
        at = digest_offset(block, scheme)
        if hmac.compare_digest(block[at : at + DIGEST_BYTES], block_digest(block, scheme, name)):
            return scheme
    return None


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def _signed_block(version: bytes, scheme: int, name: bytes, random: Random) -> bytes:
    block = bytes(4) + version + random(BLOCK_BYTES - 8)
    at = digest_offset(block, scheme)
    return block[:at] + block_digest(block, scheme, name) + block[at + DIGEST_BYTES :]


def _signature(peer_block: bytes, scheme: int, key: bytes, random: Random) -> bytes:
    """Return C2 or S2: random bytes signed with a key made of the peer's digest."""
    at = digest_offset(peer_block, scheme)
    body = random(BLOCK_BYTES - DIGEST_BYTES)
    return body + _hmac(_hmac(key, peer_block[at : at + DIGEST_BYTES]), body)


class ServerHandshake:
    """The server's half: feed it bytes until it gives back what came after the handshake."""

    def __init__(self, random: Random = os.urandom) -> None:
        self._random = random
        self._buffer = bytearray()
        self._has_answered = False
        self._to_send: list[bytes] = []

    def receive(self, data: bytes) -> bytes | None:
        """Take bytes; return the bytes behind the handshake once it is complete, until then None."""
        self._buffer += data
        if self._buffer and self._buffer[0] != VERSION:
            # 6 is RTMPE; 0x16 a TLS client on the wrong port; "G" a browser.
            raise ProtocolError("not_rtmp", f"version byte {self._buffer[0]:#04x}")
        if not self._has_answered and len(self._buffer) > BLOCK_BYTES:
            self._answer(bytes(self._buffer[1 : 1 + BLOCK_BYTES]))
        # C2 echoes S1, but encoders exist that send anything there: its length is all that is asked for.
        if len(self._buffer) < 1 + 2 * BLOCK_BYTES:
            return None
        return bytes(self._buffer[1 + 2 * BLOCK_BYTES :])

    def data_to_send(self) -> list[bytes]:
        """Return what is to be sent and forget it."""
        data, self._to_send = self._to_send, []
        return data

    def _answer(self, c1: bytes) -> None:
        self._has_answered = True
        scheme = find_scheme(c1, _CLIENT_NAME)
        if scheme is None:
            s1, s2 = bytes(8) + self._random(BLOCK_BYTES - 8), c1
        else:
            s1 = _signed_block(SERVER_VERSION, scheme, _SERVER_NAME, self._random)
            s2 = _signature(c1, scheme, _SERVER_KEY, self._random)
        self._to_send.append(bytes([VERSION]) + s1 + s2)


class ClientHandshake:
    """The client's half: simple, or with digests of `scheme` 0 or 1, whose answer is then checked."""

    def __init__(self, scheme: int | None = None, random: Random = os.urandom) -> None:
        self._scheme = scheme
        self._random = random
        self._buffer = bytearray()
        if scheme is None:
            self._c1 = bytes(8) + random(BLOCK_BYTES - 8)
        else:
            self._c1 = _signed_block(CLIENT_VERSION, scheme, _CLIENT_NAME, random)
        self._to_send = [bytes([VERSION]) + self._c1]

    def receive(self, data: bytes) -> bytes | None:
        """Take bytes; return the bytes behind the handshake once it is complete, until then None."""
        self._buffer += data
        if self._buffer and self._buffer[0] != VERSION:
            raise ProtocolError("not_rtmp", f"version byte {self._buffer[0]:#04x}")
        if len(self._buffer) < 1 + 2 * BLOCK_BYTES:
            return None
        s1 = bytes(self._buffer[1 : 1 + BLOCK_BYTES])
        s2 = bytes(self._buffer[1 + BLOCK_BYTES : 1 + 2 * BLOCK_BYTES])
        if self._scheme is None:
            self._to_send.append(s1)
        else:
            self._check(s1, s2, self._scheme)
            self._to_send.append(_signature(s1, self._scheme, _CLIENT_KEY, self._random))
        return bytes(self._buffer[1 + 2 * BLOCK_BYTES :])

    def data_to_send(self) -> list[bytes]:
        """Return what is to be sent and forget it."""
        data, self._to_send = self._to_send, []
        return data

    def _check(self, s1: bytes, s2: bytes, scheme: int) -> None:
        if find_scheme(s1, _SERVER_NAME) != scheme:
            raise ProtocolError("bad_handshake", "S1 without a valid digest")
        at = digest_offset(self._c1, scheme)
        key = _hmac(_SERVER_KEY, self._c1[at : at + DIGEST_BYTES])
        if not hmac.compare_digest(_hmac(key, s2[:-DIGEST_BYTES]), s2[-DIGEST_BYTES:]):
            raise ProtocolError("bad_handshake", "S2 with a wrong signature")
