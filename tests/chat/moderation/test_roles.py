import pytest

from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId
from schemas.socket import RoleChanged
from tests.chat.moderation.house import HOME, House

pytestmark = pytest.mark.services
VIEWER = UserId("viewer")


async def test_the_broadcaster_names_moderators_and_vips(home: House) -> None:
    viewer = await home.person("viewer")
    assert (await home.moderation.standings.of(viewer, HOME)).role == "viewer"
    assert await home.obey("owner", "/mod @viewer") == "viewer is a moderator now."
    assert (await home.moderation.standings.of(viewer, HOME)).role == "moderator"
    await home.obey("viewer", "/timeout viewer2 5")
    assert await home.obey("owner", "/mod viewer") == "viewer is a moderator already."
    assert await home.obey("admin", "/vip viewer") == "viewer is a VIP now."  # in place of the other
    assert (await home.refusal("viewer", "/timeout viewer2 5")).code is ErrorCode.FORBIDDEN
    assert await home.obey("owner", "/unmod viewer") == "viewer is no moderator."
    assert await home.obey("owner", "/unvip viewer") == "viewer is no VIP any more."
    changes = [each.role for each in await home.events() if isinstance(each, RoleChanged)]
    assert changes == ["moderator", "vip", "viewer"]
    assert await home.obey("viewer2", "/mods") == "Moderators: mod, mod2."
    assert await home.obey("viewer2", "/vips") == "VIPs: vip."


async def test_who_may_not_name_anybody(home: House) -> None:
    roles = home.moderation.roles
    for actor, target, code in (
        ("mod", "viewer", ErrorCode.FORBIDDEN),
        ("mod", "mod", ErrorCode.FORBIDDEN),
        ("rival", "rival", ErrorCode.FORBIDDEN),
        ("owner", "owner", ErrorCode.FORBIDDEN),
        ("admin", "owner", ErrorCode.FORBIDDEN),
        ("owner", "nobody", ErrorCode.NOT_FOUND),
    ):
        with pytest.raises(ApiError) as refused:
            await roles.grant(home.actor(actor), HOME, UserId(target), "moderator")
        assert refused.value.body.code is code, (actor, target)
    await home.moderation.bans.ban(home.actor("mod"), HOME, VIEWER, "")
    with pytest.raises(ApiError) as refused:
        await roles.grant(home.actor("owner"), HOME, VIEWER, "moderator")
    assert refused.value.body.code is ErrorCode.CONFLICT
