"""Rooms, logs, the database's word, and events, without Redis."""

import asyncio

import msgspec
import pytest

from schemas.errors import ApiError, ErrorCode
from schemas.ids import ChannelId
from schemas.socket import (
    ChannelUpdated,
    StreamInterrupted,
    StreamOffline,
    StreamOnline,
    StreamResumed,
    ViewerCount,
)
from tests.chat.memory import NOBODY, OFF, S1, S2, A, Ear, World, away, on


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
