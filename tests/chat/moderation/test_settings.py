import pytest

from chat.entry import Entry
from chat.moderation.settings import ChannelSettings
from schemas.chat import ChatSettings
from schemas.ids import ChannelId
from tests.chat.moderation.house import HOME, House

pytestmark = pytest.mark.services


async def test_what_another_process_changed_is_believed_as_soon_as_the_log_says_so(home: House) -> None:
    """A second cache stands for a second process."""
    other = ChannelSettings(home.pool, lambda *_: None)
    try:
        before = await other.filter_of(HOME)
        assert await other.filter_of(HOME) is before  # read and made once
        await home.moderation.modes.patch(home.actor("mod"), HOME, {"blocked_terms": ["bad"], "slow_mode": 3})
        assert await other.filter_of(HOME) is before
        for entry in await home.log.read(HOME, 0, 10):
            other.watch(HOME, entry)
        assert (await other.of(HOME)).blocked_terms == ["bad"]
        other.watch(HOME, Entry(9, 8, "e", 1, "clear_chat", b""))
        assert (await other.public(HOME)) == ChatSettings(slow_mode=3)
        assert await other.public(ChannelId("without_a_row")) == ChatSettings()
    finally:
        await other.close()


async def test_what_is_pinned_elsewhere_is_believed_as_soon_as_the_log_says_so(home: House) -> None:
    assert await home.moderation.messages.pinned(HOME) is None
    message = await home.say("viewer", "hi")
    await home.moderation.messages.pin(home.actor("mod"), HOME, message, None)
    assert await home.moderation.messages.pinned(HOME)
    await home.pool.execute("UPDATE chat_rooms SET pinned = NULL")
    assert await home.moderation.messages.pinned(HOME)
    home.moderation.watch(HOME, (await home.log.read(HOME, 0, 10))[-1])
    assert await home.moderation.messages.pinned(HOME) is None
