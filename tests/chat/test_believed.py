"""What was read lately: how long it is believed, what is read together, what becomes of it when reading fails."""

import asyncio
from collections.abc import Mapping

import pytest

from chat.believed import PATIENCE_S, STALE_S, WAITING_MAX, Believed
from schemas.errors import ApiError, ErrorCode


class Source:
    """A database of numbers: the length of a key, of those that have one."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.fails: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.now = 100.0
        self.troubles: list[str] = []

    async def read(self, keys: list[str]) -> Mapping[str, int]:
        self.asked.append(keys)
        answers = {key: len(key) for key in keys if key != "nobody"}
        await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        return answers

    def believed(self, *, keeps_absent: bool = True, kept_max: int = 100) -> Believed[str, int]:
        return Believed(
            "numbers",
            self.read,
            lambda name, error: self.troubles.append(f"{name}: {error}"),
            believed_s=30,
            kept_max=kept_max,
            keeps_absent=keeps_absent,
            now=lambda: self.now,
        )


async def test_an_answer_is_believed_for_a_while() -> None:
    source = Source()
    believed = source.believed()
    assert await believed.of("anna") == 4
    source.now += 29
    assert await believed.of("anna") == 4
    assert source.asked == [["anna"]]
    source.now += 1
    assert await believed.of("anna") == 4
    assert len(source.asked) == 2


async def test_that_there_is_none_is_believed_if_wanted() -> None:
    source = Source()
    keeps, forgets = source.believed(), source.believed(keeps_absent=False)
    for believed in (keeps, forgets):
        assert await believed.of("nobody") is None
        assert await believed.of("nobody") is None
    assert len(source.asked) == 3


async def test_all_who_come_at_once_are_read_together_and_each_key_once() -> None:
    source = Source()
    believed = source.believed()
    source.gate.clear()
    first = asyncio.create_task(believed.of("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(believed.of(key)) for key in ("bb", "ccc", "bb", "a")]
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(first, *others) == [1, 2, 3, 2, 1]
    assert source.asked == [["a"], ["bb", "ccc"]]


async def test_what_is_forgotten_while_it_is_read_is_read_again() -> None:
    source = Source()
    believed = source.believed()
    source.gate.clear()
    reading = asyncio.create_task(believed.of("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    believed.forget("a")
    source.gate.set()
    await reading
    await believed.of("a")
    assert source.asked == [["a"], ["a"]]


async def test_who_gives_up_does_not_take_the_answer_from_others() -> None:
    source = Source()
    believed = source.believed()
    source.gate.clear()
    one, other = (asyncio.create_task(believed.of("a")) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.sleep(0)
    source.gate.set()
    assert await other == 1
    assert one.cancelled()


async def test_an_old_answer_does_while_reading_fails() -> None:
    source = Source()
    believed = source.believed()
    assert await believed.of("anna") == 4
    source.fails = OSError("away")
    source.now += 60
    assert await believed.of("anna") == 4
    assert await believed.of("anna") == 4
    assert len(source.asked) == 2, "a database that fails is not asked for every message"
    assert source.troubles == ["numbers: away"]
    source.now += PATIENCE_S
    assert await believed.of("anna") == 4
    assert len(source.asked) == 3
    source.now += STALE_S
    with pytest.raises(OSError, match="away"):
        await believed.of("anna")


async def test_a_failure_is_the_answer_to_all_who_wait_and_is_not_kept() -> None:
    source = Source()
    believed = source.believed()
    source.fails = OSError("away")
    outcomes = await asyncio.gather(believed.of("a"), believed.of("b"), return_exceptions=True)
    assert all(isinstance(outcome, OSError) for outcome in outcomes)
    source.fails = None
    assert await believed.of("a") == 1


async def test_what_others_can_do_without_is_nothing_while_reading_fails() -> None:
    source = Source()
    believed = source.believed()
    await believed.of("anna")
    source.fails = OSError("away")
    assert await believed.at_best(["anna", "bob"]) == {"anna": 4, "bob": None}
    source.fails = None
    assert await believed.at_best(["anna", "bob"]) == {"anna": 4, "bob": 3}


async def test_an_answer_can_be_amended_until_it_is_read_again() -> None:
    source = Source()
    believed = source.believed()
    believed.amend("a", lambda value: value + 1)  # there is none yet: nothing happens
    await believed.of("a")
    believed.amend("a", lambda value: value + 1)
    assert await believed.of("a") == 2
    source.now += 30
    assert await believed.of("a") == 1


async def test_only_so_many_answers_are_kept() -> None:
    source = Source()
    believed = source.believed(kept_max=3)
    for key in ("a", "b", "c", "a", "d"):
        await believed.of(key)
    source.asked.clear()
    await believed.many(["a", "c", "d"])
    assert source.asked == []
    await believed.of("b")
    assert source.asked == [["b"]]


async def test_too_many_at_once_are_asked_to_come_back() -> None:
    source = Source()
    believed = source.believed()
    source.gate.clear()
    crowd = asyncio.create_task(believed.many(f"user{n}" for n in range(WAITING_MAX)))
    await asyncio.sleep(0)
    with pytest.raises(ApiError) as caught:
        await believed.of("one more")
    assert caught.value.body.code is ErrorCode.UNAVAILABLE
    assert caught.value.body.retry_after_ms
    source.gate.set()
    assert len(await crowd) == WAITING_MAX
    await believed.close()
