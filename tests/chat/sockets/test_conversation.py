"""Sockets of one and of several processes over a real log."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from chat.sockets import conversation, heartbeat, session, wire
from chat.sockets.conversation import UNAUTHORIZED
from chat.sockets.places import PER_ADDRESS_MAX, PER_USER_MAX
from tests.chat.house import WAIT_S, Client, House, house
from tests.chat.memory import A

pytestmark = pytest.mark.services


@pytest.fixture
async def here(redis_url: str) -> AsyncIterator[House]:
    async with house(redis_url) as made:
        yield made


async def test_messages_are_said_in_order_while_pings_are_answered(here: House) -> None:
    async with here.page("?user=u") as one:
        await one.join()
        here.gate.clear()
        for number in range(session.SAYS_MAX + 1):
            await one.message(f"m{number}")
        refusal = await one.hear()
        assert (refusal["code"], refusal["idempotencyKey"]) == ("RATE_LIMITED", f"m{session.SAYS_MAX}")
        await one.say(type="ping")
        assert await one.hear() == {"type": "pong"}
        here.gate.set()
        heard = [await one.hear() for _ in range(2 * session.SAYS_MAX)]
        acks = [message for message in heard if message["type"] == "ack"]
        messages = [message for message in heard if message["type"] == "message"]
        assert [ack["idempotencyKey"] for ack in acks] == [f"m{number}" for number in range(session.SAYS_MAX)]
        assert [m["message"]["content"] for m in messages] == here.said
        assert [ack["seq"] for ack in acks] == [message["seq"] for message in messages]
        assert [ack["messageId"] for ack in acks] == [message["message"]["id"] for message in messages]


async def test_a_refusal_and_a_failure_name_the_message_and_the_socket_goes_on(here: House) -> None:
    async with here.page("?user=u") as one:
        await one.join()
        await one.message("slow", key="k1")
        error = await one.hear()
        assert error == {
            "type": "error",
            "code": "SLOW_MODE",
            "message": "Slow.",
            "retryAfterMs": 700,
            "channelId": A,
            "idempotencyKey": "k1",
        }
        await one.message("fail", key="k2")
        error = await one.hear()
        assert (error["code"], error["idempotencyKey"]) == ("INTERNAL_ERROR", "k2")
        await one.message("fine")
        assert (await one.hear_type("ack"))["idempotencyKey"] == "fine"


async def test_what_was_said_before_the_socket_closed_is_said(here: House) -> None:
    async with here.page() as other:
        await other.join()
        async with here.page("?user=u") as one:
            await one.join()
            here.gate.clear()
            await one.message("last words")
            await one.say(type="ping")
            await one.hear()
        here.gate.set()
        assert await other.contents(1) == ["last words"]


async def test_a_batch_is_an_array_whatever_it_is(here: House) -> None:
    async with here.page("?user=u&batch=1") as one:
        (joined,) = await one.join()
        assert joined["type"] == "joined"
        await one.message("hello")
        kinds: list[str] = []
        while len(kinds) < 2:
            kinds += [event["type"] for event in await one.hear()]
        assert sorted(kinds) == ["ack", "message"]


async def test_sockets_of_two_processes_get_the_same_once_also_when_subscriptions_are_cut(redis_url: str) -> None:
    count = session.BURST - 4
    async with (
        house(redis_url) as left,
        house(redis_url) as right,
        left.page("?user=u") as author,
        left.page() as one,
        right.page() as two,
    ):
        for client in (author, one, two):
            await client.join()
        for number in range(count):
            await author.message(str(number))
            await author.hear_type("ack")
            if number % 10 == 5:
                await left.redis.client_kill_filter(_type="pubsub")
        expected = [str(number) for number in range(count)]
        assert await one.contents(count) == expected
        assert await two.contents(count) == expected


async def test_a_socket_goes_on_at_another_process_where_it_was(redis_url: str) -> None:
    async with house(redis_url) as left, house(redis_url) as right, left.page("?user=u") as author:
        await author.join()
        async with left.page() as one:
            await one.join()
            await _say(author, 5)
            last = [await one.hear_type("message") for _ in range(3)][-1]
        async with right.page() as again:
            joined = await again.join(lastSeq=last["seq"], epoch=last["epoch"])
            assert joined["isResumed"] is True
            assert await again.contents(2) == ["3", "4"]
            await author.message("5")
            assert await again.contents(1) == ["5"]
        async with right.page() as lost:
            joined = await lost.join(lastSeq=last["seq"], epoch="another")
            assert (joined["isResumed"], (await lost.hear())["type"]) == (False, "reset")


async def _say(author: Client, count: int) -> None:
    for number in range(count):
        await author.message(str(number))
        await author.hear_type("ack")


async def test_who_missed_more_than_a_reader_may_be_behind_is_not_dropped(
    here: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with here.page("?user=u") as author, here.page() as one:
        joined = await author.join()
        await one.join()
        await _say(author, 30)
        monkeypatch.setattr(wire, "UNSENT_MAX", 2_000)
        async with here.page() as late:
            assert (await late.join(lastSeq=joined["lastSeq"], epoch=joined["epoch"]))["isResumed"] is True
            assert await late.contents(30) == [str(number) for number in range(30)]
    assert here.dropped == []


async def test_who_is_signed_out_is_closed_when_speaking(here: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with here.page("?user=u") as one:
        await one.join()
        await _say(one, 1)
        assert here.rechecks == 0
        here.age(conversation.RECHECK_S + 1)
        await one.message("again")
        await one.hear_type("ack")
        assert here.rechecks == 1
        here.signed_out.add("u")
        here.age(conversation.RECHECK_S + 1)
        await one.message("no more")
        assert await one.closed_with() == UNAUTHORIZED
    assert "no more" not in here.said


async def test_who_is_signed_out_is_closed_also_when_silent(here: House) -> None:
    async with here.page("?user=u") as one, here.page("?user=v") as other, here.page() as nobody:
        for client in (one, other, nobody):
            await client.join()
        here.signed_out.add("u")
        asking = asyncio.create_task(here.server._heartbeat.ask())
        assert await one.closed_with() == UNAUTHORIZED
        await asking
        assert here.rechecks == 2
        for client in (other, nobody):
            await client.say(type="ping")
            assert await client.hear() == {"type": "pong"}


async def test_the_sweep_pings_the_living_and_drops_the_dead(here: House) -> None:
    async with here.page() as one:
        await one.join()
        here.age(heartbeat.DEAD_S - 5)
        (found,) = here.server._open
        seen_at = found.seen_at
        await here.server._heartbeat.sweep(seen_at + heartbeat.DEAD_S - 1)
        await one.say(type="leave", channelId="nothing")  # the client answers pings while it reads
        with pytest.raises(TimeoutError):
            await one.ws.receive(timeout=0.2)
        async with asyncio.timeout(WAIT_S):
            while found.seen_at == seen_at:
                await asyncio.sleep(0.01)
        await here.server._heartbeat.sweep(found.seen_at + heartbeat.DEAD_S + 1)
        assert (await one.ws.receive(timeout=WAIT_S)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    assert here.dropped == ["dead"]


async def test_a_ping_frame_is_answered(here: House) -> None:
    async with here._client.ws_connect(f"{here.url}/ws/chat", autoping=False) as ws:
        await ws.ping(b"hello")
        answer = await ws.receive(timeout=WAIT_S)
        assert (answer.type, bytes(answer.data)) == (aiohttp.WSMsgType.PONG, b"hello")


async def test_a_token_that_is_no_good_closes_the_socket_for_good(here: House) -> None:
    async with here.page("?token=x") as one:
        assert await one.closed_with() == UNAUTHORIZED
    assert here.server.count == 0


@pytest.mark.parametrize(("query", "most"), [("?user=u", PER_USER_MAX), ("?address=192.0.2.1", PER_ADDRESS_MAX)])
async def test_one_account_and_one_address_have_so_many_sockets(here: House, query: str, most: int) -> None:
    opened = [await here._client.ws_connect(f"{here.url}/ws/chat{query}") for _ in range(most)]
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await here._client.ws_connect(f"{here.url}/ws/chat{query}")
    for ws in opened:
        await ws.close()
    assert here.server.count <= most


async def test_a_client_that_joins_and_goes_at_once_leaves_nothing(here: House) -> None:
    for _ in range(20):
        async with here.page("?user=u") as one:
            await one.say(type="join", channelId=A)
    await here.until_rooms(0)
    async with here.page() as one:
        assert (await one.join())["type"] == "joined"
