"""The scripts that Redis runs, from the .lua files beside this one."""

import hashlib
from importlib.resources import files
from typing import Final

import msgspec


class Script(msgspec.Struct, frozen=True, gc=False):
    """Lua code and the name that EVALSHA knows it by."""

    code: bytes
    sha: bytes


def _script(*names: str) -> Script:
    code = b"\n".join((files("chat.log") / f"{name}.lua").read_bytes() for name in names)
    return Script(code, hashlib.sha1(code, usedforsecurity=False).hexdigest().encode("ascii"))


SAY: Final = _script("append", "say")
TELL: Final = _script("append", "tell")
WARM: Final = _script("append", "warm")
STAGE: Final = _script("stage")
ANSWERED: Final = _script("answered")
ALL: Final = (SAY, TELL, WARM, STAGE, ANSWERED)
