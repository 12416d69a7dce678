"""Questions that many ask at once."""

import asyncio

import pytest

from chat.keeping.gathering import Gathering


class Desk:
    """Answers with how often it was asked, when `open` is set."""

    def __init__(self) -> None:
        self.looks: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    async def look(self, question: str) -> int:
        self.looks.append(question)
        count = len(self.looks)
        await self.open.wait()
        if question == "bad":
            raise ValueError(question)
        return count


async def test_all_who_ask_at_once_share_a_look_up() -> None:
    desk = Desk()
    gathering = Gathering(desk.look)
    assert await asyncio.gather(*(gathering.ask("a") for _ in range(500)), gathering.ask("b")) == [1] * 500 + [2]


async def test_who_asks_while_a_look_up_is_under_way_gets_a_later_one() -> None:
    desk = Desk()
    gathering = Gathering(desk.look, apart_s=0.05)
    desk.open.clear()
    first = asyncio.create_task(gathering.ask("a"))
    while not desk.looks:
        await asyncio.sleep(0)
    others = [asyncio.create_task(gathering.ask("a")) for _ in range(10)]
    await asyncio.sleep(0)
    desk.open.set()
    assert await first == 1
    assert await asyncio.gather(*others) == [2] * 10


async def test_look_ups_of_the_same_are_apart() -> None:
    desk = Desk()
    gathering = Gathering(desk.look, apart_s=30.0)
    await gathering.ask("a")
    await gathering.ask("b")
    waiting = asyncio.create_task(gathering.ask("a"))
    await asyncio.sleep(0.02)
    assert desk.looks == ["a", "b"]
    await gathering.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_failure_is_everybodys_answer_and_not_the_next_ones() -> None:
    desk = Desk()
    gathering = Gathering(desk.look, apart_s=0.0)
    outcomes = await asyncio.gather(*(gathering.ask("bad") for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError] * 3
    assert desk.looks == ["bad"]
    assert await gathering.ask("good") == 2


async def test_one_who_leaves_does_not_end_the_look_up_of_the_others() -> None:
    desk = Desk()
    gathering = Gathering(desk.look)
    desk.open.clear()
    leaving, staying = (asyncio.create_task(gathering.ask("a")) for _ in range(2))
    while not desk.looks:
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    desk.open.set()
    assert await staying == 1


async def test_what_is_remembered_of_questions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.keeping.gathering.REMEMBERED", 3)
    gathering = Gathering(Desk().look)
    for number in range(10):
        await gathering.ask(str(number))
    assert len(gathering._begun_at) == 3
    assert not gathering._next
