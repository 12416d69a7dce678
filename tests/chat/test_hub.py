"""Rooms, the database's word, and events, without Redis."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from chat.hub import ChannelState, Hub
from schemas.ids import ChannelId, SessionId
from schemas.socket import (
    ChannelEvent,
    ChannelUpdated,
    StreamInterrupted,
    StreamOffline,
    StreamOnline,
    StreamResumed,
    ViewerCount,
)

A = ChannelId("a")
S1, S2 = SessionId("s1"), SessionId("s2")
OFF = ChannelState(None, None, 0)
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def on(session: SessionId, viewers: int = 0) -> ChannelState:
    return ChannelState(session, AT, viewers)


def away(session: SessionId) -> ChannelState:
    return ChannelState(session, AT, 0, returns_until_ms=1_800_000_000_000)


class Ear:
    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def send(self, frame: bytes) -> None:
        payload = frame[2:] if frame[1] < 126 else frame[4:]
        self.heard.append(msgspec.json.decode(payload))

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.heard]


class World:
    """The database as the hub sees it, and its troubles."""

    def __init__(self) -> None:
        self.states: dict[ChannelId, ChannelState] = {A: OFF}
        self.troubles: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_away = False
        self.hub = Hub(Redis(), self.read, lambda subject, _: self.troubles.append(subject))

    async def read(self, ids: Sequence[ChannelId]) -> Mapping[ChannelId, ChannelState]:
        states = {channel: self.states[channel] for channel in ids if channel in self.states}
        await self.gate.wait()
        if self.is_away:
            raise TimeoutError
        return states

    def say(self, event: ChannelEvent) -> None:
        self.hub.deliver(msgspec.json.encode(event))


async def test_joined_tells_the_present_state() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1, 7)
    assert await world.hub.join(ear, A)
    assert ear.heard == [
        {
            "type": "joined",
            "channelId": "a",
            "isLive": True,
            "sessionId": "s1",
            "startedAt": "2026-01-02T03:04:05Z",
            "viewerCount": 7,
            "isReconnecting": False,
        }
    ]


async def test_joined_tells_that_the_publisher_is_away() -> None:
    world, ear = World(), Ear()
    world.states[A] = away(S1)
    await world.hub.join(ear, A)
    assert ear.heard[0]["isReconnecting"] is True
    assert world.hub.rooms[A].is_interrupted


async def test_a_lost_interruption_and_a_lost_return_are_made_up_for() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    world.states[A] = away(S1)
    for _ in range(2):
        await world.hub.compare(is_forced=False)
    assert ear.types == ["joined", "stream_online", "viewer_count", "stream_interrupted"]
    assert ear.heard[-1]["returnsUntil"] == 1_800_000_000_000
    world.states[A] = on(S1)
    for _ in range(2):
        await world.hub.compare(is_forced=False)
    assert ear.types[4:] == ["stream_online", "viewer_count", "stream_resumed"]


async def test_an_interruption_that_was_heard_is_not_told_again() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    world.say(StreamInterrupted(A, S1, 1_800_000_000_000, 1))
    world.states[A] = away(S1)
    await world.hub.compare(is_forced=False)
    world.say(StreamResumed(A, S1, 2))
    world.states[A] = on(S1)
    await world.hub.compare(is_forced=False)
    assert ear.types == ["joined", "stream_interrupted", "stream_resumed"]
    world.say(StreamInterrupted(A, S1, 1_800_000_000_000, 3))
    world.say(StreamOffline(A, S1, 4))
    world.states[A] = OFF
    await world.hub.compare(is_forced=False)
    assert ear.types[3:] == ["stream_interrupted", "stream_offline"]


async def test_a_channel_that_is_not_there_is_not_joined() -> None:
    world, ear = World(), Ear()
    assert not await world.hub.join(ear, ChannelId("nothing"))
    assert (ear.heard, world.hub.rooms) == ([], {})


async def test_a_join_that_fails_leaves_no_room() -> None:
    world, ear = World(), Ear()
    world.is_away = True
    with pytest.raises(TimeoutError):
        await world.hub.join(ear, A)
    assert world.hub.rooms == {}


async def test_an_event_while_the_state_is_read_comes_behind_joined() -> None:
    world, ear = World(), Ear()
    world.gate.clear()
    joining = asyncio.create_task(world.hub.join(ear, A))
    await asyncio.sleep(0)
    world.say(StreamOnline(A, S1, 1))
    world.gate.set()
    assert await joining
    assert ear.types == ["joined", "stream_online"]
    assert world.hub.rooms[A].live_session == S1


async def test_events_reach_the_room_and_no_other() -> None:
    world, here, there = World(), Ear(), Ear()
    world.states[ChannelId("b")] = OFF
    await world.hub.join(here, A)
    await world.hub.join(there, ChannelId("b"))
    for event in (StreamOnline(A, S1, 1), ViewerCount(A, 3), ChannelUpdated(A), StreamOffline(A, S1, 2)):
        world.say(event)
    assert here.types == ["joined", "stream_online", "viewer_count", "channel_updated", "stream_offline"]
    assert there.types == ["joined"]


async def test_an_event_that_is_not_understood_is_noted_and_skipped() -> None:
    world, ear = World(), Ear()
    await world.hub.join(ear, A)
    for content in (b'{"type":"confetti","channelId":"a"}', b"\xff", b""):
        world.hub.deliver(content)
    world.say(ViewerCount(A, 1))
    assert ear.types == ["joined", "viewer_count"]
    assert len(world.troubles) == 3


async def test_a_room_without_members_is_forgotten() -> None:
    world, ear = World(), Ear()
    await world.hub.join(ear, A)
    world.hub.leave(ear, A)
    world.hub.leave(ear, A)
    assert world.hub.rooms == {}
    world.say(StreamOnline(A, S1, 1))
    assert ear.types == ["joined"]


@pytest.mark.parametrize("is_forced", [False, True])
async def test_a_lost_online_is_made_up_for(is_forced: bool) -> None:
    world, ear = World(), Ear()
    await world.hub.join(ear, A)
    world.states[A] = on(S1, 4)
    await world.hub.compare(is_forced=is_forced)
    assert ear.types == ["joined", "stream_online", "viewer_count"]
    assert (ear.heard[1]["sessionId"], ear.heard[2]["count"]) == ("s1", 4)


async def test_a_lost_offline_is_made_up_for() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    world.states[A] = OFF
    await world.hub.compare(is_forced=False)
    assert ear.types == ["joined", "stream_offline"]
    assert ear.heard[1]["sessionId"] == "s1"


async def test_a_lost_change_of_session_is_made_up_for() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    world.states[A] = on(S2)
    await world.hub.compare(is_forced=False)
    assert ear.types == ["joined", "stream_online", "viewer_count"]
    assert ear.heard[1]["sessionId"] == "s2"


async def test_a_comparison_that_finds_nothing_says_nothing() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    await world.hub.compare(is_forced=False)
    assert ear.types == ["joined"]


async def test_an_event_is_newer_than_the_answer_to_an_older_question() -> None:
    world, ear = World(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(ear, A)
    world.gate.clear()
    comparing = asyncio.create_task(world.hub.compare(is_forced=True))
    await asyncio.sleep(0)
    world.say(StreamOffline(A, S1, 1))
    world.gate.set()
    await comparing
    assert ear.types == ["joined", "stream_offline"]


async def test_a_second_joiner_who_reads_old_news_does_not_turn_the_room_back() -> None:
    world, first, second = World(), Ear(), Ear()
    world.states[A] = on(S1)
    await world.hub.join(first, A)
    world.gate.clear()
    joining = asyncio.create_task(world.hub.join(second, A))
    await asyncio.sleep(0)
    world.say(StreamOffline(A, S1, 1))
    world.gate.set()
    await joining
    assert second.types == ["joined", "stream_offline"]
    assert world.hub.rooms[A].live_session is None
