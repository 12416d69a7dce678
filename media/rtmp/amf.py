"""AMF0, the values of commands and metadata (Action Message Format AMF 0, sections 2 and 3)."""

import struct
from typing import TypeAlias

from media.rtmp.errors import ProtocolError

MAX_DEPTH = 16
"""Objects within objects; onMetaData of real encoders has three."""
MAX_VALUES = 4096
"""Values in one message, all depths together."""

AmfValue: TypeAlias = "bool | float | int | str | bytes | list[AmfValue] | dict[str, AmfValue] | None"


class EcmaArray(dict[str, AmfValue]):
    """An object that is written as an ECMA array, as metadata is."""


class BadAmf(ProtocolError):
    """Bytes that are not AMF, or more of it than is taken."""

    def __init__(self, detail: str) -> None:
        super().__init__("bad_amf", detail)


class Budget:
    """Counts the values of a message, in AMF0 and in AMF3 within it."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_VALUES

    def spend(self, depth: int) -> None:
        """Account for one value at `depth`."""
        self.left -= 1
        if self.left < 0:
            raise BadAmf(f"more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise BadAmf(f"deeper than {MAX_DEPTH}")


class Cursor:
    """Reads bytes from the front; reading past the end raises `BadAmf`."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.data)

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        start = self.at
        if count > len(self.data) - start:
            raise BadAmf(f"wants {count} bytes at {start} of {len(self.data)}")
        self.at = start + count
        return self.data[start : self.at]

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def uint(self, size: int) -> int:
        """Return a big-endian number of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def double(self) -> float:
        """Return an IEEE 754 double."""
        number: float = struct.unpack(">d", self.take(8))[0]
        return number

    def text(self, size: int) -> str:
        """Return UTF-8 text; what isn't UTF-8 is replaced, since encoders put file names there."""
        return self.take(size).decode("utf-8", "replace")


def decode(data: bytes) -> list[AmfValue]:
    """Return the values of a message: name, transaction, arguments. Raises `BadAmf`.

    An AMF3 command's payload begins with a zero byte and goes on as AMF0: give what follows the byte.
    """
    decoder = _Decoder(data)
    values: list[AmfValue] = []
    while not decoder.cursor.is_at_end:
        values.append(decoder.value(0))
    return values


_UNFINISHED = object()
"""Stands for an object whose members are still being read: a reference to it would be a loop."""


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self.cursor = Cursor(data)
        self._budget = Budget()
        self._complex: list[AmfValue | object] = []

    def value(self, depth: int) -> AmfValue:
        self._budget.spend(depth)
        cursor = self.cursor
        marker = cursor.byte()
        match marker:
            case 0x00:
                return cursor.double()
            case 0x01:
                return cursor.byte() != 0
            case 0x02:
                return cursor.text(cursor.uint(2))
            case 0x03 | 0x08 | 0x0A | 0x10:
                return self._complex_value(marker, depth)
            case 0x05 | 0x06 | 0x0D:  # null, undefined, unsupported
                return None
            case 0x07:
                return self._reference()
            case 0x0B:
                milliseconds = cursor.double()
                cursor.take(2)  # time zone, to be ignored
                return milliseconds
            case 0x0C | 0x0F:
                return cursor.text(cursor.uint(4))
            case 0x11:
                from media.rtmp.amf3 import read_value

                return read_value(cursor, self._budget, depth)
        raise BadAmf(f"marker {marker:#04x} at {cursor.at - 1}")

    def _complex_value(self, marker: int, depth: int) -> AmfValue:
        index = len(self._complex)
        self._complex.append(_UNFINISHED)
        value: AmfValue
        if marker == 0x0A:
            count = self.cursor.uint(4)
            if count > self._budget.left:
                raise BadAmf(f"array of {count} values")
            value = [self.value(depth + 1) for _ in range(count)]
        else:
            if marker == 0x08:
                self.cursor.take(4)  # the count of an ECMA array is a hint; encoders write 0 or too few
            elif marker == 0x10:
                self.cursor.take(self.cursor.uint(2))  # class name
            value = self._members(depth)
        self._complex[index] = value
        return value

    def _members(self, depth: int) -> dict[str, AmfValue]:
        members: dict[str, AmfValue] = {}
        while True:
            name = self.cursor.text(self.cursor.uint(2))
            if not name and self.cursor.data[self.cursor.at : self.cursor.at + 1] == b"\x09":
                self.cursor.byte()
                return members
            members[name] = self.value(depth + 1)

    def _reference(self) -> AmfValue:
        index = self.cursor.uint(2)
        value = self._complex[index] if index < len(self._complex) else _UNFINISHED
        if value is _UNFINISHED:
            raise BadAmf(f"reference to object {index}")
        return value  # type: ignore[return-value]  # the list holds values and the sentinel just excluded


def encode(*values: AmfValue) -> bytes:
    """Return values as AMF0."""
    out = bytearray()
    for value in values:
        _encode(value, out)
    return bytes(out)


def _encode(value: AmfValue, out: bytearray) -> None:
    if value is None:
        out += b"\x05"
    elif isinstance(value, bool):
        out += b"\x01\x01" if value else b"\x01\x00"
    elif isinstance(value, int | float):
        out += struct.pack(">Bd", 0, value)
    elif isinstance(value, str):
        text = value.encode()
        out += b"\x02" + len(text).to_bytes(2, "big") if len(text) < 65536 else b"\x0c" + len(text).to_bytes(4, "big")
        out += text
    elif isinstance(value, dict):
        out += b"\x08" + len(value).to_bytes(4, "big") if isinstance(value, EcmaArray) else b"\x03"
        for name, member in value.items():
            key = name.encode()
            out += len(key).to_bytes(2, "big") + key
            _encode(member, out)
        out += b"\x00\x00\x09"
    elif isinstance(value, list):
        out += b"\x0a" + len(value).to_bytes(4, "big")
        for item in value:
            _encode(item, out)
    else:
        raise TypeError(f"AMF0 has no {type(value).__name__}")
