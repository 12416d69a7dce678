"""Bits of a codec header, most significant first, with Exp-Golomb codes (ITU-T H.264, sections 7.2 and 9.1)."""

MAX_HEADER_BYTES = 64 * 1024
"""Parameter sets and configuration records are tens of bytes; a reader of long integers must not meet a frame."""


class BadConfig(ValueError):
    """The bytes are not the configuration they claim to be."""


class Bits:
    """Reads `data` bit by bit; reading past the end raises `BadConfig`."""

    __slots__ = ("_value", "left")

    def __init__(self, data: bytes | memoryview) -> None:
        if len(data) > MAX_HEADER_BYTES:
            raise BadConfig(f"header of {len(data)} bytes, at most {MAX_HEADER_BYTES} are read")
        self._value = int.from_bytes(data, "big")
        self.left = len(data) * 8

    def copy(self) -> "Bits":
        """Return a reader that stands at the same bit, to look ahead."""
        ahead = Bits(b"")
        ahead._value, ahead.left = self._value, self.left
        return ahead

    def u(self, count: int) -> int:
        """Return the next `count` bits as an unsigned number."""
        if count > self.left:
            raise BadConfig(f"wants {count} bits, {self.left} are left")
        self.left -= count
        return (self._value >> self.left) & ((1 << count) - 1)

    def flag(self) -> bool:
        """Return the next bit."""
        return self.u(1) == 1

    def ue(self) -> int:
        """Return an unsigned Exp-Golomb code of at most 32 bits."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > 32:
                raise BadConfig("Exp-Golomb code longer than 32 bits")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """Return a signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def rbsp(nal: bytes) -> bytes:
    """Return a NAL unit without its emulation prevention bytes (H.264 and H.265, section 7.3.1.1)."""
    if len(nal) > MAX_HEADER_BYTES:
        raise BadConfig(f"parameter set of {len(nal)} bytes")
    out = bytearray()
    start = 0
    while (found := nal.find(b"\x00\x00\x03", start)) >= 0:
        out += nal[start : found + 2]
        start = found + 3
    return bytes(out + nal[start:])


def leb128(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at `at` and the offset behind it (AV1, section 4.10.5)."""
    value = 0
    for i in range(8):
        if at + i >= len(data):
            raise BadConfig("leb128 runs past the end")
        value |= (data[at + i] & 0x7F) << (7 * i)
        if not data[at + i] & 0x80:
            return value, at + i + 1
    raise BadConfig("leb128 longer than 8 bytes")
