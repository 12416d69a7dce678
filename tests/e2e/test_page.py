"""The page in a real browser: it turns live by itself, plays at low latency, and says when it is over."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import chromium, open_page
from tests.demo import demo
from tests.encoder import end
from tests.product import Product, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def test_the_offline_page_turns_into_the_player_and_back(product: Product, browser: Browser, tmp_path: Path) -> None:
    page = open_page(browser, f"{product.url}/demo")
    expect(page.get_by_test_id("offline")).to_be_visible(timeout=10_000)
    publisher = demo(product)
    try:
        wait_until(lambda: product.get_json("/api/channels/demo")["isLive"], 15, "the channel is live")
        page.wait_for_selector("video", timeout=2_000, state="attached")
        page.wait_for_function("window.tallyFrames.length > 150", timeout=20_000)
        page.screenshot(path=str(tmp_path / "live.png"))
        frames = page.evaluate("window.tallyFrames.slice(-60)")
        latency_ms = median(shown - drawn for shown, drawn in frames)
        assert 200 < latency_ms < 5_000
    finally:
        end(publisher)
    expect(page.get_by_test_id("offline")).to_be_visible(timeout=20_000)
    page.context.close()


def test_an_unknown_channel_has_a_page_that_says_so(product: Product, browser: Browser) -> None:
    page = browser.new_page()
    answer = page.goto(f"{product.url}/no_such_channel")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_test_id("not-found")).to_be_visible(timeout=10_000)
    page.context.close()


def test_the_owner_signs_in_and_sees_the_running_stream(product: Product, browser: Browser) -> None:
    first = product.first_run()
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{product.url}/login")
    page.get_by_label("Username").fill(first["adminUser"])
    page.get_by_label("Password", exact=True).fill(first["adminPassword"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_test_id("account")).to_be_visible(timeout=10_000)
    publisher = demo(product)
    try:
        page.goto(f"{product.url}/dashboard")
        expect(page.get_by_text("avc1.", exact=False).first).to_be_visible(timeout=25_000)
        assert first["streamKey"] not in page.content()
    finally:
        end(publisher)
    page.context.close()
