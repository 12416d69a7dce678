"""The log of each channel in Redis: what is said and done there, in one order, once.

`log.py` first: `ChatLog` appends through one Lua script (`say.lua`, `tell.lua`) over a connection of its own
(`calls.py`, `wire.py`) and reads. `listener.py` hears what is appended. `entries.py` reads what the stream holds.
"""

from chat.log.acts import Act, ActEvent
from chat.log.lines import Line
from chat.log.listener import Listener
from chat.log.log import ChatLog
from chat.log.places import Held, Place, Position
from chat.log.recall import Recall, Recalled, modes_of

__all__ = [
    "Act",
    "ActEvent",
    "ChatLog",
    "Held",
    "Line",
    "Listener",
    "Place",
    "Position",
    "Recall",
    "Recalled",
    "modes_of",
]
