"""Chat in real browsers beside a real stream: said, seen, moderated, and replayed beside the recording."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import chromium
from tests.demo import demo
from tests.e2e.account import Account
from tests.encoder import end
from tests.product import Product, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]
PASSWORD = "correct horse battery"
SEEN_MS = 20_000


def _signed_in(browser: Browser, product: Product, username: str, password: str) -> Page:
    context = browser.new_context(viewport={"width": 1440, "height": 860})
    answer = context.request.post(f"{product.url}/api/auth/login", data={"username": username, "password": password})
    assert answer.ok, answer.text()
    page = context.new_page()
    page.goto(f"{product.url}/demo")
    expect(_box(page)).to_be_enabled(timeout=SEEN_MS)
    return page


def _chat(page: Page) -> Locator:
    return page.get_by_role("region", name="Chat")


def _box(page: Page) -> Locator:
    return _chat(page).get_by_role("textbox", name="Send a message")


def _say(page: Page, text: str) -> None:
    _box(page).fill(text)
    _box(page).press("Enter")


def test_people_talk_one_is_timed_out_and_the_recording_replays_the_rest(product: Product) -> None:
    first = product.first_run()
    status, answer = Account.admin(product).call("POST", "auth/register", {"username": "bob", "password": PASSWORD})
    assert status == 201, answer
    publisher = demo(product)
    try:
        wait_until(lambda: product.get_json("/api/channels/demo")["isLive"], 20, "the channel is live")
        with chromium() as browser:
            owner = _signed_in(browser, product, first["adminUser"], first["adminPassword"])
            bob = _signed_in(browser, product, "bob", PASSWORD)
            _say(bob, "hello 🙂 tallyWave")
            line = _chat(owner).get_by_test_id("chat-line").filter(has_text="hello")
            expect(line).to_be_visible(timeout=SEEN_MS)
            expect(line.get_by_role("img", name="tallyWave")).to_be_visible()
            _say(owner, "welcome to the <b>show</b>")
            expect(_chat(bob).get_by_text("welcome to the <b>show</b>")).to_be_visible(timeout=SEEN_MS)
            _say(owner, "/timeout bob 60 enough")
            expect(_chat(bob).get_by_text("hello", exact=False)).to_be_hidden(timeout=SEEN_MS)
            expect(_box(bob)).to_be_disabled(timeout=SEEN_MS)
            vod = Account.admin(product).call("GET", "vods?channel=demo")[1]["data"][0]["id"]
            _see_replay(owner, f"{product.url}/videos/{vod}")
    finally:
        end(publisher)


def _see_replay(page: Page, url: str) -> None:
    """The recording is still being made: what was said is there when its moment has been played."""
    page.goto(url)
    replay = page.get_by_role("region", name="Chat replay")
    expect(replay.get_by_text("welcome to the <b>show</b>")).to_be_visible(timeout=40_000)
    expect(replay.get_by_text("hello", exact=False)).to_have_count(0)
