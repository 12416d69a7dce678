"""Rooms, logs, the database's word, and events, without Redis."""

import asyncio

import msgspec
import pytest

from chat.entry import head
from chat.log.places import Position
from chat.people import Standing
from chat.rooms import hub
from chat.rooms.room import Visit
from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId, UserId
from schemas.socket import (
    ChannelUpdated,
    HeldDecided,
    MessageHeld,
    StreamInterrupted,
    StreamOffline,
    StreamOnline,
    StreamResumed,
    ViewerCount,
)
from tests.chat.memory import NOBODY, OFF, S1, S2, A, Ear, World, away, identity, on


async def test_joined_tells_the_present_state() -> None:
    world, ear = World(seq=41), Ear()
    world.states[A] = on(S1, 7)
    await world.hub.join(ear, A)
    await world.settle()
    assert ear.heard == [
        {
            "type": "joined",
            "channelId": "a",
            "isLive": True,
            "sessionId": "s1",
            "startedAt": "2026-01-02T03:04:05Z",
            "viewerCount": 7,
            "isReconnecting": False,
            "epoch": "e1",
            "lastSeq": 41,
            "isResumed": False,
            "settings": ear.heard[0]["settings"],
            "you": msgspec.to_builtins(NOBODY),
            "pinned": None,
            "chatters": 0,
        }
    ]
    assert ear.heard[0]["settings"]["blockedTerms"] is None


async def test_joined_tells_that_the_publisher_is_away() -> None:
    world, ear = World(), Ear()
    world.states[A] = away(S1)
    await world.hub.join(ear, A)
    await world.settle()
    assert ear.heard[0]["isReconnecting"] is True
    assert world.hub.rooms[A].is_interrupted


async def test_a_lost_interruption_and_a_lost_return_are_made_up_for() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    world.states[A] = away(S1)
    for _ in range(2):
        await world.hub.states.compare(is_forced=False)
    await world.settle()
    assert ear.types == ["joined", "stream_online", "viewer_count", "stream_interrupted"]
    assert ear.heard[-1]["returnsUntil"] == 1_800_000_000_000
    world.states[A] = on(S1)
    for _ in range(2):
        await world.hub.states.compare(is_forced=False)
    await world.settle()
    assert ear.types[4:] == ["stream_online", "viewer_count", "stream_resumed"]


async def test_an_interruption_that_was_heard_is_not_told_again() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    world.say(StreamInterrupted(A, S1, 1_800_000_000_000, 1))
    world.states[A] = away(S1)
    await world.hub.states.compare(is_forced=False)
    world.say(StreamResumed(A, S1, 2))
    world.states[A] = on(S1)
    await world.hub.states.compare(is_forced=False)
    await world.settle()
    assert ear.types == ["joined", "stream_interrupted", "stream_resumed"]
    world.say(StreamInterrupted(A, S1, 1_800_000_000_000, 3))
    world.say(StreamOffline(A, S1, 4))
    world.states[A] = OFF
    await world.hub.states.compare(is_forced=False)
    await world.settle()
    assert ear.types[3:] == ["stream_interrupted", "stream_offline"]


async def test_a_channel_that_is_not_there_is_not_joined() -> None:
    world, ear = World(), Ear()
    with pytest.raises(ApiError) as refused:
        await world.hub.join(ear, ChannelId("nothing"))
    assert refused.value.body.code is ErrorCode.NOT_FOUND
    await world.settle()
    assert (ear.heard, world.hub.rooms) == ([], {})


async def test_a_join_that_fails_leaves_no_room() -> None:
    world, ear = World(), Ear()
    world.is_away = True
    with pytest.raises(ApiError) as refused:
        await world.hub.join(ear, A)
    assert refused.value.body.code is ErrorCode.UNAVAILABLE
    assert world.hub.rooms == {}


async def test_an_event_while_the_state_is_read_comes_behind_joined() -> None:
    world, ear = World(), Ear()
    world.gate.clear()
    joining = asyncio.create_task(world.hub.join(ear, A))
    await world.settle()
    world.states[A] = on(S1)
    world.say(StreamOnline(A, S1, 1))
    world.gate.set()
    await joining
    await world.settle()
    assert ear.types == ["joined", "stream_online"]
    assert world.hub.rooms[A].live_session == S1


async def test_events_reach_the_room_and_no_other() -> None:
    world, here, there = World(), Ear(), Ear()
    world.states[ChannelId("b")] = OFF
    await world.hub.join(here, A)
    await world.hub.join(there, ChannelId("b"))
    for event in (StreamOnline(A, S1, 1), ViewerCount(A, 3), ChannelUpdated(A), StreamOffline(A, S1, 2)):
        world.say(event)
    await world.settle()
    assert here.types == ["joined", "stream_online", "viewer_count", "channel_updated", "stream_offline"]
    assert there.types == ["joined"]


async def test_an_event_that_is_not_understood_is_noted_and_skipped() -> None:
    world, ear = World(), Ear()
    await world.hub.join(ear, A)
    for content in (b'{"type":"confetti","channelId":"a"}', b"\xff", b""):
        world.hub.deliver(content)
    world.say(ViewerCount(A, 1))
    await world.settle()
    assert ear.types == ["joined", "viewer_count"]
    assert len(world.troubles) == 3


async def test_a_room_without_members_is_forgotten() -> None:
    world, ear = World(), Ear()
    await world.hub.join(ear, A)
    world.hub.leave(ear, A)
    world.hub.leave(ear, A)
    assert world.hub.rooms == {}
    world.say(StreamOnline(A, S1, 1))
    await world.settle()
    assert ear.types == ["joined"]


@pytest.mark.parametrize("is_forced", [False, True])
async def test_a_lost_online_is_made_up_for(is_forced: bool) -> None:
    world, ear = World(), Ear()
    await world.hub.join(ear, A)
    world.states[A] = on(S1, 4)
    await world.hub.states.compare(is_forced=is_forced)
    await world.settle()
    assert ear.types == ["joined", "stream_online", "viewer_count"]
    assert (ear.heard[1]["sessionId"], ear.heard[2]["count"]) == ("s1", 4)


async def test_a_lost_offline_is_made_up_for() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    world.states[A] = OFF
    await world.hub.states.compare(is_forced=False)
    await world.settle()
    assert ear.types == ["joined", "stream_offline"]
    assert ear.heard[1]["sessionId"] == "s1"


async def test_a_lost_change_of_session_is_made_up_for() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    world.states[A] = on(S2)
    await world.hub.states.compare(is_forced=False)
    await world.settle()
    assert ear.types == ["joined", "stream_online", "viewer_count"]
    assert ear.heard[1]["sessionId"] == "s2"


async def test_a_comparison_that_finds_nothing_says_nothing() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    await world.hub.states.compare(is_forced=False)
    await world.settle()
    assert ear.types == ["joined"]


async def test_an_event_is_newer_than_the_answer_to_an_older_question() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    world.gate.clear()
    comparing = asyncio.create_task(world.hub.states.compare(is_forced=True))
    await asyncio.sleep(0)
    world.say(StreamOffline(A, S1, 1))
    world.gate.set()
    await comparing
    await world.settle()
    assert ear.types == ["joined", "stream_offline"]


async def test_a_second_joiner_who_reads_old_news_does_not_turn_the_room_back() -> None:
    world, first, second = World(), Ear(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(first, A)
    world.gate.clear()
    joining = asyncio.create_task(world.hub.join(second, A))
    await world.settle()
    world.say(StreamOffline(A, S1, 1))
    world.gate.set()
    await joining
    await world.settle()
    assert second.types == ["joined", "stream_offline"]
    assert world.hub.rooms[A].live_session is None


# --- the log ---


async def joined(world: World, ear: Ear, place: Position | None = None, user: str | None = None) -> None:
    await world.hub.join(ear, A, Visit(identity(user) if user else None, place=place))


async def test_entries_come_once_and_in_order_though_some_were_not_published() -> None:
    world, ear = World(), Ear()
    await joined(world, ear)
    entries = [world.log.append() for _ in range(9)]
    for number in (0, 1, 4, 3, 4, 8):
        world.publish(entries[number])
        await world.settle()
    assert ear.seqs == list(range(1, 10))
    assert world.troubles == []


async def test_entries_that_are_published_one_after_the_other_are_not_read() -> None:
    world, ear = World(), Ear()
    await joined(world, ear)
    world.log.asked.clear()
    for _ in range(5):
        world.publish(world.log.append())
    await world.settle()
    assert (ear.seqs, world.log.asked) == ([1, 2, 3, 4, 5], [])


async def test_an_entry_that_comes_while_the_room_is_opened_is_not_lost() -> None:
    world, ear = World(), Ear()
    world.log.gate.clear()
    joining = asyncio.create_task(world.hub.join(ear, A))
    await world.settle()
    world.publish(world.log.append())
    world.log.gate.set()
    await joining
    await world.settle()
    assert ear.heard[0]["lastSeq"] + len(ear.seqs) == 1


async def test_a_new_subscription_is_followed_by_a_look_at_the_log() -> None:
    world, ear = World(), Ear()
    await joined(world, ear)
    world.log.append()
    world.ear.on_fresh(A)
    await world.settle()
    assert ear.seqs == [1]


async def test_entries_that_come_while_a_gap_is_read_are_not_lost() -> None:
    world, ear = World(), Ear()
    await joined(world, ear)
    entries = [world.log.append() for _ in range(3)]
    world.log.gate.clear()
    world.publish(entries[1])
    await asyncio.sleep(0)
    world.publish(entries[2])
    world.publish(world.log.append())
    world.log.gate.set()
    await world.settle()
    assert ear.seqs == [1, 2, 3, 4]


async def test_a_log_that_cannot_be_read_is_read_later() -> None:
    world, ear = World(), Ear()
    await joined(world, ear)
    world.log.is_away = True
    world.log.append()
    world.publish(world.log.append())
    await world.settle()
    assert (ear.seqs, world.troubles) == ([], ["chat fill"])
    world.log.is_away = False
    world.ear.on_fresh(A)
    await world.settle()
    assert ear.seqs == [1, 2]


async def test_a_change_of_epoch_that_lost_nothing_goes_on() -> None:
    world, ear = World(), Ear()
    await joined(world, ear)
    world.publish(world.log.append())
    world.log.lose(0, "e2")
    world.publish(world.log.entries[-1])
    await world.settle()
    assert ear.types == ["joined", "clear_chat", "clear_chat"]
    assert ear.heard[-1]["epoch"] == "e2"


async def test_a_log_that_lost_what_was_told_resets_the_room() -> None:
    world, ear, late = World(), Ear(), Ear()
    await joined(world, ear)
    for _ in range(3):
        world.publish(world.log.append())
    await world.settle()
    world.log.lose(1, "e2")
    world.publish(world.log.entries[-1])
    await world.settle()
    assert ear.types[4:] == ["reset"]
    assert (ear.heard[-1]["epoch"], ear.heard[-1]["lastSeq"]) == ("e2", 1_000_002)
    world.publish(world.log.append())
    await world.settle()
    assert ear.seqs[-1] == 1_000_003
    await joined(world, late, Position("e1", 3))
    assert late.types == ["joined", "reset"]


async def test_numbers_that_begin_anew_in_another_epoch_reset_the_room() -> None:
    world, ear = World(), Ear()
    await joined(world, ear)
    for _ in range(5):
        world.publish(world.log.append())
    world.log.entries, world.log.epoch = [], "e2"
    world.publish(world.log.append())
    await world.settle()
    assert ear.types[-1] == "reset"
    assert ear.heard[-1]["lastSeq"] == 1


async def test_the_watch_finds_a_lost_last_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "WATCH_S", 0.01)
    monkeypatch.setattr(hub, "ARRIVING_S", 0.0)
    world, ear = World(), Ear()
    await joined(world, ear)
    world.log.append()
    watching = asyncio.create_task(world.hub._watch())
    async with asyncio.timeout(20):
        while not ear.seqs:
            await asyncio.sleep(0.01)
            await world.settle()
    watching.cancel()
    assert ear.seqs == [1]


async def test_who_comes_back_from_another_process_gets_what_was_missed_from_the_log_read_once() -> None:
    world, ears = World(), [Ear() for _ in range(50)]
    for _ in range(300):
        world.log.append()
    await asyncio.gather(*(joined(world, ear, Position("e1", 100 + number)) for number, ear in enumerate(ears)))
    for number, ear in enumerate(ears):
        assert ear.heard[0]["isResumed"] is True
        assert ear.seqs == list(range(101 + number, 301))
    assert (world.log.asked.count("before"), world.log.asked.count("where"), world.reads) == (1, 1, 1)


async def test_who_has_seen_nothing_of_the_log_yet_is_continued_from_its_beginning() -> None:
    world, ear, other = World(), Ear(), Ear()
    for _ in range(3):
        world.log.append()
    await joined(world, ear, Position("e1", 0))
    assert ear.seqs == [1, 2, 3]
    await joined(world, other, Position("e0", 0))
    assert other.types == ["joined", "reset"]


async def test_who_is_further_than_this_process_waits_until_it_is_as_far() -> None:
    world, first, ahead = World(), Ear(), Ear()
    await joined(world, first)
    for _ in range(3):
        world.log.append()  # not published to us
    flushing = asyncio.create_task(world.hub.flusher.run())
    await joined(world, ahead, Position("e1", 2))
    assert (ahead.heard[0]["isResumed"], ahead.heard[0]["lastSeq"]) == (True, 3)
    assert ahead.seqs == [3]
    flushing.cancel()


async def test_a_place_that_was_never_given_is_not_continued() -> None:
    for place in (Position("e1", 1 << 50), Position("", 0), Position("nonsense", 2)):
        world, ear = World(), Ear()
        for _ in range(3):
            world.log.append()
        await joined(world, ear, place)
        assert ear.types == ["joined", "reset"]


async def test_watchers_are_told_each_entry_once_and_one_that_fails_stops_nobody() -> None:
    world, ear = World(), Ear()
    told: list[int] = []

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    world.hub.watch(lambda _, entry: told.append(entry.seq))
    world.hub.watch(fail)
    await joined(world, ear)
    entries = [world.log.append() for _ in range(4)]
    for entry in (entries[0], entries[0], entries[3]):
        world.publish(entry)
        await world.settle()
    assert told == [1, 2, 3, 4]
    assert ear.seqs == told
    assert set(world.troubles) == {"chat entry"}


# --- who may hear what ---


MODERATOR = Standing("moderator", [], None, 0, 0, False)


async def test_moderators_hear_what_waits_and_authors_what_was_decided() -> None:
    world, moderator, author, other = World(), Ear(user="m"), Ear(user="u"), Ear()
    world.roles[UserId("m")] = MODERATOR
    await joined(world, moderator, user="m")
    await joined(world, author, user="u")
    await joined(world, other)
    held = MessageHeld(A, "h", UserId("u"), "u", "U", "text", "why", 1)
    for event in (held, HeldDecided(A, "h", UserId("u"), True, "m")):
        world.ear.on_moderators(A, msgspec.json.encode(event))
    world.ear.on_moderators(A, b'{"type":"confetti"}')
    assert moderator.types[1:] == ["message_held", "held_decided"]
    assert author.types[1:] == ["held_decided"]
    assert other.types[1:] == []
    assert world.troubles == ["moderator event"]
    assert world.hub.moderates(moderator, A)
    assert not world.hub.moderates(author, A)


async def test_terms_are_told_to_moderators_only_and_a_program_needs_the_scope() -> None:
    world = World()
    world.roles[UserId("m")] = MODERATOR
    for scopes, terms in ((None, ["x"]), (frozenset({"chat:read"}), None)):
        ear = Ear(user="m")
        await world.hub.join(ear, A, Visit(identity("m", scopes)))
        assert ear.heard[0]["settings"]["blockedTerms"] == terms
        assert world.hub.moderates(ear, A) == bool(terms)


async def test_a_role_that_is_given_makes_a_moderator_at_once() -> None:
    world, ear = World(), Ear(user="u")
    await joined(world, ear, user="u")
    given = head("role_changed", A, userId="u", username="u", role="moderator")
    world.publish(world.log.append("role_changed", given))
    assert world.hub.moderates(ear, A)


async def test_the_banned_are_told_until_when() -> None:
    world, ear = World(), Ear(user="u")
    world.log.bans[UserId("u")] = 0
    await joined(world, ear, user="u")
    assert ear.heard[0]["you"]["bannedUntil"] == 0


async def test_who_may_not_watch_may_not_join() -> None:
    world, stranger, friend, guest = World(), Ear(), Ear(user="f"), Ear()
    world.readers = {"f", "the key"}
    with pytest.raises(ApiError) as refused:
        await joined(world, stranger)
    assert refused.value.body.code is ErrorCode.FORBIDDEN
    assert (stranger.written, world.hub.rooms, world.log.asked) == ([], {}, [])
    await joined(world, friend, user="f")
    await world.hub.join(guest, A, Visit(key="the key"))
    assert friend.types == guest.types == ["joined"]
    program = Ear(user="f")
    with pytest.raises(ApiError):
        await world.hub.join(program, A, Visit(identity("f", frozenset({"chat:write"}))))


async def test_who_may_not_watch_any_more_is_taken_out() -> None:
    world, stranger, friend, guest = World(), Ear(), Ear(user="f"), Ear()
    await joined(world, stranger)
    await joined(world, friend, user="f")
    await world.hub.join(guest, A, Visit(key="the key"))
    world.readers = {"f", "the key"}
    checking = asyncio.create_task(world.hub._readers.run())
    world.say(ChannelUpdated(A))
    await world.settle()
    assert (stranger.expelled_from, friend.expelled_from, guest.expelled_from) == ([A], [], [])
    world.publish(world.log.append())
    await world.settle()
    assert (stranger.seqs, friend.seqs, guest.seqs) == ([], [1], [1])
    checking.cancel()


async def test_what_is_pinned_follows_the_log_and_is_read_once() -> None:
    world, first, second = World(), Ear(), Ear()
    await joined(world, first)
    message = {"id": "m", "channelId": "a", "userId": "u", "username": "u", "displayName": "U", "content": "c"}
    more = {"badges": [], "emotes": [], "color": "", "timestamp": 1, "seq": 1, "epoch": "e1"}
    pinned = {"message": message | more, "pinnedBy": "M", "pinnedAt": 1, "until": None}
    world.publish(world.log.append("message_pinned", head("message_pinned", A, pinned=pinned)))
    await joined(world, second)
    assert second.heard[0]["pinned"]["message"]["id"] == "m"
    over = pinned | {"until": 2}
    world.publish(world.log.append("message_pinned", head("message_pinned", A, pinned=over)))
    third = Ear()
    await joined(world, third)
    assert third.heard[0]["pinned"] is None


async def test_who_leaves_and_joins_again_while_joining_is_joined_once() -> None:
    world, ear = World(), Ear()
    world.log.gate.clear()
    first = asyncio.create_task(world.hub.join(ear, A))
    await world.settle()
    world.hub.leave(ear, A)
    second = asyncio.create_task(world.hub.join(ear, A))
    await world.settle()
    world.log.gate.set()
    with pytest.raises(ApiError):
        await first
    await second
    assert ear.types == ["joined"]
    assert list(world.hub.rooms) == [A]
