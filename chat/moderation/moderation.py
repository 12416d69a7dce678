"""All that moderators do, in one object of a process."""

from redis.asyncio import Redis

from chat.entry import Entry
from chat.log.calls import Trouble
from chat.moderation.actor import Actor
from chat.moderation.bans import Bans
from chat.moderation.bell import Bell
from chat.moderation.cards import Cards
from chat.moderation.desk import Desk
from chat.moderation.held import HeldQueue
from chat.moderation.messages import FindMessage, Messages
from chat.moderation.modes import Modes
from chat.moderation.obeying import obey
from chat.moderation.outbox import Outbox, Teller
from chat.moderation.raids import Raids
from chat.moderation.ranks import Action
from chat.moderation.reports import Reports
from chat.moderation.roles import Roles
from chat.moderation.settings import ChannelSettings
from chat.moderation.shares import Shares
from chat.people import Identity, Standing
from chat.speech.composing import Composer
from chat.standings import Standings
from chat.store import acts
from chat.store.parties import Party
from config.postgres import Pool
from schemas.chat import Authored
from schemas.chat_api import Act
from schemas.ids import ChannelId, UserId


class Moderation:
    """One per process. Give `watch` to the hub."""

    def __init__(
        self,
        *,
        pool: Pool,
        redis: Redis,
        log: Teller,
        settings: ChannelSettings,
        standings: Standings,
        find: FindMessage,
        composer: Composer,
        trouble: Trouble,
    ) -> None:
        self._pool = pool
        self.outbox = Outbox(pool, log, trouble)
        self._desk = Desk(pool, self.outbox)
        bell = Bell(redis, trouble)
        self.settings = settings
        self.standings = standings
        self.bans = Bans(self._desk)
        self.messages = Messages(self._desk, find, composer, trouble)
        self.modes = Modes(self._desk, settings)
        self.roles = Roles(self._desk, standings)
        self.raids = Raids(self._desk)
        self.held = HeldQueue(self._desk, bell, standings)
        self.reports = Reports(self._desk, find, bell)
        self.shares = Shares(self._desk)
        self.cards = Cards(pool, standings)

    async def run(self) -> None:
        """Tell the logs what is overdue, of whichever process, until cancelled."""
        await self.outbox.run()

    async def close(self) -> None:
        """End what is under way; `settings` is its maker's to close."""
        await self.messages.close()

    def watch(self, channel: ChannelId, entry: Entry) -> None:
        """Take note of an entry of a log (`hub.watch`): what it changes is read again."""
        self.settings.watch(channel, entry)
        self.messages.watch(channel, entry)

    async def obey(self, identity: Identity, standing: Standing, channel: ChannelId, command: str, key: str) -> str:
        """Do what a command says ("/timeout name 60"), once for a key; return what was done, in words.

        Raises `ApiError`; as databases do.
        """
        return await obey(self, identity, standing, channel, command, key=key)

    async def hold(self, message: Authored, held_id: str, key: str, reason: str) -> None:
        """Keep a message for a moderator's decision, and tell them. Again with the same key: nothing new."""
        await self.held.hold(message, held_id, key, reason)

    async def look(self, actor: Actor, channel: ChannelId, action: Action = "look") -> Party:
        """Return what somebody is to the channel right now. Raises `ApiError` when they may not do that."""
        return await self._desk.look(actor, channel, action)

    async def acts(self, channel: ChannelId, *, target: UserId | None, after: str | None, limit: int) -> list[Act]:
        """Return up to `limit` acts behind that one, newest first; with a target those that concern it."""
        return await acts.page(self._pool, channel, target=target, after=after, limit=limit)
