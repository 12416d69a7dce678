"""WHIP: what publishers cost the webrtc process; FFmpeg sends coded H.264 and makes Opus."""

import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.ingest import channel_key
from tests.bench.processes import cpu_s, rss_mb, table
from tests.e2e.test_whip import takes_publishers, whip_command
from tests.encoder import end, make_clip
from tests.product import Product, wait_until

MANY = 8
SETTLE_S = 6.0
WINDOW_S = 30.0
KBPS = 2_370
"""With sound 2.5 Mb/s."""


def main() -> None:
    """Measure one publisher, then `MANY`, in one run of the product."""
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as name:
        folder = Path(name)
        video = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-profile:v", "high")
        clip = make_clip(folder / "clip.flv", size="1280x720", seconds=10, video_kbps=KBPS, noise=12, video=video)
        product = Product(folder, TALLY_LADDER="off").start()
        try:
            wait_until(lambda: takes_publishers(product), 20, "web knows of the webrtc process")
            rows = [_row(product, clip, ["demo"]), _row(product, clip, [f"bench{each}" for each in range(MANY)])]
        finally:
            product.stop()
        header = ("publishers", "CPU of a core each", "target", "RSS MB")
        print(table("WHIP: 2.5 Mb/s 720p30 and Opus, the webrtc process", header, rows))


def _row(product: Product, clip: Path, channels: list[str]) -> tuple[str, ...]:
    keys = [product.first_run()["streamKey"] if each == "demo" else channel_key(product, each) for each in channels]
    publishers = [
        subprocess.Popen(
            whip_command(clip, f"{product.url}/whip/{channel}", key),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for channel, key in zip(channels, keys, strict=True)
    ]
    try:
        last = f"/hls/{channels[-1]}/playlist.m3u8"
        wait_until(lambda: product.get(last)[0] == 200, 60, "the last stream is playable")
        time.sleep(SETTLE_S)
        (pid,) = product.pids("webrtc")
        before, began_s = cpu_s(pid), time.monotonic()
        time.sleep(WINDOW_S)
        each = (cpu_s(pid) - before) / (time.monotonic() - began_s) / len(channels)
        memory = rss_mb(pid)
    finally:
        for publisher in publishers:
            end(publisher)
    wait_until(lambda: product.get(last)[0] == 404, 60, "the air is empty")
    return f"{len(channels)} x 2.5 Mb/s", f"{each:.1%}", "6 %", f"{memory:.0f}"
