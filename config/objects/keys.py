"""What keys are allowed, and which media type the end of a name stands for."""

import re

KEY = re.compile(r"(?!\.)[A-Za-z0-9._-]+(/(?!\.)[A-Za-z0-9._-]+)*")
"""No part of a path begins with a dot: nothing leads out of the store, and such names are those of unfinished files."""
MAX_KEY = 1024
"""Characters; S3 takes no longer ones."""

CONTENT_TYPES = {
    "m4s": "video/mp4",
    "mp4": "video/mp4",
    "m3u8": "application/vnd.apple.mpegurl",
    "vtt": "text/vtt",
    "jpg": "image/jpeg",
    "json": "application/json",
}
OTHER_TYPE = "application/octet-stream"


def checked(key: str) -> str:
    """Return the key. Raises `ValueError` for one that no store takes: a mistake of ours, never of an operator."""
    if len(key) > MAX_KEY or not KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no key of an object")
    return key


def content_type_of(name: str) -> str:
    """Return the media type of a file by the end of its name."""
    return CONTENT_TYPES.get(name.rpartition(".")[2], OTHER_TYPE)
