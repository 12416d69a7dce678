"""Finding the system's libsrt: SRT is off without it, and everything else runs.

LIBSRT names a library file to take instead.
"""

import ctypes
import ctypes.util
import os
import sys
from collections.abc import Iterator
from functools import lru_cache

import msgspec

OLDEST = (1, 4, 1)
"""The first with `srt_listen_callback` as it is today and stream ids that are not cut."""
NAMES = ("srt", "srt-openssl", "srt-gnutls")
FILES = ("libsrt.so.1.5", "libsrt-openssl.so.1.5", "libsrt-gnutls.so.1.5", "libsrt.so.1.4", "libsrt-gnutls.so.1.4")
BREW_FILES = ("/opt/homebrew/lib/libsrt.dylib", "/usr/local/lib/libsrt.dylib")
INSTALL = "`brew install srt`" if sys.platform == "darwin" else "`apt install libsrt1.5-openssl`"


class Found(msgspec.Struct, frozen=True):
    """A library that will do."""

    path: str
    version: str


@lru_cache(maxsize=1)
def find() -> Found | str:
    """Return the library, or in words why there is none and what installs it."""
    too_old = ""
    for path in _candidates():
        try:
            number = int(ctypes.CDLL(path).srt_getversion())
        except (OSError, AttributeError):
            continue
        version = (number >> 16, number >> 8 & 255, number & 255)
        text = ".".join(map(str, version))
        if version >= OLDEST:
            return Found(path, text)
        too_old = f"{path} is {text}, and {'.'.join(map(str, OLDEST))} is needed: "
    return f"{too_old}install libsrt with {INSTALL}"


def _candidates() -> Iterator[str]:
    if given := os.environ.get("LIBSRT"):
        yield given
        return
    for name in NAMES:
        if found := ctypes.util.find_library(name):
            yield found
    yield from BREW_FILES if sys.platform == "darwin" else FILES
