import pytest

from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId
from schemas.socket import Raid
from tests.chat.moderation.house import HOME, OTHER, House

pytestmark = pytest.mark.services


async def go_live(home: House, viewers: int) -> None:
    await home.pool.execute(
        "INSERT INTO streams (id, channel_id, key_hash, node_id, protocol, request_id, live_at, viewer_count)"
        " VALUES ('s1', $1, '', 'n', 'rtmp', 'r', now(), $2)",
        HOME,
        viewers,
    )


async def refusal(home: House, target: str, actor: str = "owner") -> ErrorCode:
    with pytest.raises(ApiError) as refused:
        await home.moderation.raids.start(home.actor(actor), HOME, target)
    return refused.value.body.code


async def test_both_channels_hear_of_a_raid(home: House) -> None:
    await go_live(home, 42)
    assert await home.obey("owner", "/raid other") == "Your viewers are sent to Rival."
    (leaving,), (coming,) = await home.events(), await home.events(OTHER)
    assert isinstance(leaving, Raid)
    assert isinstance(coming, Raid)
    assert (leaving.direction, leaving.other_channel_id, leaving.other_name) == ("out", OTHER, "other")
    assert (leaving.other_display_name, leaving.viewer_count) == ("Rival", 42)
    assert (coming.direction, coming.other_channel_id, coming.other_display_name) == ("in", HOME, "Owner")
    assert coming.viewer_count == 42
    assert (await home.acts(), await home.acts(OTHER)) == (["raid"], ["raided"])
    assert await refusal(home, OTHER) is ErrorCode.RATE_LIMITED


async def test_what_stands_against_a_raid(home: House) -> None:
    assert await refusal(home, OTHER) is ErrorCode.CONFLICT  # not live
    await go_live(home, 1)
    assert await refusal(home, "nothing") is ErrorCode.NOT_FOUND
    assert await refusal(home, HOME) is ErrorCode.CONFLICT
    assert await refusal(home, OTHER, actor="mod") is ErrorCode.FORBIDDEN
    await home.pool.execute("UPDATE channels SET visibility = 'subscribers' WHERE id = $1", OTHER)
    assert await refusal(home, OTHER) is ErrorCode.FORBIDDEN
    await home.pool.execute("UPDATE channels SET visibility = 'public'")
    await home.moderation.bans.ban(home.actor("rival"), OTHER, UserId("owner"), "")
    assert await refusal(home, OTHER) is ErrorCode.FORBIDDEN
    assert await home.kinds() == []
