"""Glass to glass in headless Chromium with our own page on loopback.

The test card carries the time at which it was drawn in its pixels; the page's frames are read back when the browser
presents them, so the figure holds encoder, RTMP, packaging, delivery, player and decoder.
"""

import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from tests.bench.processes import table
from tests.browser import chromium, open_page
from tests.demo import demo
from tests.encoder import end
from tests.product import Product, wait_until

WARM_UP_S = 10.0
WINDOW_S = 25.0
VISITS = 5


def main() -> None:
    """Measure latency over `WINDOW_S` and the time to the first frame over several visits."""
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as name:
        product = Product(Path(name)).start()
        publisher = demo(product)
        try:
            wait_until(lambda: product.get("/hls/demo/playlist.m3u8")[0] == 200, 20, "the demo is on")
            latencies, first_frames = _watch(product)
        finally:
            end(publisher)
            product.stop()
    print(
        table(
            "Glass to glass, headless Chromium, 0.333 s parts",
            ("figure", "measured", "target"),
            [
                ("latency, median", f"{median(latencies):.0f} ms", "1400 ms"),
                ("latency, p95", f"{quantiles(latencies, n=20)[-1]:.0f} ms", "1700 ms"),
                ("frames read", str(len(latencies)), ""),
                (f"time to first frame, median of {VISITS}", f"{median(first_frames):.0f} ms", "1000 ms"),
                ("time to first frame, worst", f"{max(first_frames):.0f} ms", ""),
            ],
        )
    )


def _watch(product: Product) -> tuple[list[float], list[float]]:
    first_frames: list[float] = []
    with chromium() as browser:
        for _ in range(VISITS):
            page = open_page(browser, f"{product.url}/demo")
            page.wait_for_function("window.tallyFirstFrame !== null", timeout=20_000)
            first_frames.append(float(page.evaluate("window.tallyFirstFrame")))
            page.context.close()
            time.sleep(0.7)
        page = open_page(browser, f"{product.url}/demo")
        page.wait_for_function("window.tallyFrames.length > 0", timeout=20_000)
        page.wait_for_timeout(WARM_UP_S * 1000)
        page.evaluate("window.tallyFrames.length = 0")
        page.wait_for_timeout(WINDOW_S * 1000)
        frames: list[tuple[int, int]] = page.evaluate("window.tallyFrames")
        page.context.close()
    return [shown - drawn for shown, drawn in frames], first_frames


if __name__ == "__main__":
    main()
