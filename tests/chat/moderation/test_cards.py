import pytest

from schemas.errors import ErrorCode
from schemas.ids import UserId
from tests.chat.moderation.house import HOME, House

pytestmark = pytest.mark.services


async def test_a_card_says_who_somebody_is_and_to_moderators_what_was(home: House) -> None:
    await home.pool.execute("INSERT INTO follows (user_id, channel_id) VALUES ('viewer', 'home')")
    await home.moderation.bans.time_out(home.actor("mod"), HOME, UserId("viewer"), 600, "spam")
    cards, viewer = home.moderation.cards, await home.person("viewer")
    card = await cards.of(HOME, viewer, for_moderators=False)
    assert (card.username, card.role, card.badges, card.is_bot) == ("viewer", "viewer", [], False)
    assert card.color.startswith("#")
    assert card.followed_at is not None
    assert card.history is None
    history = (await cards.of(HOME, viewer, for_moderators=True)).history
    assert history is not None
    assert history.ban is not None
    assert (history.ban.reason, history.timeout_count, history.ban_count) == ("spam", 1, 0)
    assert [act.action for act in history.acts] == ["timeout"]


async def test_commands_look_somebody_up(home: House) -> None:
    for_all = await home.obey("viewer", "/user viewer2")
    for_moderators = await home.obey("mod", "/user @Viewer2")
    assert for_all.startswith("Viewer2 (viewer2): account since ")
    assert "messages" not in for_all
    assert "0 messages" in for_moderators
    assert (await home.refusal("viewer", "/user nobody_at_all")).code is ErrorCode.NOT_FOUND
    assert "/timeout" not in await home.obey("viewer", "/help")
    assert "/timeout" in await home.obey("mod", "/help")


async def test_a_token_without_the_scope_does_not_moderate(home: House) -> None:
    writes = frozenset({"chat:write"})
    for command in ("/clear", "/ban viewer", "/raid other"):
        with pytest.raises(Exception, match="chat:moderate"):
            await home.obey("owner", command, scopes=writes)
    assert await home.obey("owner", "/mods", scopes=writes)
    assert "messages" not in await home.obey("owner", "/user viewer", scopes=writes)
    await home.obey("owner", "/clear", scopes=frozenset({"chat:moderate"}))
    assert await home.kinds() == ["clear_chat"]
