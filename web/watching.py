"""Who may watch: what somebody lacks for a live stream, a recording or a clip.

Owners of the channel and administrators always may. A signed address (`web/access.py`) opens without any of this.
"""

from collections.abc import Collection, Mapping
from typing import Final

from schemas.access import Visibility
from schemas.api import WhyNot
from schemas.ids import ChannelId, UserId
from web.services import Services
from web.store import follows
from web.store.channels import ChannelRow
from web.store.follows import Standing
from web.store.users import Account

STRANGER: Final = Standing(follows=False, subscribes=False)


async def why_not(
    services: Services, account: Account | None, channel: ChannelRow, visibility: Visibility
) -> WhyNot | None:
    """Return what the account (None is somebody who is not signed in) lacks to watch this of the channel."""
    if visibility == "public":
        return None
    at = await standings(services, account, [channel.id])
    return judge(account, channel.user_id, visibility, at.get(channel.id, STRANGER))


async def standings(
    services: Services, account: Account | None, ids: Collection[ChannelId]
) -> Mapping[ChannelId, Standing]:
    """Return what the account is to each of these channels, in one question."""
    if account is None or not ids:
        return {}
    return await follows.standing(services.pool, account.id, list(dict.fromkeys(ids)))


def judge(account: Account | None, owner: UserId, visibility: Visibility, at: Standing) -> WhyNot | None:
    """Return what an account that stands so lacks to watch what its owner shows to these."""
    if owns(account, owner):
        return None
    match visibility:
        case "public":
            return None
        case "followers":
            # Who pays is no less than who follows.
            return None if at.follows or at.subscribes else "followers"
        case "subscribers":
            return None if at.subscribes else "subscribers"
        case "private":
            return "private"


def owns(account: Account | None, owner: UserId) -> bool:
    """Whether the account has the channel, or everything."""
    return account is not None and (account.id == owner or account.is_admin)
