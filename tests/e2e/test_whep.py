"""RTMP in, WebRTC out: what a browser decodes and hears, who is refused, and how it ends."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.bench.whep import WATCH
from tests.browser import chromium
from tests.e2e.streaming import await_empty_air, streaming
from tests.encoder import end, make_clip
from tests.product import Product, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]


OFFER = Path(__file__).parents[1] / "media" / "webrtc" / "chromium_156.sdp"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One viewer at a time, and no ladder: what is sent is the source, or made for viewers alone."""
    made = Product(tmp_path_factory.mktemp("product"), TALLY_WEBRTC_MAX_VIEWERS="1", TALLY_LADDER="off")
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="module")
def page(product: Product) -> Iterator[Page]:
    with chromium() as browser:
        made = browser.new_page()
        made.goto(f"{product.url}/healthz")
        yield made


def stats(page: Page) -> Any:
    return page.evaluate("tallyStats()")


def watch(product: Product, page: Page, frames: int) -> Any:
    """Watch the demo channel until so many frames are decoded and sound is heard; return what the browser counted."""
    page.evaluate(WATCH, f"{product.url}/whep/demo")
    wait_until(lambda: stats(page).get("video", {}).get("framesDecoded", 0) >= frames, 40, "frames are decoded", 0.2)
    wait_until(lambda: stats(page).get("audio", {}).get("totalSamplesReceived", 0) > 0, 20, "sound is heard", 0.2)
    return stats(page)


def plays_well(page: Page) -> bool:
    """Whether the next three seconds are shown and heard: a busy machine spoils some, a fault of ours spoils all."""
    before = stats(page)
    page.wait_for_timeout(3_000)
    after = stats(page)
    concealed, heard = (
        after["audio"][name] - before["audio"][name] for name in ("concealedSamples", "totalSamplesReceived")
    )
    decoded = after["video"]["framesDecoded"] - before["video"]["framesDecoded"]
    return bool(decoded > 60 and concealed < 0.05 * heard)


def refused(product: Product) -> tuple[int, str]:
    """Offer what a browser offers; return how it is refused."""
    body = OFFER.read_bytes()
    headers = {"Content-Type": "application/sdp"}
    request = urllib.request.Request(f"{product.url}/whep/demo", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Retry-After", "")


def test_a_browser_sees_and_hears_a_stream_until_it_ends(product: Product, page: Page, tmp_path: Path) -> None:
    plain = make_clip(tmp_path / "clip.flv", video=("-c:v", "libx264", "-preset", "veryfast", "-bf", "0"))
    with streaming(product, plain) as publisher:
        watch(product, page, 30)
        wait_until(lambda: plays_well(page), 40, "three seconds with the frames and the sound of three seconds", 0)
        after = stats(page)
        assert (after["video"]["frameWidth"], after["video"]["frameHeight"]) == (640, 360)
        wait_until(lambda: product.get_json("/api/channels/demo")["viewerCount"] == 1, 15, "the viewer is counted")
        code, retry_after = refused(product)
        assert code == 503
        assert int(retry_after) > 0
        end(publisher)
        state = "tallyPeer.getReceivers()[0].transport.state"
        wait_until(lambda: page.evaluate(state) == "closed", 30, "the browser is told", 0.2)


def test_a_stream_with_reordered_pictures_is_made_watchable(product: Product, page: Page, clip: Path) -> None:
    await_empty_air(product)
    with streaming(product, clip):
        seen = watch(product, page, 45)
        assert seen["video"]["frameHeight"] == 360
        assert seen["video"]["framesDropped"] < 30
        page.evaluate("tallyPeer.close()")
