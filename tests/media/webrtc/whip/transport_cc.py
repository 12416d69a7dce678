"""A reader of transport-wide feedback, written from the draft alone, to check our writer."""

from struct import unpack_from


def read_feedback(data: bytes) -> tuple[int, int, dict[int, float | None]]:
    """Return base number, count of the feedback, and seconds (None: absent) by number."""
    first, kind, words = unpack_from(">BBH", data)
    assert (first & 0x1F, kind, len(data)) == (15, 205, 4 * (words + 1))
    base, count, reference_count = unpack_from(">HHI", data, 12)
    reference = (reference_count >> 8) * 0.064
    symbols: list[int] = []
    at = 20
    while len(symbols) < count:
        (chunk,) = unpack_from(">H", data, at)
        at += 2
        if chunk >> 15 == 0:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk >> 14 & 1:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    times: dict[int, float | None] = {}
    now = reference
    for number, symbol in enumerate(symbols[:count]):
        if symbol == 0:
            times[base + number & 0xFFFF] = None
            continue
        (delta,) = unpack_from(">B" if symbol == 1 else ">h", data, at)
        at += symbol
        now += delta * 0.00025
        times[base + number & 0xFFFF] = now
    padding = data[-1] if first & 0x20 else 0
    assert at + padding == len(data)
    return base, reference_count & 0xFF, times
