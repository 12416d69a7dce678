"""Going live from a page: Chromium's camera over WHIP, on the air for everybody, and off again."""

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser import ARGUMENTS, executable
from tests.product import Product, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
DEVICES = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
SLOW_MS = 40_000
"""For a machine that does much else."""


def _wait_for(page: Page, phase: str, *, is_live: bool) -> None:
    """Wait until the page says that it sends (or not) and that viewers have it (or not)."""
    live = "true" if is_live else "false"
    page.wait_for_selector(f"[data-testid=air][data-phase={phase}][data-live={live}]", timeout=SLOW_MS)


def test_a_streamer_goes_live_from_the_page_and_ends_it(product: Product) -> None:
    first = product.first_run()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=[*ARGUMENTS, *DEVICES])
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        account = {"username": first["adminUser"], "password": first["adminPassword"]}
        assert context.request.post(f"{product.url}/api/auth/login", data=account, headers={"Origin": product.url}).ok
        page = context.new_page()
        page.goto(f"{product.url}/dashboard/go-live")
        page.get_by_test_id("turn-on").click(timeout=SLOW_MS)
        page.get_by_test_id("start").click(timeout=SLOW_MS)
        _wait_for(page, "sending", is_live=True)
        session = product.get_json("/api/channels/demo/status")["sessionId"]
        assert product.get("/hls/demo/playlist.m3u8")[0] == 200

        # Another picture, another page, back again: one stream all the time.
        page.get_by_role("button", name="Turn camera off").click()
        page.get_by_role("link", name="Videos").click()
        page.get_by_role("link", name="Controls").click(timeout=SLOW_MS)
        page.get_by_role("button", name="Turn camera on").click(timeout=SLOW_MS)
        _wait_for(page, "sending", is_live=True)
        assert product.get_json("/api/channels/demo/status")["sessionId"] == session

        page.get_by_test_id("stop").click()
        page.get_by_role("dialog").get_by_role("button", name="End stream").click()
        _wait_for(page, "off", is_live=False)
        wait_until(
            lambda: not product.get_json("/api/channels/demo/status")["isLive"], 20, "the channel is off the air"
        )
        browser.close()
