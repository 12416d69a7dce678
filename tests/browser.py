"""Debian's Chromium, driven by Playwright, as a viewer's browser."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip

STRIP_READER = Path(__file__).with_name("strip_reader.js")
"""Reads the test card's clock out of every frame that a page presents."""


def executable() -> str:
    """Return the path of the system's Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    raise FileNotFoundError("no Chromium: run  bash .ci/chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser with a fresh profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Browser, url: str, *, width: int = 1280, height: int = 800) -> Page:
    """Open a page whose every frame of video is read for the test card's clock."""
    page = browser.new_context(viewport={"width": width, "height": height}, bypass_csp=True).new_page()
    page.add_init_script(path=STRIP_READER)
    page.goto(url)
    return page


def screenshot(page: Page, path: Path) -> None:
    """Keep what the page shows."""
    page.screenshot(path=str(path))
