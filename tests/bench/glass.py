"""Glass to glass in headless Chromium with our own page on loopback.

The test card carries the time at which it was drawn in its pixels; the page's frames are read back when the browser
presents them, so the figure holds encoder, RTMP, packaging, delivery, player and decoder.
"""

import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import msgspec

from tests.bench.processes import table
from tests.browser import chromium, open_page
from tests.demo import demo
from tests.encoder import end
from tests.product import Product, wait_until

WARM_UP_S = 10.0
WINDOW_S = 25.0
VISITS = 5
RUNG = "360p"


def main() -> None:
    """Measure the time to the first frame, then latency over `WINDOW_S`: passed through, and through the ladder."""
    plain = _measure("off", "source", visits=VISITS)
    rung = _measure(RUNG, RUNG, visits=0)
    added = median(rung.latencies) - median(plain.latencies)
    print(
        table(
            "Glass to glass, headless Chromium, 0.333 s parts",
            ("figure", "measured", "target"),
            [
                ("latency, median", f"{median(plain.latencies):.0f} ms", "1400 ms"),
                ("latency, p95", f"{quantiles(plain.latencies, n=20)[-1]:.0f} ms", "1700 ms"),
                ("frames read", str(len(plain.latencies)), ""),
                (f"time to first frame, median of {VISITS}", f"{median(plain.first_frames):.0f} ms", "1000 ms"),
                ("time to first frame, worst", f"{max(plain.first_frames):.0f} ms", ""),
                (f"latency of {RUNG} out of the ladder, median", f"{median(rung.latencies):.0f} ms", ""),
                (f"latency of {RUNG} out of the ladder, p95", f"{quantiles(rung.latencies, n=20)[-1]:.0f} ms", ""),
                ("what the ladder adds to the median", f"{added:.0f} ms", "150 ms"),
            ],
        )
    )


class Glass(msgspec.Struct, frozen=True):
    """What the pages saw, in ms."""

    latencies: list[float]
    first_frames: list[float]


def _measure(ladder: str, quality: str, *, visits: int) -> Glass:
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as name:
        product = Product(Path(name), TALLY_LADDER=ladder).start()
        publisher = demo(product, "--width", "854", "--height", "480")
        try:
            wait_until(lambda: product.get("/hls/demo/playlist.m3u8")[0] == 200, 20, "the demo is on")
            return _watch(product, quality, visits)
        finally:
            end(publisher)
            product.stop()


def _watch(product: Product, quality: str, visits: int) -> Glass:
    first_frames: list[float] = []
    with chromium() as browser:
        for _ in range(visits):
            page = open_page(browser, f"{product.url}/demo")
            page.wait_for_function("window.tallyFirstFrame !== null", timeout=20_000)
            first_frames.append(float(page.evaluate("window.tallyFirstFrame")))
            page.context.close()
            time.sleep(0.7)
        page = open_page(browser, f"{product.url}/demo")
        page.evaluate(f"localStorage.setItem('tally.quality', JSON.stringify('{quality}'))")
        page.reload()
        page.wait_for_function("window.tallyFrames.length > 0", timeout=20_000)
        page.wait_for_timeout(WARM_UP_S * 1000)
        page.evaluate("window.tallyFrames.length = 0")
        page.wait_for_timeout(WINDOW_S * 1000)
        frames: list[tuple[int, int]] = page.evaluate("window.tallyFrames")
        height = page.evaluate("document.querySelector('video').videoHeight")
        assert height == (480 if quality == "source" else int(quality[:-1])), f"{height} lines were shown"
        page.context.close()
    return Glass([shown - drawn for shown, drawn in frames], first_frames)


if __name__ == "__main__":
    main()
