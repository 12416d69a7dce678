"""The lowest latency as viewers have it: the switch in the player, over real WebRTC, and the ways back to HLS."""

from collections.abc import Iterator
from statistics import median

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import STRIP_READER, chromium
from tests.demo import demo
from tests.encoder import end
from tests.product import Product, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

FRAMES = 20
"""Read off the picture for a latency."""
_FOLLOW_PEERS = """
window.tallyPeers = []
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); window.tallyPeers.push(this) }
}
"""
_SOUND = """async () => {
  const report = await window.tallyPeers.at(-1).getStats()
  const sound = [...report.values()].find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio')
  return sound?.totalAudioEnergy ?? 0
}"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("lowest"), TALLY_LADDER="off", TALLY_WEBRTC_MAX_VIEWERS="1")
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def watching(browser: Browser, product: Product) -> Page:
    """The channel's page, playing over HLS."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True).new_page()
    page.add_init_script(path=STRIP_READER)
    page.add_init_script(_FOLLOW_PEERS)
    page.goto(f"{product.url}/demo")
    expect(page.get_by_test_id("player")).to_have_attribute("data-state", "playing", timeout=30_000)
    return page


def delivered_by(page: Page, name: str) -> None:
    """Wait until the picture moves that way."""
    expect(page.get_by_test_id("player")).to_have_attribute("data-delivery", name, timeout=30_000)
    latency_ms(page)


def latency_ms(page: Page) -> float:
    """Of what is shown from now on: median of what its pixels say."""
    page.evaluate("window.tallyFrames.length = 0")
    page.wait_for_function(f"window.tallyFrames.length > {FRAMES}", timeout=30_000)
    frames: list[tuple[int, int]] = page.evaluate("window.tallyFrames")
    return median(shown - drawn for shown, drawn in frames)


def loudness(page: Page) -> float:
    """How much sound has come over WebRTC: energy, 0 for silence."""
    return float(page.evaluate(_SOUND))


def test_a_viewer_has_the_picture_as_it_happens_until_the_stream_is_over(product: Product, browser: Browser) -> None:
    publisher = demo(product)
    try:
        wait_until(lambda: product.get("/hls/demo/playlist.m3u8")[0] == 200, 20, "the demo is on")
        page = watching(browser, product)
        over_hls_ms = latency_ms(page)
        page.keyboard.press("d")
        delivered_by(page, "webrtc")
        assert latency_ms(page) < over_hls_ms / 2
        wait_until(lambda: loudness(page) > 0, 30, "the tone is heard")
        page.reload()  # the choice holds; the only place of this server is the page's own for a moment more
        delivered_by(page, "webrtc")

        other = watching(browser, product)
        other.keyboard.press("d")
        expect(other.get_by_test_id("lowest-note")).to_contain_text("usual delay", timeout=30_000)
        expect(other.get_by_test_id("lowest")).to_have_attribute("aria-pressed", "false")
        delivered_by(other, "hls")
        other.context.close()

        page.keyboard.press("ArrowLeft")
        expect(page.get_by_test_id("player")).to_have_attribute("data-past", "true", timeout=30_000)
        delivered_by(page, "hls")
        page.keyboard.press("l")
        delivered_by(page, "webrtc")
    finally:
        end(publisher)
    expect(page.get_by_test_id("offline")).to_be_visible(timeout=30_000)
    page.context.close()
