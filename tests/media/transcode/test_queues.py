import threading
import time
from collections.abc import Callable

import pytest

from media.packets import Packet, TrackKind
from media.transcode.messages import Finish, Media
from media.transcode.queues import MAX_BACKLOG, MAX_BACKLOG_BYTES, Batch, Closed, Hopper, Intake

SOON_S = 5.0


def media(dts: int, size: int = 10) -> Media:
    return Media(Packet(TrackKind.VIDEO, dts, dts, True, bytes(size)))


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_intake_gives_out_what_was_put_in_order() -> None:
    intake = Intake()
    items: list[Media | Finish] = [media(0), media(3_000), Finish()]
    for item in items:
        intake.put(item)
    assert intake.backlog() == 3_000
    assert [intake.get() for _ in items] == items
    assert intake.backlog() == 0


@pytest.mark.parametrize(
    "filling",
    [[media(dts) for dts in range(0, MAX_BACKLOG + 1, 3_000)], [media(0, MAX_BACKLOG_BYTES)]],
    ids=["two seconds", "bytes"],
)
def test_a_full_intake_makes_the_reader_wait_until_something_is_taken(filling: list[Media]) -> None:
    intake = Intake()
    for item in filling:
        intake.put(item)
    reader = in_thread(lambda: intake.put(media(MAX_BACKLOG + 1)))
    reader.join(0.05)
    assert reader.is_alive()
    intake.get()
    reader.join(SOON_S)
    assert not reader.is_alive()


def test_a_jump_in_the_stamps_is_no_backlog() -> None:
    intake = Intake()
    for dts in (0, 3_000, 900_000_000, 900_003_000, 6_000):
        intake.put(media(dts))
    assert intake.backlog() < 30_000


def test_a_full_hopper_drops_what_is_offered() -> None:
    hopper: Hopper[int] = Hopper(2)
    assert [hopper.offer(number, is_kept=False, wait_s=0) for number in range(4)] == [0, 0, 1, 1]
    assert [hopper.take(), hopper.take()] == [0, 1]


def test_a_keyframe_takes_the_place_of_the_oldest_other_picture() -> None:
    hopper: Hopper[int] = Hopper(2)
    hopper.offer(0, is_kept=True, wait_s=0)
    hopper.offer(1, is_kept=False, wait_s=0)
    assert hopper.offer(2, is_kept=True, wait_s=0) == 1
    assert hopper.offer(3, is_kept=True, wait_s=0) == 0  # none to throw out
    hopper.close()
    assert [hopper.take() for _ in range(3)] == [0, 2, 3]


def test_a_hopper_waits_for_a_place_as_long_as_it_may() -> None:
    hopper: Hopper[int] = Hopper(1)
    hopper.offer(0, is_kept=False, wait_s=0)
    began = time.monotonic()
    assert hopper.offer(1, is_kept=False, wait_s=0.05) == 1
    assert time.monotonic() - began >= 0.05
    lost: list[int] = []
    offering = in_thread(lambda: lost.append(hopper.offer(2, is_kept=False, wait_s=SOON_S)))
    assert hopper.take() == 0
    offering.join(SOON_S)
    assert lost == [0]
    assert hopper.take() == 2


def test_a_closed_hopper_gives_out_what_it_has_or_nothing() -> None:
    hopper: Hopper[int] = Hopper(2)
    hopper.offer(0, is_kept=False, wait_s=0)
    hopper.close()
    assert hopper.offer(1, is_kept=True, wait_s=0) == 0
    assert hopper.take() == 0
    with pytest.raises(Closed):
        hopper.take()
    emptied: Hopper[int] = Hopper(2)
    emptied.offer(0, is_kept=True, wait_s=0)
    emptied.close(is_emptied=True)
    with pytest.raises(Closed):
        emptied.take()


def test_a_batch_gathers_what_comes_within_its_time() -> None:
    batch: Batch[int] = Batch(10)
    batch.put(1)
    late = threading.Timer(0.02, batch.put, [2])
    late.start()
    assert batch.take_all(0.2) == [1, 2]


def test_a_full_batch_makes_its_producers_wait() -> None:
    batch: Batch[int] = Batch(1)
    batch.put(1)
    producer = in_thread(lambda: batch.put(2))
    producer.join(0.05)
    assert producer.is_alive()
    assert batch.take_all(0) == [1]
    producer.join(SOON_S)
    assert batch.take_all(0) == [2]


def test_nothing_gets_into_a_batch_after_its_last() -> None:
    batch: Batch[int] = Batch(1)
    batch.put(1)
    producer = in_thread(lambda: batch.put(2))
    batch.put_last()
    producer.join(SOON_S)
    batch.put(3)
    assert not batch.is_over()
    assert batch.take_all(0) == [1]
    assert batch.is_over()
    assert batch.take_all(0) == []
