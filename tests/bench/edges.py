"""What reaches the product through an edge: thousands of low latency viewers of one real stream.

nginx and Varnish with what `tally edge` prints, each before its own run of the same crowd; viewers, edge, product and
publisher share this machine, so the figures to keep are the requests and the CPU-seconds.
"""

import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop

from tests.bench.processes import cpu_s, table
from tests.crowd import Crowd, Seen, percentile
from tests.edges import EdgeServer, Kind, answered
from tests.encoder import end, make_clip, publish
from tests.product import Product, wait_until
from tests.viewing import rendition_uris

KINDS: tuple[Kind, ...] = ("varnish", "nginx")
VIEWERS = 2_000
RUN_S = 20.0
JOIN_S = 8.0
PART_S = "0.333"
VIDEO_KBPS = 100
OPEN_FILES = 3 * VIEWERS
"""Of this process; the edges see to their own."""
HEADER = (
    "edge", "viewers", "answers/s", "errors", "of what", "different", "at the product", "each (target: 2)",
    "CPU-s edge", "CPU-s web", "CPU-s viewers", "after the first: median ms", "p95 ms",
)  # fmt: skip


def main() -> None:
    """Print the table."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, OPEN_FILES)), hard))
    with _stream() as (product, playlist):
        rows = [row for kind in KINDS for row in _measure(kind, product, playlist)]
    print(table(f"Edges: {RUN_S:.0f} s of blocked reloads and parts of {PART_S} s", HEADER, rows))


def _measure(kind: Kind, product: Product, playlist: str) -> list[tuple[str, ...]]:
    edge = EdgeServer(kind, product.http_port)
    try:
        edge.start()
        crowd = Crowd(edge.port, playlist)
        (web,) = product.pids("web")
        pids = edge.pids()
        marks: dict[str, float] = {}

        def mark(sign: int) -> None:
            """Read all counters; the second time what is left is the difference."""
            now = {f"requests {name}": count for name, count in answered(product).items()}
            now |= {"web": cpu_s(web), "edge": sum(map(cpu_s, pids)), "viewers": time.process_time()}
            for name, value in now.items():
                marks[name] = marks.get(name, 0.0) + sign * value

        seen = uvloop.run(crowd.watch(VIEWERS, RUN_S, join_s=JOIN_S, at_ends=mark))
    finally:
        edge.stop()
    return [_row(kind, what, seen, marks) for what in ("playlist", "part")]


def _row(kind: Kind, what: str, seen: Seen, marks: dict[str, float]) -> tuple[str, ...]:
    different, asked = seen.kinds()[what], marks[f"requests {what}"]
    return (
        kind,
        f"{VIEWERS:,}",
        f"{seen.answers / RUN_S:,.0f}",
        str(seen.errors),
        what,
        str(different),
        f"{asked:.0f}",
        f"{asked / different:.2f}",
        *(f"{marks[name]:.1f}" for name in ("edge", "web", "viewers")),
        *(f"{percentile(seen.later, share) * 1000:.0f}" for share in (0.5, 0.95)),
    )


@contextmanager
def _stream() -> Iterator[tuple[Product, str]]:
    """Give a product with a stream of a small bit rate, and the path of its video's playlist."""
    with tempfile.TemporaryDirectory(prefix="tally-b-", dir="/tmp") as name:
        folder = Path(name)
        clip = make_clip(folder / "clip.flv", video_kbps=VIDEO_KBPS, size="320x180")
        product = Product(folder, TALLY_LADDER="off", TALLY_PART_S=PART_S)
        with ExitStack() as stack:
            stack.callback(product.stop)
            product.start()
            stack.callback(end, publish(clip, product.publish_url()))
            wait_until(lambda: product.get("/hls/demo/playlist.m3u8")[0] == 200, 30, "the stream can be played")
            yield product, rendition_uris(product)["video"]


if __name__ == "__main__":
    main()
