"""What a viewer sees while the publisher goes away and comes back, and while the quality changes."""

from collections.abc import Iterator
from statistics import median

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium, open_page
from tests.demo import demo
from tests.encoder import end
from tests.product import Product, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

CLOCKS = "[performance.now() / 1000, document.querySelector('video').currentTime]"
LEAST_PLAYED = 0.8
"""Of the time that passes: a machine that is busy with other things may make the picture wait, a flushed buffer or a
rendition that begins elsewhere would cost seconds with each change."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("viewer"), TALLY_LADDER="360p", TALLY_ENCODER_PRESET="ultrafast")
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def watching(browser: Browser, product: Product) -> Page:
    """The channel's page, playing smoothly."""
    page = open_page(browser, f"{product.url}/demo")
    page.wait_for_function("window.tallyFrames.length > 90", timeout=30_000)
    page.evaluate("window.tallyVideo = document.querySelector('video')")
    return page


def height(page: Page) -> int:
    return int(page.evaluate("document.querySelector('video').videoHeight"))


def test_the_picture_goes_on_while_the_publisher_is_away_and_after(product: Product, browser: Browser) -> None:
    publisher = demo(product, "--width", "854", "--height", "480")
    try:
        page = watching(browser, product)
        page.wait_for_timeout(9_000)  # until the slates are there
        publisher.kill()
        publisher.wait(5)
        expect(page.get_by_test_id("reconnecting")).to_be_visible(timeout=6_000)
        before = page.evaluate("document.querySelector('video').currentTime")
        page.wait_for_timeout(5_000)
        assert page.evaluate("document.querySelector('video').currentTime") - before > 3, "the slate plays"
        publisher = demo(product, "--width", "854", "--height", "480")
        expect(page.get_by_test_id("reconnecting")).to_be_hidden(timeout=15_000)
        page.evaluate("window.tallyFrames.length = 0")
        page.wait_for_function("window.tallyFrames.length > 90", timeout=15_000)
        assert page.evaluate("window.tallyVideo === document.querySelector('video')"), "the player was not made anew"
        frames = page.evaluate("window.tallyFrames.slice(-30)")
        assert median(shown - drawn for shown, drawn in frames) < 5_000
        page.context.close()
    finally:
        end(publisher)


def test_the_quality_changes_without_a_stall(product: Product, browser: Browser) -> None:
    wait_until(lambda: product.get("/hls/demo/playlist.m3u8")[0] == 404, 15, "the last stream is off the air")
    publisher = demo(product, "--width", "854", "--height", "480")
    try:
        page = watching(browser, product)
        began_s, shown_s = page.evaluate(CLOCKS)
        for label, lines in (("360p", 360), ("480p", 480), ("360p", 360)):
            page.get_by_test_id("player").hover()
            page.get_by_test_id("quality").click()
            page.get_by_role("menuitemradio").filter(has_text=label).click()
            wait_until(lambda lines=lines: height(page) == lines, 12, f"{label} is shown")
        page.wait_for_timeout(2_000)
        ended_s, reached_s = page.evaluate(CLOCKS)
        assert reached_s - shown_s > LEAST_PLAYED * (ended_s - began_s)
        assert page.evaluate("window.tallyVideo === document.querySelector('video')")
        page.context.close()
    finally:
        end(publisher)
