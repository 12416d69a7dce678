"""The rungs that an operator offers: the table `[rungs]` of the settings. Which a source gets, `media` decides."""

import difflib
import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

NAME_PATTERN = r"^[a-z0-9]{1,16}$"
"""A name stands in addresses: `/hls/CHANNEL/720p.m3u8`."""
RESERVED_NAMES = frozenset({"auto", "off", "video", "audio", "captions", "playlist", "thumbnail", "storyboard"})
MAX_RUNGS = 16
ACCEPTED = "a table for each rung, such as [rungs.720p] with height = 720, frame_rate = 30, bitrate_kbps = 3000"


class ConfiguredRung(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rung as it is offered: the most that it shows. `height` is of the shorter side."""

    height: Annotated[int, Meta(ge=64, le=4320, description="a number of lines from 64 to 4320")]
    bitrate_kbps: Annotated[int, Meta(ge=50, le=100_000, description="a number from 50 to 100000")]
    frame_rate: Annotated[float, Meta(ge=1, le=240, description="a number from 1 to 240")] = 30.0

    def __str__(self) -> str:
        return f"{self.height} lines, {self.frame_rate:g} fps, {self.bitrate_kbps} kb/s"


Rungs = Annotated[dict[str, ConfiguredRung], Meta(description=ACCEPTED)]


class BadRung(ValueError):
    """What is wrong: `where` is the name of a setting, `what` begins with its value."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where} {what}")
        self.where, self.what = where, what


def read_rungs(raw: object) -> dict[str, ConfiguredRung]:
    """Check the table as TOML gives it. Raises `BadRung`."""
    if not isinstance(raw, dict):
        raise BadRung("rungs", f"is {raw!r}: give {ACCEPTED}")
    if len(raw) > MAX_RUNGS:
        raise BadRung("rungs", f"has {len(raw)} rungs: give at most {MAX_RUNGS}")
    return {name: _read_rung(name, rung) for name, rung in raw.items()}


def unknown_name(wish: str, rungs: dict[str, ConfiguredRung]) -> str:
    """Return what is wrong with a list of names, or "": `auto` and `off` are always right."""
    if wish in ("auto", "off"):
        return ""
    for name in wish.split(","):
        if name not in rungs:
            close = difflib.get_close_matches(name, rungs, n=1)
            known = f"did you mean {close[0]}?" if close else f"there are {', '.join(rungs) or 'none'}"
            return f"there is no rung {name!r}: {known}"
    return ""


def _read_rung(name: str, raw: Any) -> ConfiguredRung:
    where = f"rungs.{name}"
    if not re.fullmatch(NAME_PATTERN, name) or name in RESERVED_NAMES:
        taken = " that is not taken" if name in RESERVED_NAMES else ""
        raise BadRung(where, f"is not a name for a rung: give 1 to 16 letters a-z and digits{taken}")
    if not isinstance(raw, dict):
        raise BadRung(where, f"is {raw!r}: give {ACCEPTED}")
    fields = {field.name: field for field in msgspec.structs.fields(ConfiguredRung)}
    for key, value in raw.items():
        if key not in fields:
            close = difflib.get_close_matches(key, fields, n=1)
            known = f"did you mean {close[0]}?" if close else f"there are {', '.join(fields)}"
            raise BadRung(where, f"has no {key!r}: {known}")
        try:
            msgspec.convert(value, fields[key].type)
        except msgspec.ValidationError:
            meta = next(part for part in fields[key].type.__metadata__ if isinstance(part, Meta))
            raise BadRung(f"{where}.{key}", f"is {value!r}: give {meta.description}") from None
    for key, field in fields.items():
        if field.required and key not in raw:
            raise BadRung(where, f"has no {key}: give {ACCEPTED}")
    return msgspec.convert(raw, ConfiguredRung)
