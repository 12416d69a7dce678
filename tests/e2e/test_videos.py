"""Going back in a running stream, and a clip of it, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.browser import chromium
from tests.demo import demo
from tests.encoder import end
from tests.product import Product, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PLAYING = "[data-state=playing]"
SLOW_MS = 30_000
"""For a machine that does much else."""


def test_a_viewer_goes_back_makes_a_clip_and_watches_it(product: Product) -> None:
    first = product.first_run()
    publisher = demo(product)
    try:
        wait_until(lambda: product.get_json("/api/vods?channel=demo"), 30, "the recording is listed")
        with chromium() as browser:
            context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
            account = {"username": first["adminUser"], "password": first["adminPassword"]}
            assert context.request.post(
                f"{product.url}/api/auth/login", data=account, headers={"Origin": product.url}
            ).ok
            page = context.new_page()
            page.goto(f"{product.url}/demo")
            page.wait_for_selector(f".player{PLAYING}", timeout=SLOW_MS)

            seek = page.get_by_test_id("seek")
            page.wait_for_function(
                "Number(document.querySelector('[data-testid=seek]')?.ariaValueMax) > 6", timeout=SLOW_MS
            )
            seek.focus()
            seek.press("Home")
            page.wait_for_function(
                "/behind live/.test(document.querySelector('[data-testid=seek]').ariaValueText)", timeout=SLOW_MS
            )
            page.get_by_test_id("go-live").click()
            page.get_by_test_id("at-live").wait_for(timeout=SLOW_MS)

            page.keyboard.press("x")
            page.get_by_label("Title").fill("The first seconds")
            page.get_by_role("button", name="Create clip").click()
            page.get_by_test_id("open-clip").click(timeout=SLOW_MS)
            page.wait_for_selector(f"[data-testid=clip-page] .player{PLAYING}", timeout=SLOW_MS)
            expect(page.get_by_role("heading", level=1)).to_have_text("The first seconds")
            page.wait_for_function(
                "document.querySelector('[data-testid=clip-page] video').currentTime > 0.5", timeout=SLOW_MS
            )
    finally:
        end(publisher)
