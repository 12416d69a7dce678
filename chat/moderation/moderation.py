"""All that moderators do, in one object of a process."""

from chat.people import Identity, Standing
from schemas.chat import Authored
from schemas.ids import ChannelId


class Moderation:
    """One per process; its `run` tells the log what a process died over."""

    async def run(self) -> None:
        """Serve until cancelled."""
        raise NotImplementedError

    async def obey(self, identity: Identity, standing: Standing, channel: ChannelId, command: str, key: str) -> str:
        """Do what a command says ("/timeout name 60"), once for a key; return what was done, in words.

        Raises `ApiError`; as databases do.
        """
        raise NotImplementedError

    async def hold(self, message: Authored, held_id: str, key: str, reason: str) -> None:
        """Keep a message for a moderator's decision, and tell them. Again with the same key: nothing new."""
        raise NotImplementedError
