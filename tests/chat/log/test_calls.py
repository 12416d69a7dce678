"""chat/log/calls.py with real servers that die, stand still, forget and are promoted."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from redis.asyncio import Redis

from chat.entry import Entry
from chat.log import ActEvent, ChatLog, Place, calls, keys, wire
from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId
from tests.chat.log.material import ALICE, BOB, NEWS, Database, Running, line, running
from tests.chat.log.servers import PortValkey, Switch, switch, valkeys

pytestmark = pytest.mark.services
PATIENCE_S = 40.0


@pytest.fixture
def durable(free_port: Callable[[], int]) -> Iterator[PortValkey]:
    """A server with an append-only file."""
    with valkeys(free_port(), durable=True) as (server,):
        yield server


async def say_surely(chat: Running, key: str, user: UserId = ALICE) -> Place:
    """Say a line as a client does: again, with the same key, until it is answered."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await chat.say(line(key, user))
            except ApiError as error:
                if error.body.code is not ErrorCode.UNAVAILABLE:
                    raise
                await asyncio.sleep(0.05)


def chained(entries: list[Entry]) -> bool:
    return all(one.seq == two.prev and one.at_ms <= two.at_ms for one, two in pairwise(entries))


async def test_a_thousand_lines_of_two_processes_are_one_chain_without_repeats(redis_url: str) -> None:
    async with running(redis_url) as one, running(redis_url) as two:
        lines = [line(f"{n % 400}", (ALICE, BOB)[n % 2]) for n in range(1000)]
        places = await asyncio.gather(*((one, two)[n % 3 == 0].say(said) for n, said in enumerate(lines)))
        entries = await one.log.read(NEWS, 0, 2000)
        assert len(entries) == 400
        assert chained(entries)
        assert sum(not place.is_repeat for place in places) == 400
        by_key: dict[tuple[str, str], set[int]] = {}
        for said, place in zip(lines, places, strict=True):
            by_key.setdefault((said.user, said.key), set()).add(place.seq)
        assert all(len(seqs) == 1 for seqs in by_key.values())


async def test_lines_of_one_caller_keep_their_order(chat: Running) -> None:
    tasks = [asyncio.create_task(chat.say(line(str(n)))) for n in range(600)]  # more than one pipeline takes
    places = await asyncio.gather(*tasks)
    assert [place.seq for place in places] == list(range(1, 601))


async def test_a_server_that_is_killed_and_started_again_loses_and_repeats_nothing(durable: PortValkey) -> None:
    async with running(durable.url) as one, running(durable.url) as two:
        said: dict[str, Place] = {}

        async def talk(chat: Running, name: str) -> None:
            for n in range(60):
                said[f"{name}{n}"] = await say_surely(chat, f"{name}{n}")
                await asyncio.sleep(0.005)

        async with asyncio.TaskGroup() as tasks:
            for n in range(6):
                tasks.create_task(talk((one, two)[n % 2], f"talker {n} "))
            while len(said) < 60:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(durable.kill)
            await asyncio.to_thread(durable.start)
        entries = await one.log.read(NEWS, 0, 2000)
        assert {entry.head.decode(): entry.seq for entry in entries} == {key: said[key].seq for key in said}
        assert len(entries) == 360
        assert chained(entries)
        epochs = [entry.epoch for entry in entries]
        changes = [n for n in range(1, 360) if epochs[n] != epochs[n - 1]]
        assert len(changes) == 1
        assert entries[changes[0]].seq - entries[changes[0] - 1].seq == 1_000_001
        # who has not sent since does not begin another epoch with what it knew before
        assert (await two.say(line("late"))).epoch == epochs[-1]


async def test_a_server_that_forgot_the_scripts_is_told_them_again(chat: Running, redis: Redis) -> None:
    await chat.say(line("a"))
    await redis.script_flush()
    places = await asyncio.gather(*(chat.say(line(key)) for key in "bcd"))
    assert [place.seq for place in places] == [2, 3, 4]
    assert chat.troubles == []


async def test_a_server_that_stands_still_is_asked_again_and_says_it_once(
    chat: Running, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chat.say(line("a"))
    monkeypatch.setattr(calls, "ANSWER_S", 0.2)
    monkeypatch.setattr(calls, "CALL_S", PATIENCE_S)
    await redis.client_pause(900)
    assert (await chat.say(line("b"))).seq == 2
    assert await chat.ids() == ["a", "b"]
    assert "redis" in {subject for subject, _ in chat.troubles}


async def test_a_server_that_cannot_take_more_refuses_and_goes_on(chat: Running, redis: Redis) -> None:
    await chat.say(line("a"))
    await redis.config_set("maxmemory", 1)
    try:
        assert (await chat.refusal(line("b"))).code is ErrorCode.UNAVAILABLE
        assert "redis" in {subject for subject, _ in chat.troubles}
    finally:
        await redis.config_set("maxmemory", 0)
    assert (await chat.say(line("b"))).seq == 2


async def test_without_a_server_calls_end(free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "CALL_S", 0.3)
    async with running(f"redis://127.0.0.1:{free_port()}") as chat:
        refusal = await chat.refusal(line("a"))
        assert (refusal.code, refusal.retry_after_ms) == (ErrorCode.UNAVAILABLE, calls.RETRY_AFTER_MS)
        assert {subject for subject, _ in chat.troubles} == {"redis"}


async def test_what_waits_is_bounded(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "QUEUE_MAX", 3)
    log = ChatLog(redis_url, Database().recall, lambda *_: None)
    waiting = [asyncio.create_task(log.say(line(str(n)))) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(ApiError) as error:
        await log.say(line("one too many"))
    assert error.value.body.code is ErrorCode.UNAVAILABLE
    run = asyncio.create_task(log.run())
    assert len(await asyncio.gather(*waiting)) == 3
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    with pytest.raises(ApiError):  # nobody serves it any more: at once, not after its deadline
        async with asyncio.timeout(calls.CALL_S / 2):
            await log.say(line("late"))


async def test_who_waits_when_the_process_ends_is_told_at_once(free_port: Callable[[], int]) -> None:
    async with running(f"redis://127.0.0.1:{free_port()}") as chat:
        waiting = asyncio.create_task(chat.refusal(line("a")))
        await asyncio.sleep(0)
    async with asyncio.timeout(calls.CALL_S / 2):
        assert (await waiting).code is ErrorCode.UNAVAILABLE


async def test_lines_keep_their_order_over_a_lost_connection(durable: PortValkey) -> None:
    async with running(durable.url) as chat:
        await chat.say(line("a"))
        durable.kill()  # nothing of the loop runs meanwhile: the connection still looks good
        said = [asyncio.create_task(say_surely(chat, key)) for key in "bcd"]
        await asyncio.sleep(0.05)
        await asyncio.to_thread(durable.start)
        await asyncio.gather(*said)
        assert await chat.ids() == list("abcd")


async def test_who_has_gone_away_says_nothing(redis_url: str) -> None:
    async with running(redis_url) as chat:
        await chat.log.where(NEWS)
    log = ChatLog(redis_url, Database().recall, lambda *_: None)
    gone = asyncio.create_task(log.say(line("gone")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    run = asyncio.create_task(log.run())
    await log.say(line("here"))
    assert [entry.head for entry in await log.read(NEWS, 0, 10)] == [b"here"]
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_a_server_that_was_a_replica_for_a_while_begins_an_epoch(durable: PortValkey) -> None:
    async with running(durable.url) as chat:
        first = await chat.say(line("a"))
        durable.do("REPLICAOF", "127.0.0.1", "1")
        waiting = asyncio.create_task(say_surely(chat, "b"))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        durable.do("REPLICAOF", "NO", "ONE")
        second = await waiting
        assert second.seq == first.seq + 1_000_001
        assert second.epoch != first.epoch
        runs = durable.do("HGET", keys.state(NEWS), "runs")
        assert isinstance(runs, bytes)
        assert len(set(runs.split())) == 2


async def test_a_server_that_was_a_replica_while_nobody_spoke_is_noticed(
    durable: PortValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "IDENTITY_S", 0.0)
    async with running(durable.url) as chat:
        first = await chat.say(line("a"))
        durable.do("REPLICAOF", "127.0.0.1", "1")
        durable.do("REPLICAOF", "NO", "ONE")
        assert (await chat.say(line("b"))).epoch != first.epoch


async def until_replicated(replica: PortValkey) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with_master = await asyncio.to_thread(replica.do, "INFO", "replication")
            if isinstance(with_master, dict) and with_master.get("master_link_status") == "up":
                return
            await asyncio.sleep(0.05)


async def test_failover_loses_no_line_that_was_answered(free_port: Callable[[], int]) -> None:
    with valkeys(free_port(), free_port()) as (master, replica):
        replica.do("REPLICAOF", "127.0.0.1", str(master.port))
        await until_replicated(replica)
        async with switch(free_port(), master.port) as there, running(there.url, replicas=1) as chat:
            said = [await say_surely(chat, f"{n}") for n in range(100)]
            async with running(there.url, replicas=1) as one, running(there.url, replicas=1) as two:
                await _unconfirmed_is_not_answered([chat, one], [chat, two], replica)
            said.append(await say_surely(chat, "unconfirmed"))
            said += await chat.act("unconfirmed", ActEvent("clear_chat", "{"))
            await _fail_over(master, replica, there)
        # alone now: nobody would confirm
        async with switch(free_port(), replica.port) as there, running(there.url) as chat:
            entries = {entry.seq: entry for entry in await chat.log.read(NEWS, 0, 1000)}
            assert all(entries[place.seq].epoch == place.epoch for place in said)
            assert (await chat.say(line("5"))).seq == said[5].seq
            after = await chat.say(line("after"))
            assert after.seq == said[-1].seq + 1_000_001
            assert after.epoch != said[-1].epoch


async def _unconfirmed_is_not_answered(say: list[Running], tell: list[Running], replica: PortValkey) -> None:
    """A replica that stands still: nothing is promised, also when another process is asked, which wrote nothing."""
    for chat in (*say, *tell):
        await chat.log.where(NEWS)
    pid = replica.pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        for chat in (*say, *say):
            assert (await chat.refusal(line("unconfirmed"))).code is ErrorCode.UNAVAILABLE
            assert (await chat.refusal(line("no", interval_ms=1, burst=0))).code is ErrorCode.RATE_LIMITED
            with pytest.raises(ApiError):
                await chat.log.answered(NEWS, ALICE, "unconfirmed")
        for chat in (*tell, *tell):
            with pytest.raises(ApiError):
                await chat.act("unconfirmed", ActEvent("clear_chat", "{"))
    finally:
        os.kill(pid, signal.SIGCONT)


async def _fail_over(master: PortValkey, replica: PortValkey, there: Switch) -> None:
    await asyncio.to_thread(master.kill)
    replica.do("REPLICAOF", "NO", "ONE")
    there.lead(replica.port)


async def test_text_that_is_none_fails_its_caller_only(chat: Running) -> None:
    with pytest.raises(UnicodeError):
        await chat.say(line("\ud800", id="x", head=b"{"))
    assert (await chat.say(line("a"))).seq == 1


async def test_a_server_that_accepts_and_says_nothing_ends_calls_too(
    free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "CONNECT_S", 0.2)
    monkeypatch.setattr(calls, "CALL_S", 1.0)
    port = free_port()
    accepted: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: accepted.append(writer), "127.0.0.1", port)
    async with running(f"redis://127.0.0.1:{port}") as chat:
        assert (await chat.refusal(line("a"))).code is ErrorCode.UNAVAILABLE
        assert len(accepted) > 1
    for writer in accepted:
        writer.close()
    server.close()
    await server.wait_closed()
