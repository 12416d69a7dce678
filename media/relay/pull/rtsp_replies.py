"""What an RTSP server says, looked at on its way to FFmpeg: whole replies and interleaved packets go on (RFC 2326).

FFmpeg's own reader decides how bytes are taken apart, so what it could take in another way than we do is refused: a
line that begins with "$", two lengths, a packet shorter than it reads.

Errors: `Redirected` (it would make FFmpeg connect elsewhere), `BadReply`.
"""

MAX_LINE_BYTES = 4_000
MAX_LINES = 200
MAX_BODY_BYTES = 256 * 1024
"""Of a session description."""
LEAST_PACKET_BYTES = 8
"""FFmpeg does not skip the payload of shorter interleaved packets."""
_PACKET = 0x24  # "$" (section 10.12)


class BadReply(Exception):
    """These bytes are no replies."""


class Redirected(BadReply):
    """The server names another address."""


class Replies:
    """One connection's way down, sans-IO."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def receive(self, data: bytes) -> bytes:
        """Return what may go on: whole replies and packets. Raises `BadReply`."""
        self._waiting += data
        passed = bytearray()
        while self._waiting:
            size = self._packet_bytes() if self._waiting[0] == _PACKET else self._reply_bytes()
            if size is None or len(self._waiting) < size:
                break
            if self._waiting[0] != _PACKET or size >= 4 + LEAST_PACKET_BYTES:
                passed += self._waiting[:size]
            del self._waiting[:size]
        return bytes(passed)

    def _packet_bytes(self) -> int | None:
        return 4 + int.from_bytes(self._waiting[2:4], "big") if len(self._waiting) >= 4 else None

    def _reply_bytes(self) -> int | None:
        """Return the size of the reply, or of the server's own request, that begins here; None when it is not whole."""
        lines: list[bytes] = []
        at = 0
        while True:
            end = self._waiting.find(b"\n", at, at + MAX_LINE_BYTES)
            if end < 0:
                if len(self._waiting) - at >= MAX_LINE_BYTES:
                    raise BadReply("a line without an end")
                return None
            line = bytes(self._waiting[at:end]).rstrip(b"\r")
            at = end + 1
            if not line:
                break
            lines.append(line)
            _check(lines)
        if not lines:
            raise BadReply("an empty reply")
        return at + _body_bytes(lines)


def _check(lines: list[bytes]) -> None:
    """Raise when the newest line is none, or makes this a redirection."""
    line = lines[-1]
    if line[:1] == b"$" or b"\r" in line or b"\0" in line or len(lines) > MAX_LINES:
        raise BadReply("a line that can be read in two ways")
    if len(lines) > 1:
        return
    words = line.split()
    if words[:1] == [b"REDIRECT"] or (words[0].startswith(b"RTSP/") and words[1:2] and words[1][:1] == b"3"):
        raise Redirected(line.decode("ascii", "replace"))
    if len(words) < 2:
        raise BadReply("a first line of one word")


def _body_bytes(lines: list[bytes]) -> int:
    lengths = [line.partition(b":")[2].strip() for line in lines[1:] if line.lower().startswith(b"content-length")]
    if not lengths:
        return 0
    if len(lengths) > 1 or not lengths[0].isdigit() or int(lengths[0]) > MAX_BODY_BYTES:
        raise BadReply("a length that cannot be")
    return int(lengths[0])
