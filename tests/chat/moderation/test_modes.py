from typing import Any

import pytest

from chat.log import keys
from schemas.chat import ChatSettings
from schemas.errors import ApiError, ErrorCode
from schemas.socket import SettingsChanged, SlowMode
from tests.chat.moderation.house import HOME, House

pytestmark = pytest.mark.services


async def test_a_change_is_told_and_holds_in_the_script(home: House) -> None:
    await home.say("viewer", "so that there is a log")
    changes: dict[str, Any] = {"slow_mode": 30, "follower_only": True, "follower_minutes": 10}
    await home.moderation.modes.patch(home.actor("mod"), HOME, changes)
    slow, changed = (await home.events())[-2:]
    assert isinstance(slow, SlowMode)
    assert isinstance(changed, SettingsChanged)
    assert slow.duration == 30
    expected = ChatSettings(slow_mode=30, follower_only=True, follower_minutes=10)
    assert (changed.settings, changed.moderator) == (expected, "mod")
    modes = await home.redis.hmget(keys.state(HOME), ["slow_mode", "follower_only", "follower_minutes"])
    assert modes == [b"30", b"1", b"10"]
    (act,) = await home.moderation.acts(HOME, target=None, after=None, limit=1)
    assert act.details == {"slowMode": "30", "followerOnly": "true", "followerMinutes": "10"}


async def test_what_is_so_already_is_no_change(home: House) -> None:
    modes, mod = home.moderation.modes, home.actor("mod")
    await modes.patch(mod, HOME, {"emote_only": True})
    assert (await modes.patch(mod, HOME, {"emote_only": True, "slow_mode": 0})).notice == "It is so already."
    assert (await modes.patch(mod, HOME, {})).act_id is None
    assert await home.kinds() == ["settings_changed"]


async def test_lists_of_terms_are_for_moderators_and_hold_at_once(home: House) -> None:
    assert (await home.settings.of(HOME)).blocked_terms == []
    terms = ["  Bad   word ", "bad word", "BAD WORD", "x*"]
    await home.moderation.modes.patch(home.actor("mod"), HOME, {"blocked_terms": terms, "held_terms": ["maybe"]})
    settings = await home.settings.of(HOME)
    assert (settings.blocked_terms, settings.held_terms) == (["Bad word", "x*"], ["maybe"])
    public = await home.settings.public(HOME)
    assert (public.blocked_terms, public.held_terms) == (None, None)
    (changed,) = await home.events()
    assert isinstance(changed, SettingsChanged)
    assert (changed.settings.blocked_terms, changed.settings.held_terms) == (None, None)
    (act,) = await home.moderation.acts(HOME, target=None, after=None, limit=1)
    assert act.details == {"blockedTerms": "+Bad word +x*", "heldTerms": "+maybe"}


async def test_a_term_that_would_find_everything_or_nothing_is_refused(home: House) -> None:
    for term in ("*", " ** ", "\u200b", "\u0301*"):
        with pytest.raises(ApiError) as refused:
            await home.moderation.modes.patch(home.actor("mod"), HOME, {"held_terms": ["fine", term]})
        assert refused.value.body.code is ErrorCode.INVALID_REQUEST
        assert list(refused.value.body.fields or {}) == ["heldTerms"]
    assert await home.kinds() == []


async def test_terms_are_blocked_and_unblocked_one_by_one(home: House) -> None:
    assert await home.obey("mod", "/block  Bad*") == "Messages with “Bad*” are refused from now on."
    assert await home.obey("mod", "/block bád*") == "It is so already."
    await home.obey("mod2", "/block worse")
    assert (await home.settings.of(HOME)).blocked_terms == ["Bad*", "worse"]
    assert await home.obey("mod", "/unblock BAD*") == "“BAD*” may be said again."
    assert (await home.settings.of(HOME)).blocked_terms == ["worse"]
    assert (await home.refusal("mod", "/unblock bad*")).code is ErrorCode.NOT_FOUND


async def test_every_mode_is_switched_on_and_off_by_a_command(home: House) -> None:
    before = await home.moderation.modes.of(HOME)
    for command in ("slow", "followers", "subscribers", "emoteonly", "uniquechat"):
        await home.obey("mod", f"/{command}")
        assert await home.moderation.modes.of(HOME) != before, command
        await home.obey("mod", f"/{command}off")
        after = await home.moderation.modes.of(HOME)
        assert after == before, command
        assert (await home.refusal("viewer", f"/{command}")).code is ErrorCode.FORBIDDEN
