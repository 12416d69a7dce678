"""The table of sources: what each kind of stream becomes, and whether FFmpeg and Chromium play it.

Not a measurement of speed, but too long for the suite, which tries a few rows of it (tests/e2e/test_sources.py).
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from tests.bench.processes import table
from tests.browser import chromium
from tests.encoder import end, publish
from tests.product import Product, wait_until
from tests.sources import SOURCES, SourceClip
from tests.viewing import decode, play, renditions

PLAYABLE_S = 30.0


def main(words: str = "") -> None:
    """Publish each source in turn and print what came of it; `words` picks rows by name."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as name, chromium() as browser:
        folder = Path(name)
        product = Product(folder).start()
        try:
            for clip in SOURCES:
                if words in clip.name:
                    rows.append(_row(product, browser, clip, folder))
                    print("  ".join(rows[-1]), file=sys.stderr)
        finally:
            product.stop()
    header = ("source", "renditions", "frames decoded by FFmpeg", "Chromium", "sound")
    print(table("Sources: what plays", header, rows))


def _row(product: Product, browser: Browser, clip: SourceClip, folder: Path) -> tuple[str, ...]:
    publisher = publish(clip.make(folder), product.publish_url())
    try:
        wait_until(lambda: product.get("/hls/demo/playlist.m3u8")[0] == 200, PLAYABLE_S, f"{clip.name} is playable")
        names = renditions(product)
        decoded = [f"{name} {decode(product, name)}" for name in names]
        seen = play(browser, product)
    finally:
        end(publisher)
        wait_until(lambda: product.get("/hls/demo/playlist.m3u8")[0] == 404, 15, "it is off the air")
    return clip.name, " ".join(names), ", ".join(decoded), seen.words, "yes" if seen.audio_bytes else "no"


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
