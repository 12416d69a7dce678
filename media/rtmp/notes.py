"""Data messages: what a publisher says of its stream (onMetaData), and data at its times (onTextData, onCuePoint, ...).

FLV 10.1, annex E.5, names onMetaData's properties; the others are whatever encoders and tools agree on.
"""

import math

from media.publication import Description, Note
from media.rtmp.amf import AmfValue
from media.rtmp.connection import DataTag

METADATA = "onMetaData"
NOISE = frozenset({"@clearDataFrame", "onFI", "onPlayStatus", "onStatus", "|RtmpSampleAccess"})
"""Of no meaning to viewers: answers that encoders echo, and Flash Media Live Encoder's time of day with every frame."""
MAX_FIELDS = 16
FIELD_CHARS = 500
NAME_CHARS = 64
MAX_DEPTH = 4
"""Objects within objects that become fields; onCuePoint has its parameters two deep."""
NOTES_PER_S = 20.0
"""What one publisher may say on average; more is left out."""
NOTES_AT_ONCE = 100.0
MAX_BITRATE_BPS = 1_000_000_000
MAX_FRAME_RATE = 1_000.0


class DataReader:
    """One publisher's data messages. `now` is any monotonic clock in seconds."""

    def __init__(self) -> None:
        self.left_out = 0
        """Notes beyond `NOTES_PER_S`."""
        self._allowance = NOTES_AT_ONCE
        self._counted_at: float | None = None

    def read(self, tag: DataTag, now: float) -> Description | Note | None:
        """Return what the message means, None when that is nothing."""
        if tag.name == METADATA:
            return describe(tag.values)
        if tag.name in NOISE:
            return None
        if not self._is_allowed(now):
            self.left_out += 1
            return None
        return Note(timestamp=tag.timestamp, name=_text(tag.name)[:NAME_CHARS], fields=flatten(tag.values))

    def _is_allowed(self, now: float) -> bool:
        passed = 0.0 if self._counted_at is None else now - self._counted_at
        self._counted_at = now
        self._allowance = min(self._allowance + passed * NOTES_PER_S, NOTES_AT_ONCE)
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


def describe(values: list[AmfValue]) -> Description | None:
    """Return what onMetaData says that is of use, None when it says nothing of it."""
    said = next((value for value in values if isinstance(value, dict)), {})
    encoder = said.get("encoder")
    description = Description(
        frame_rate=_number(said.get("framerate"), MAX_FRAME_RATE) or _number(said.get("fps"), MAX_FRAME_RATE),
        video_bitrate_bps=round(_number(said.get("videodatarate"), MAX_BITRATE_BPS / 1000) * 1000),
        encoder=_text(encoder)[:NAME_CHARS] if isinstance(encoder, str) else "",
    )
    return None if description == Description() else description


def flatten(values: list[AmfValue]) -> dict[str, str]:
    """Return values as text by their names; those in objects by `object.member`, those without one as "value".

    At most `MAX_FIELDS` of `FIELD_CHARS`; longer ones are cut.
    """
    fields: dict[str, str] = {}
    for value in values:
        _flatten("", value, fields, 0)
    return fields


def _flatten(name: str, value: AmfValue, fields: dict[str, str], depth: int) -> None:
    if len(fields) >= MAX_FIELDS or depth > MAX_DEPTH:
        return
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in members:
            _flatten(f"{name}.{key}" if name else str(key), member, fields, depth + 1)
        return
    text = _as_text(value)
    if text is not None:
        key = _text(name)[:NAME_CHARS] or "value"
        if key not in fields:
            fields[key] = text


def _as_text(value: AmfValue) -> str | None:
    if value is None or isinstance(value, bytes | dict | list):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return _text(str(value))[:FIELD_CHARS]


def _text(text: str) -> str:
    """Return text without characters that are none; lines of captions stay lines."""
    return "".join(c for c in text[: 2 * FIELD_CHARS] if c.isprintable() or c == "\n")


def _number(value: AmfValue, most: float) -> float:
    """Return a positive number, also one that an encoder writes as text; 0 when it is none."""
    if isinstance(value, bool) or not isinstance(value, float | int | str):
        return 0.0
    try:
        number = float(value)
    except ValueError:
        return 0.0
    return number if 0 < number <= most else 0.0  # also none of NaN
