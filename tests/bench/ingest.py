"""CPU and memory of the ingest process while real encoders publish, and how soon a stream can be played."""

import json
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.processes import cpu_s, rss_mb, table
from tests.encoder import end, make_clip, publish
from tests.product import Product, wait_until

SETTLE_S = 8.0
WINDOW_S = 45.0
MANY = 20


def main() -> None:
    """Measure one 6 Mb/s stream, then twenty of 2.5 Mb/s, in one run of the product."""
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as name:
        folder = Path(name)
        big = make_clip(folder / "big.flv", size="1920x1080", seconds=10, video_kbps=5870, noise=20)
        small = make_clip(folder / "small.flv", size="1280x720", seconds=10, video_kbps=2370, noise=12)
        product = Product(folder, TALLY_LADDER="off").start()
        try:
            rows = [_one(product, big), _many(product, small)]
        finally:
            product.stop()
        print(
            table(
                "RTMP to LL-HLS passthrough: the ingest process",
                ("job", "CPU-s per stream-minute", "target", "RSS MB", "target", "first part playable s"),
                rows,
            )
        )


def _one(product: Product, clip: Path) -> tuple[str, ...]:
    started = time.monotonic()
    publisher = publish(clip, product.publish_url())
    try:
        wait_until(lambda: product.get("/hls/demo/playlist.m3u8")[0] == 200, 15, "the stream is playable", 0.02)
        playable_s = time.monotonic() - started
        cost, memory = _measure(product, 1)
    finally:
        end(publisher)
    return "1 x 6 Mb/s 1080p30", f"{cost:.3f}", "0.60", f"{memory:.0f}", "", f"{playable_s:.2f}"


def _many(product: Product, clip: Path) -> tuple[str, ...]:
    keys = [channel_key(product, f"bench{number}") for number in range(MANY)]
    publishers = [publish(clip, product.publish_url(key)) for key in keys]
    try:
        last = f"/hls/bench{MANY - 1}/playlist.m3u8"
        wait_until(lambda: product.get(last)[0] == 200, 30, "the last stream is playable")
        cost, memory = _measure(product, MANY)
    finally:
        for publisher in publishers:
            end(publisher)
    return f"{MANY} x 2.5 Mb/s 720p30", f"{cost:.3f}", "0.25", f"{memory:.0f}", "150", ""


def _measure(product: Product, streams: int) -> tuple[float, float]:
    [pid] = product.pids("media", "ingest")
    time.sleep(SETTLE_S)
    before, since = cpu_s(pid), time.monotonic()
    time.sleep(WINDOW_S)
    used, passed = cpu_s(pid) - before, time.monotonic() - since
    return used / passed * 60 / streams, rss_mb(pid)


def channel_key(product: Product, name: str) -> str:
    """Make a channel of this name and return a stream key of it."""
    _tally(product, "channel", "add", name, "--owner", "admin", "--json")
    answer = json.loads(_tally(product, "key", "rotate", name, "--json"))
    return str(answer["streamKey"])


def _tally(product: Product, *words: str) -> str:
    command = [str(Path(product.executable)), *words]
    return subprocess.run(
        command, env=product.environ, cwd=product.folder, check=True, timeout=30, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    main()
