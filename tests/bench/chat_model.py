"""What one channel with very many viewers takes: computed, from figures that the other benches of chat measure.

    .venv/bin/python -m tests.bench.chat_model --viewers 100000 --messages 50

Every figure can be replaced by what your machine shows (`--write-us`, …). docs/chat.md says what was measured and what
was not.
"""

import argparse
import math
from dataclasses import dataclass, fields

from tests.bench.processes import table

PASS_MS = 40.0
"""What one pass over all sockets of a process may take, so that 99 % of messages arrive within 100 ms."""
TICK_MIN_MS, TICK_MAX_MS, TICK_PER_PASS = 10.0, 100.0, 1.5
"""Of chat/rooms/flusher.py."""
STORM_S = 30.0
"""Over which clients spread their coming back."""
PROCESS_MB = 110.0
"""Of a web process without sockets."""


@dataclass(frozen=True)
class Figures:
    """What was measured. `python -m tests.bench NAME` prints it again."""

    write_us: float = 8.2
    """CPU of one write to one socket, the kernel's part included (chat_fanout: 10 messages per second)."""
    socket_kb: float = 15.5
    """Memory of one socket (chat_fanout)."""
    open_us: float = 450.0
    """CPU to open a socket and join (chat_fanout)."""
    say_us: float = 38.0
    """CPU of Redis for one message, without those it is published to (chat_log)."""
    publish_us: float = 10.0
    """CPU of Redis for each process that a message is published to (facts of Redis: a write to one socket)."""
    keep_us: float = 30.0
    """CPU of worker and PostgreSQL for one row (chat_keep)."""


def model(figures: Figures, viewers: int, messages_per_s: float) -> list[tuple[str, ...]]:
    """Return what it takes, as rows of a table."""
    per_process = int(PASS_MS * 1000 / figures.write_us)
    processes = math.ceil(viewers / per_process)
    pass_ms = viewers / processes * figures.write_us / 1000
    tick_ms = min(max(TICK_MIN_MS, TICK_PER_PASS * pass_ms), TICK_MAX_MS)
    passes_per_s = min(messages_per_s, 1000 / tick_ms)
    cores = viewers * passes_per_s * figures.write_us / 1e6
    redis = messages_per_s * (figures.say_us + processes * figures.publish_us) / 1e6
    memory_gb = (viewers * figures.socket_kb / 1024 + processes * PROCESS_MB) / 1024
    storm = viewers * figures.open_us / 1e6
    return [
        ("sockets of one process", f"{per_process:,}"),
        ("web processes", f"{processes}"),
        ("one pass over the sockets of a process", f"{pass_ms:.0f} ms"),
        ("tick", f"{tick_ms:.0f} ms"),
        ("passes per second", f"{passes_per_s:.1f}"),
        ("cores that write", f"{cores:.1f}"),
        ("of each process", f"{cores / processes:.0%} of a core"),
        ("memory of the web processes", f"{memory_gb:.1f} GB"),
        ("Redis", f"{redis:.1%} of a core"),
        ("writing down", f"{messages_per_s * figures.keep_us / 1e6:.1%} of a core"),
        ("all come back at once", f"{storm:.0f} CPU-s, {storm / STORM_S:.1f} cores for {STORM_S:.0f} s"),
    ]


def main() -> None:
    """Print the model."""
    parser = argparse.ArgumentParser(prog="chat_model", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--viewers", type=int, default=100_000)
    parser.add_argument("--messages", type=float, default=50.0, help="per second")
    for field in fields(Figures):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=field.default)
    given = vars(parser.parse_args())
    figures = Figures(**{field.name: float(given[field.name]) for field in fields(Figures)})
    rows = model(figures, given["viewers"], given["messages"])
    print(table(f"{given['viewers']:,} viewers, {given['messages']:g} messages per second", ("what", "how much"), rows))


if __name__ == "__main__":
    main()
