"""One line of a journal: a checksum, a space, a record as JSON, a line feed (schemas/journal.py)."""

from binascii import crc32

import msgspec

from schemas.journal import VERSION, Begun, Record

MAX_LINE_BYTES = 1 << 20
"""A line is some hundred bytes; what is longer than this is none."""

_CHECKSUM_BYTES = 8
_HEXADECIMAL = frozenset(b"0123456789abcdef")


class _Head(msgspec.Struct, tag_field="t", tag="begun"):
    """Of `Begun`, what all versions have in common."""

    version: int


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)
_head_decoder = msgspec.json.Decoder(_Head)


class BadLine(ValueError):
    """This is no line of a journal, or not a whole one."""


class OtherVersion(ValueError):
    """A whole line that says that the journal is of a version which we do not read."""


def line_of(record: Record) -> bytes:
    """Return the line of a record, with its line feed."""
    text = _encoder.encode(record)
    return b"%08x %b\n" % (crc32(text), text)


def record_of(line: bytes) -> Record:
    """Return the record of a line, which comes without its line feed. Raises `BadLine`."""
    text = _checked(line)
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadLine(f"no record that we know: {error}") from error


def begun_of(line: bytes) -> Begun:
    """Return the record of a first line. Raises `BadLine` or `OtherVersion`."""
    try:
        version = _head_decoder.decode(_checked(line)).version
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadLine(f"not the beginning of a journal: {error}") from error
    if version != VERSION:
        raise OtherVersion(f"a journal of version {version}, not {VERSION}")
    record = record_of(line)
    assert isinstance(record, Begun), "the tag is the same"
    return record


def _checked(line: bytes) -> bytes:
    checksum, text = line[:_CHECKSUM_BYTES], line[_CHECKSUM_BYTES + 1 :]
    if line[_CHECKSUM_BYTES : _CHECKSUM_BYTES + 1] != b" " or not _HEXADECIMAL.issuperset(checksum):
        raise BadLine("a line begins with eight hexadecimal digits and a space")
    if int(checksum, 16) != crc32(text):
        raise BadLine(f"the checksum of {len(text)} bytes is {crc32(text):08x}, not {checksum.decode()}")
    return text
