"""What IRC clients ask for beyond plain lines (https://ircv3.net/specs/extensions/capability-negotiation)."""

from enum import Flag
from typing import Final


class Capability(Flag):
    """Those of the dialect. COMMANDS: lines such as USERSTATE and CLEARCHAT, which plain clients do not know."""

    PLAIN = 0
    TAGS = 1
    COMMANDS = 2
    MEMBERSHIP = 4


NAMES: Final = {
    "twitch.tv/tags": Capability.TAGS,
    "twitch.tv/commands": Capability.COMMANDS,
    "twitch.tv/membership": Capability.MEMBERSHIP,
}
OFFERED: Final = " ".join(NAMES)


def changed(before: Capability, asked: str) -> Capability | None:
    """Return what holds after a client's request; None when it asks for anything unknown, for then nothing changes."""
    after = before
    for word in asked.split():
        name = word.removeprefix("-")
        if name not in NAMES:
            return None
        after = after & ~NAMES[name] if word.startswith("-") else after | NAMES[name]
    return after


def written(capabilities: Capability) -> str:
    """Return the names of capabilities."""
    return " ".join(name for name, capability in NAMES.items() if capability in capabilities)
