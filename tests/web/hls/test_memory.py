from schemas.errors import ErrorCode
from web.hls.entries import Entry, Representation, make_error
from web.hls.memory import ENTRY_OVERHEAD_BYTES, MAX_ENTRY_BYTES, Memory
from web.hls.targets import Kind


def entry(key: str, size: int = 1000) -> Entry:
    made = Entry(Kind.PART, Representation(200, b"", bytes(size), b"x", 0))
    made.key = key
    return made


def test_an_entry_is_found_until_its_time_is_over() -> None:
    memory = Memory()
    kept = entry("a")
    memory.put(kept, 2.0, now=10.0)
    assert memory.find("a", 11.9) is kept
    assert memory.find("a", 12.0) is None
    assert memory.find("b", 11.0) is None


def test_a_sweep_frees_what_is_over_and_nothing_else() -> None:
    memory = Memory()
    memory.put(entry("short"), 1.0, now=0.0)
    memory.put(entry("long"), 60.0, now=0.0)
    memory.put(entry("later"), 1.0, now=5.0)
    memory.sweep(5.5)
    assert memory.count == 2
    assert memory.find("long", 5.5) is not None
    assert memory.find("later", 5.5) is not None
    memory.sweep(100.0)
    assert (memory.count, memory.used_bytes) == (0, 0)


def test_a_newer_entry_takes_the_place_of_an_older_one_for_its_own_time() -> None:
    memory = Memory()
    memory.put(entry("a", 500), 1.0, now=0.0)
    newer = entry("a", 700)
    memory.put(newer, 1.0, now=0.9)
    memory.sweep(1.5)
    assert memory.find("a", 1.5) is newer
    assert memory.used_bytes == 700 + ENTRY_OVERHEAD_BYTES


def test_the_oldest_unused_entry_makes_room() -> None:
    memory = Memory(capacity_bytes=3 * (1000 + ENTRY_OVERHEAD_BYTES))
    for key in "abc":
        memory.put(entry(key), 60.0, now=0.0)
    assert memory.find("a", 1.0) is not None
    memory.put(entry("d"), 60.0, now=1.0)
    assert [key for key in "abcd" if memory.find(key, 2.0)] == ["a", "c", "d"]
    assert memory.used_bytes <= memory.capacity_bytes


def test_the_number_of_entries_is_bounded_too() -> None:
    memory = Memory(max_entries=10)
    for number in range(100):
        memory.put(entry(str(number), 1), 60.0, now=0.0)
        memory.find(str(number), 0.0)
    assert memory.count == 10


def test_a_huge_body_is_not_kept() -> None:
    memory = Memory()
    memory.put(entry("a", MAX_ENTRY_BYTES), 60.0, now=0.0)
    assert memory.count == 0


def test_an_error_is_kept_like_anything_else() -> None:
    memory = Memory()
    error = make_error(ErrorCode.NOT_FOUND, "no")
    error.key = "a"
    memory.put(error, 0.2, now=0.0)
    assert memory.find("a", 0.1) is error
