"""Who people are and what they are to channels, as chat reads it: accounts, follows, subscriptions, roles."""

from collections.abc import Sequence

import msgspec

from chat.store import Database
from schemas.chat import Role
from schemas.ids import ChannelId, UserId


class StandingRow(msgspec.Struct, frozen=True):
    """What an account is to a channel. Times in ms since the epoch; a subscription that has expired counts nothing."""

    channel_id: ChannelId
    user_id: UserId
    role: Role
    followed_at_ms: int | None
    subscription_tier: int
    subscribed_months: int
    has_chatted: bool
    is_admin: bool
    is_bot: bool


# Months are counted in what was subscribed so far, of 30 days, the one that is running included.
STANDINGS = """
SELECT c.id, u.id,
    CASE WHEN c.user_id = u.id THEN 'broadcaster' ELSE coalesce(r.role, 'viewer') END,
    round(extract(epoch FROM f.followed_at) * 1000)::bigint,
    coalesce(s.tier, 0),
    CASE WHEN s.tier IS NULL THEN 0 ELSE floor(s.subscribed_s / 2592000)::integer + 1 END,
    EXISTS (SELECT 1 FROM chat_chatters t WHERE t.channel_id = c.id AND t.user_id = u.id),
    u.is_admin,
    u.bot_owner_id IS NOT NULL
FROM unnest($1::text[], $2::text[]) AS wanted (channel_id, user_id)
JOIN channels c ON c.id = wanted.channel_id
JOIN users u ON u.id = wanted.user_id
LEFT JOIN chat_roles r ON r.channel_id = c.id AND r.user_id = u.id
LEFT JOIN follows f ON f.channel_id = c.id AND f.user_id = u.id
LEFT JOIN LATERAL (
    SELECT max(tier) FILTER (WHERE expires_at > now()) AS tier,
        sum(extract(epoch FROM least(now(), expires_at) - started_at)) AS subscribed_s
    FROM subscriptions WHERE channel_id = c.id AND user_id = u.id
) s ON true
"""


async def standings(db: Database, wanted: Sequence[tuple[ChannelId, UserId]]) -> list[StandingRow]:
    """Return what each account is to its channel; a pair of which either does not exist is left out."""
    rows = await db.fetch(STANDINGS, [channel for channel, _ in wanted], [user for _, user in wanted])
    return [StandingRow(*row) for row in rows]


async def ids_by_name(db: Database, names: Sequence[str]) -> dict[str, UserId]:
    """Return the accounts with these usernames."""
    rows = await db.fetch("SELECT username, id FROM users WHERE username = ANY($1::text[])", list(names))
    return {row["username"]: UserId(row["id"]) for row in rows}
