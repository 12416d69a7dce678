"""Does what typed commands say, with the same acts as the API."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from chat.moderation.actor import Actor
from chat.moderation.cards import in_words
from chat.moderation.commands import TABLE, Command, help_text, parse
from chat.moderation.modes import Changes
from chat.moderation.ranks import Rank
from chat.moderation.roles import Helper
from chat.people import Identity, Standing
from schemas.chat import AnnouncementColor
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId

if TYPE_CHECKING:
    from chat.moderation.moderation import Moderation


class Order(msgspec.Struct, frozen=True):
    """A command, and who gave it where."""

    command: Command
    actor: Actor
    identity: Identity
    standing: Standing
    channel: ChannelId

    @property
    def rank(self) -> Rank:
        """What the one who gave it is believed to be; acts look for themselves."""
        if self.standing.is_admin:
            return Rank.ADMIN
        return {"broadcaster": Rank.BROADCASTER, "moderator": Rank.MODERATOR}.get(self.standing.role, Rank.VIEWER)


Obey = Callable[["Moderation", Order], Awaitable[str]]
"""Does it and says what was done."""


async def obey(
    moderation: "Moderation", identity: Identity, standing: Standing, channel: ChannelId, line: str, *, key: str
) -> str:
    """Do what a line says and return it in words. Raises `ApiError`; as databases do."""
    command = parse(line)
    if TABLE[command.name].rank > Rank.VIEWER and not identity.may("chat:moderate"):
        raise ApiError(ErrorCode.FORBIDDEN, "This token does not open moderation (chat:moderate).")
    actor = Actor.of(identity.person, request=key)
    return await ORDERS[command.name](moderation, Order(command, actor, identity, standing, channel))


# --- people -------------------------------------------------------------------------------------------------


async def _ban(moderation: "Moderation", order: Order) -> str:
    target = await moderation.cards.named(order.command.user)
    return (await moderation.bans.ban(order.actor, order.channel, target.id, order.command.text)).notice


async def _timeout(moderation: "Moderation", order: Order) -> str:
    command = order.command
    target = await moderation.cards.named(command.user)
    assert command.number is not None
    done = await moderation.bans.time_out(order.actor, order.channel, target.id, command.number, command.text)
    return done.notice


async def _unban(moderation: "Moderation", order: Order) -> str:
    target = await moderation.cards.named(order.command.user)
    return (await moderation.bans.unban(order.actor, order.channel, target.id)).notice


async def _untimeout(moderation: "Moderation", order: Order) -> str:
    target = await moderation.cards.named(order.command.user)
    return (await moderation.bans.end_timeout(order.actor, order.channel, target.id)).notice


def _grant(role: Helper) -> Obey:
    async def grant(moderation: "Moderation", order: Order) -> str:
        target = await moderation.cards.named(order.command.user)
        return (await moderation.roles.grant(order.actor, order.channel, target.id, role)).notice

    return grant


def _revoke(role: Helper) -> Obey:
    async def revoke(moderation: "Moderation", order: Order) -> str:
        target = await moderation.cards.named(order.command.user)
        return (await moderation.roles.revoke(order.actor, order.channel, target.id, role)).notice

    return revoke


def _list(role: Helper, nobody: str, those: str) -> Obey:
    async def names(moderation: "Moderation", order: Order) -> str:
        found = [row.username for row in await moderation.roles.holders(order.channel) if row.role == role]
        return f"{those}: {', '.join(found)}." if found else nobody

    return names


async def _user(moderation: "Moderation", order: Order) -> str:
    person = await moderation.cards.named(order.command.user)
    sees_all = order.rank >= Rank.MODERATOR and order.identity.may("chat:moderate")
    if sees_all:
        await moderation.look(order.actor, order.channel)
    return in_words(await moderation.cards.of(order.channel, person, for_moderators=sees_all))


# --- what is said -------------------------------------------------------------------------------------------


async def _delete(moderation: "Moderation", order: Order) -> str:
    return (await moderation.messages.delete(order.actor, order.channel, order.command.text)).notice


async def _clear(moderation: "Moderation", order: Order) -> str:
    return (await moderation.messages.clear(order.actor, order.channel)).notice


def _announce(color: AnnouncementColor) -> Obey:
    async def announce(moderation: "Moderation", order: Order) -> str:
        done = await moderation.messages.announce(
            order.actor,
            order.channel,
            order.command.text,
            color,
            person=order.identity.person,
            standing=order.standing,
        )
        return done.notice

    return announce


async def _pin(moderation: "Moderation", order: Order) -> str:
    command = order.command
    return (await moderation.messages.pin(order.actor, order.channel, command.text, command.number)).notice


async def _unpin(moderation: "Moderation", order: Order) -> str:
    return (await moderation.messages.unpin(order.actor, order.channel)).notice


# --- modes --------------------------------------------------------------------------------------------------


def _set(notice: str, **changes: object) -> Obey:
    async def patch(moderation: "Moderation", order: Order) -> str:
        return (await moderation.modes.patch(order.actor, order.channel, changes, notice)).notice

    return patch


async def _slow(moderation: "Moderation", order: Order) -> str:
    changes: Changes = {"slow_mode": order.command.number}
    notice = f"Slow mode: one message in {order.command.number} seconds."
    return (await moderation.modes.patch(order.actor, order.channel, changes, notice)).notice


async def _followers(moderation: "Moderation", order: Order) -> str:
    minutes = order.command.number
    changes: Changes = {"follower_only": True, "follower_minutes": minutes}
    notice = (
        f"Only who has followed for {minutes} minutes may write now." if minutes else "Only followers may write now."
    )
    return (await moderation.modes.patch(order.actor, order.channel, changes, notice)).notice


async def _block(moderation: "Moderation", order: Order) -> str:
    return (await moderation.modes.block(order.actor, order.channel, order.command.text)).notice


async def _unblock(moderation: "Moderation", order: Order) -> str:
    return (await moderation.modes.unblock(order.actor, order.channel, order.command.text)).notice


# --- the rest -----------------------------------------------------------------------------------------------


async def _raid(moderation: "Moderation", order: Order) -> str:
    return (await moderation.raids.start(order.actor, order.channel, order.command.text)).notice


async def _help(_: "Moderation", order: Order) -> str:
    return help_text(order.command.text, order.rank)


ORDERS: Final[Mapping[str, Obey]] = {
    "help": _help,
    "mods": _list("moderator", "Nobody moderates beside the broadcaster.", "Moderators"),
    "vips": _list("vip", "There are no VIPs.", "VIPs"),
    "user": _user,
    "timeout": _timeout,
    "untimeout": _untimeout,
    "ban": _ban,
    "unban": _unban,
    "delete": _delete,
    "clear": _clear,
    "slow": _slow,
    "slowoff": _set("Slow mode is off.", slow_mode=0),
    "followers": _followers,
    "followersoff": _set("Everybody may write, not only followers.", follower_only=False),
    "subscribers": _set("Only subscribers may write now.", subscriber_only=True),
    "subscribersoff": _set("Everybody may write, not only subscribers.", subscriber_only=False),
    "emoteonly": _set("Only emotes now.", emote_only=True),
    "emoteonlyoff": _set("Words may be written again.", emote_only=False),
    "uniquechat": _set("Nothing may be said twice now.", unique_chat=True),
    "uniquechatoff": _set("Things may be said twice again.", unique_chat=False),
    "announce": _announce("primary"),
    "announceblue": _announce("blue"),
    "announcegreen": _announce("green"),
    "announceorange": _announce("orange"),
    "announcepurple": _announce("purple"),
    "pin": _pin,
    "unpin": _unpin,
    "block": _block,
    "unblock": _unblock,
    "mod": _grant("moderator"),
    "unmod": _revoke("moderator"),
    "vip": _grant("vip"),
    "unvip": _revoke("vip"),
    "raid": _raid,
}
"""How each command of the table is obeyed."""
