import asyncio

from schemas.errors import ErrorCode
from web.hls.entries import Entry, make_error
from web.hls.flights import WAKE_BATCH, Flight, Tower

ENTRY = make_error(ErrorCode.NOT_FOUND, "no")


class Noted:
    def __init__(self, log: list["Noted"] | None = None) -> None:
        self.entries: list[Entry] = []
        self.log = log if log is not None else []

    def landed(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.log.append(self)


class Sky:
    """Flights that land when the test says so."""

    def __init__(self) -> None:
        self.tower = Tower()
        self.gate = asyncio.Event()
        self.started = 0
        self.cancelled = 0

    async def fly(self) -> Entry:
        self.started += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return ENTRY

    def board(self, waiter: Noted, key: str = "k") -> Flight:
        flight = self.tower.find(key) or self.tower.launch(key, self.fly)
        flight.join(waiter)
        return flight


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_many_wait_for_one_flight_and_are_answered_in_their_order() -> None:
    sky, log = Sky(), list[Noted]()
    waiters = [Noted(log) for _ in range(WAKE_BATCH * 3 + 1)]
    for waiter in waiters:
        sky.board(waiter)
    assert (sky.tower.waiting, sky.tower.count) == (len(waiters), 1)
    sky.gate.set()
    await turns(10)
    assert sky.started == 1
    assert log == waiters
    assert all(waiter.entries == [ENTRY] for waiter in waiters)
    assert (sky.tower.waiting, sky.tower.count) == (0, 0)


async def test_the_loop_turns_between_batches() -> None:
    sky, log = Sky(), list[Noted]()
    for _ in range(WAKE_BATCH * 2):
        sky.board(Noted(log))
    sky.gate.set()
    seen = set[int]()
    for _ in range(10):
        await asyncio.sleep(0)
        seen.add(len(log))
    assert WAKE_BATCH in seen


async def test_who_leaves_is_not_answered_even_between_two_batches() -> None:
    sky, log = Sky(), list[Noted]()
    waiters = [Noted(log) for _ in range(WAKE_BATCH + 10)]
    flights = [sky.board(waiter) for waiter in waiters]
    sky.gate.set()
    while not log:
        await asyncio.sleep(0)
    flights[WAKE_BATCH].leave(waiters[WAKE_BATCH])
    await turns(5)
    assert waiters[WAKE_BATCH].entries == []
    assert waiters[-1].entries == [ENTRY]
    assert sky.tower.waiting == 0


async def test_the_last_who_leaves_cancels_the_flight() -> None:
    sky, first, second = Sky(), Noted(), Noted()
    flight = sky.board(first)
    sky.board(second)
    await turns(2)
    flight.leave(first)
    await turns(2)
    assert sky.cancelled == 0
    flight.leave(second)
    flight.leave(second)
    await turns(2)
    assert (sky.cancelled, sky.tower.waiting) == (1, 0)


async def test_a_cancelled_flight_is_not_joined() -> None:
    sky, first, second = Sky(), Noted(), Noted()
    flight = sky.board(first)
    await turns(2)
    flight.leave(first)
    assert sky.board(second) is not flight
    sky.gate.set()
    await turns(5)
    assert second.entries == [ENTRY]
    assert sky.started == 2


async def test_flights_of_different_keys_do_not_meet() -> None:
    sky = Sky()
    assert sky.board(Noted(), "a") is not sky.board(Noted(), "b")
    await turns(2)
    assert sky.started == 2
    await sky.tower.close()
    assert sky.cancelled == 2


async def test_a_flight_left_before_it_took_off_never_does() -> None:
    sky, waiter = Sky(), Noted()
    sky.board(waiter).leave(waiter)
    await turns(2)
    assert (sky.started, sky.tower.count) == (0, 0)
