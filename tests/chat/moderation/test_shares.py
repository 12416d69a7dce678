import pytest

from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId
from schemas.socket import UserBanned
from tests.chat.moderation.house import HOME, OTHER, House

pytestmark = pytest.mark.services
VIEWER, VIEWER2, VIP = UserId("viewer"), UserId("viewer2"), UserId("vip")


async def share(home: House) -> None:
    await home.moderation.shares.offer(home.actor("owner"), HOME, OTHER)
    await home.moderation.shares.accept(home.actor("rival"), OTHER, HOME)


async def ban(home: House, user: UserId, channel: str = HOME) -> None:
    actor = home.actor("owner" if channel == HOME else "rival")
    await home.moderation.bans.ban(actor, HOME if channel == HOME else OTHER, user, "spam")


async def test_an_accepted_list_brings_its_bans_quietly_and_later_ones_aloud(home: House) -> None:
    await home.say("viewer", "hi", channel=OTHER)
    await ban(home, VIEWER)
    await home.moderation.bans.time_out(home.actor("mod"), HOME, VIEWER2, 600, "")  # a timeout is not shared
    await share(home)
    assert await home.is_silenced("viewer", OTHER)
    assert not await home.is_silenced("viewer2", OTHER)
    assert await home.kinds(OTHER) == ["message"]
    shown = await home.moderation.bans.shown(OTHER, VIEWER)
    assert (shown.source_channel_id, shown.reason) == (HOME, "spam")
    await ban(home, VIEWER2)
    assert await home.is_silenced("viewer2", OTHER)
    banned = (await home.events(OTHER))[-1]
    assert isinstance(banned, UserBanned)
    assert (banned.user_id, banned.moderator) == ("viewer2", "owner")
    await home.moderation.bans.unban(home.actor("mod"), HOME, VIEWER)
    assert not await home.is_silenced("viewer", OTHER)
    assert (await home.acts(OTHER)) == ["accept", "shared", "ban", "unban"]


async def test_what_ends_takes_along_what_came_with_it(home: House) -> None:
    await ban(home, VIEWER)
    await ban(home, VIEWER2, OTHER)
    await share(home)
    await ban(home, VIEWER2)
    await home.moderation.shares.end(home.actor("rival"), OTHER, HOME, OTHER)
    assert not await home.is_silenced("viewer", OTHER)
    assert await home.is_silenced("viewer2", OTHER)  # its own ban
    await ban(home, VIP)
    assert not await home.is_silenced("vip", OTHER)  # shared no more
    assert await home.moderation.shares.of(HOME) == []


async def test_whom_a_channel_trusts_no_list_bans_there(home: House) -> None:
    await home.pool.execute("INSERT INTO chat_roles (channel_id, user_id, role) VALUES ('other', 'viewer', 'vip')")
    await home.pool.execute(
        "INSERT INTO chat_roles (channel_id, user_id, role) VALUES ('other', 'viewer2', 'moderator')"
    )
    await ban(home, VIEWER)
    await ban(home, UserId("rival"))
    await share(home)
    await ban(home, VIEWER2)
    await home.pool.execute("INSERT INTO chat_roles (channel_id, user_id, role) VALUES ('other', 'vip', 'vip')")
    await ban(home, VIP)
    for name in ("viewer", "viewer2", "rival", "vip"):
        assert await home.is_silenced(name)
        assert not await home.is_silenced(name, OTHER), name


async def test_a_list_that_came_from_elsewhere_goes_no_further(home: House) -> None:
    await ban(home, VIEWER)
    await share(home)
    await home.pool.execute("INSERT INTO channels (id, user_id, name) VALUES ('third', 'admin', 'third')")
    third = type(HOME)("third")
    await home.moderation.shares.offer(home.actor("rival"), OTHER, third)
    await home.moderation.shares.accept(home.actor("admin"), third, OTHER)
    await ban(home, VIEWER2)
    assert not await home.is_silenced("viewer", third)
    assert not await home.is_silenced("viewer2", third)


async def test_who_may_share_and_what(home: House) -> None:
    shares = home.moderation.shares
    for attempt, code in (
        (shares.accept(home.actor("rival"), OTHER, HOME), ErrorCode.NOT_FOUND),
        (shares.offer(home.actor("mod"), HOME, OTHER), ErrorCode.FORBIDDEN),
        (shares.offer(home.actor("owner"), HOME, HOME), ErrorCode.CONFLICT),
        (shares.offer(home.actor("owner"), HOME, type(HOME)("nowhere")), ErrorCode.NOT_FOUND),
    ):
        with pytest.raises(ApiError) as refused:
            await attempt
        assert refused.value.body.code is code
    await shares.offer(home.actor("owner"), HOME, OTHER)
    assert (await shares.offer(home.actor("owner"), HOME, OTHER)).act_id is None
    with pytest.raises(ApiError) as refused:
        await shares.accept(home.actor("owner"), OTHER, HOME)
    assert refused.value.body.code is ErrorCode.FORBIDDEN
    (offered,) = await shares.of(OTHER)
    assert (offered.from_name, offered.to_name, offered.is_accepted) == ("home", "other", False)
    await ban(home, VIEWER)
    assert not await home.is_silenced("viewer", OTHER)  # offered only
    await shares.accept(home.actor("rival"), OTHER, HOME)
    assert (await shares.accept(home.actor("rival"), OTHER, HOME)).act_id is None
    assert (await shares.find(HOME, OTHER)).is_accepted
