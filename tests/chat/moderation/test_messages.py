import pytest

from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId
from schemas.socket import Announcement, ClearChat, MessageDeleted, MessagePinned
from tests.chat.moderation.house import HOME, OTHER, House

pytestmark = pytest.mark.services


async def test_a_message_is_taken_away_once_as_soon_as_it_was_said(home: House) -> None:
    messages = home.moderation.messages
    message = await home.say("viewer", "a bad thing")
    assert (await messages.delete(home.actor("mod"), HOME, message)).notice == "A message of viewer is taken away."
    with pytest.raises(ApiError) as refused:
        await messages.delete(home.actor("mod2"), HOME, message)
    assert refused.value.body.code is ErrorCode.NOT_FOUND
    deleted = (await home.events())[-1]
    assert isinstance(deleted, MessageDeleted)
    assert (deleted.message_id, deleted.user_id, deleted.moderator) == (message, "viewer", "mod")
    (act,) = await home.moderation.acts(HOME, target=UserId("viewer"), after=None, limit=10)
    assert (act.action, act.message_id, act.details) == ("delete", message, {"content": "a bad thing"})


async def test_whose_message_may_be_taken_away(home: House) -> None:
    messages = home.moderation.messages
    for author, actor, is_allowed in (
        ("mod", "mod", True),
        ("mod2", "mod", False),
        ("owner", "mod", False),
        ("admin", "mod", False),
        ("admin", "owner", True),
        ("owner", "admin", True),
        ("viewer", "viewer", False),
    ):
        message = await home.say(author, "hi")
        if is_allowed:
            await messages.delete(home.actor(actor), HOME, message)
            continue
        with pytest.raises(ApiError) as refused:
            await messages.delete(home.actor(actor), HOME, message)
        assert refused.value.body.code is ErrorCode.FORBIDDEN, (author, actor)


async def test_only_messages_of_the_channel_are_found(home: House) -> None:
    there = await home.say("viewer", "hi", channel=OTHER)
    for message in (there, "nothing", ""):
        with pytest.raises(ApiError) as refused:
            await home.moderation.messages.delete(home.actor("mod"), HOME, message)
        assert refused.value.body.code is ErrorCode.NOT_FOUND


async def test_clearing_takes_away_all_and_the_message_at_the_top(home: House) -> None:
    messages = home.moderation.messages
    message = await home.say("viewer", "hi")
    await messages.pin(home.actor("mod"), HOME, message, None)
    await messages.clear(home.actor("mod"), HOME)
    cleared, unpinned = (await home.events())[-2:]
    assert isinstance(cleared, ClearChat)
    assert isinstance(unpinned, MessagePinned)
    assert (cleared.moderator, unpinned.pinned) == ("mod", None)
    with pytest.raises(ApiError):
        await messages.pin(home.actor("mod"), HOME, message, None)  # it is gone


async def test_a_pinned_message_stays_until_its_time_is_over_or_it_is_taken_down(home: House) -> None:
    messages, mod = home.moderation.messages, home.actor("mod")
    first, second = await home.say("viewer", "one"), await home.say("viewer", "two")
    await messages.pin(mod, HOME, first, 60)
    await messages.pin(mod, HOME, second, None)
    one, two = (await home.events())[-2:]
    assert isinstance(one, MessagePinned)
    assert isinstance(two, MessagePinned)
    assert one.pinned is not None
    assert one.pinned.until is not None
    assert one.pinned.until - one.pinned.pinned_at == 60_000
    assert two.pinned is not None
    assert (two.pinned.message.content, two.pinned.pinned_by, two.pinned.until) == ("two", "Mod", None)
    assert await messages.pinned(HOME) == two.pinned
    assert (await messages.unpin(mod, HOME)).notice == "The pinned message is taken down."
    assert await messages.pinned(HOME) is None
    assert (await messages.unpin(mod, HOME)).act_id is None

    await messages.pin(mod, HOME, first, 60)
    await home.pool.execute("""UPDATE chat_rooms SET pinned = jsonb_set(pinned, '{until}', '1')""")
    assert await messages.pinned(HOME) is None  # its time is over, though nobody took it down


async def test_the_message_at_the_top_goes_when_it_is_taken_away(home: House) -> None:
    messages = home.moderation.messages
    message, other = await home.say("viewer", "one"), await home.say("viewer", "two")
    await messages.pin(home.actor("mod"), HOME, message, None)
    await messages.delete(home.actor("mod"), HOME, other)
    assert (await home.kinds())[-1] == "message_deleted"
    await messages.delete(home.actor("mod"), HOME, message)
    assert (await home.kinds())[-2:] == ["message_deleted", "message_pinned"]
    assert await home.pool.fetchval("SELECT pinned FROM chat_rooms WHERE channel_id = $1", HOME) is None


async def test_an_announcement_is_said_as_its_author_says_things(home: House) -> None:
    notice = await home.obey("mod", "/announcegreen  Ask @viewer about it")
    announced = (await home.events())[-1]
    assert notice == "It is announced."
    assert isinstance(announced, Announcement)
    assert (announced.color, announced.message.content) == ("green", "Ask @viewer about it")
    assert [badge.type for badge in announced.message.badges] == ["moderator"]
    assert [mention.username for mention in announced.message.mentions] == ["viewer"]
    for text, code in (("a\u202eb", ErrorCode.INVALID_REQUEST), ("x" * 501, ErrorCode.PAYLOAD_TOO_LARGE)):
        assert (await home.refusal("mod", f"/announce {text}")).code is code
    assert (await home.refusal("viewer", "/announce hi")).code is ErrorCode.FORBIDDEN
    assert len(await home.kinds()) == 1
