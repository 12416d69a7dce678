"""WHIP on the whole product: FFmpeg's muxer and a browser's camera become a stream that anybody plays over HLS."""

import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import m3u8
import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser import ARGUMENTS, executable
from tests.e2e.streaming import PLAYLIST, await_empty_air, is_playable
from tests.encoder import end, ffmpeg, make_clip
from tests.product import Product, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]

CAMERA = Path(__file__).parents[1] / "camera.js"
FAKE_DEVICES = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
WAIT_S = 30


@pytest.fixture(scope="module")
def whip_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures without B-frames, which WebRTC has none of."""
    video = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-profile:v", "baseline")
    return make_clip(tmp_path_factory.mktemp("whip") / "clip.flv", seconds=4, video=video)


def takes_publishers(product: Product) -> bool:
    """Whether web knows of a webrtc process: what is no offer is told so, not to come later."""
    headers = {"Content-Type": "application/sdp", "Authorization": "Bearer nobody"}
    request = urllib.request.Request(product.url + "/whip", data=b"v=0", headers=headers)
    try:
        urllib.request.urlopen(request, timeout=15).close()
    except urllib.error.HTTPError as error:
        return error.code == 400
    return False


def whip_command(clip: Path, url: str, key: str) -> list[str]:
    return [
        ffmpeg(), "-hide_banner", "-loglevel", "warning", "-re", "-stream_loop", "-1", "-i", str(clip), "-map", "0:v",
        "-map", "0:a", "-c:v", "copy", "-bsf:v", "h264_mp4toannexb", "-c:a", "libopus", "-ar", "48000", "-ac", "2",
        "-f", "whip", "-authorization", key, url,
    ]  # fmt: skip


@contextmanager
def publishing(product: Product, clip: Path, log: Path, key: str | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """Publish with FFmpeg until the context is left."""
    wait_until(lambda: takes_publishers(product), WAIT_S, "web knows of the webrtc process")
    with log.open("wb") as sink:
        command = whip_command(clip, product.url + "/whip/demo", key or product.first_run()["streamKey"])
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    try:
        yield process
    finally:
        end(process)


def variants(product: Product) -> Any:
    return m3u8.loads(product.get(PLAYLIST)[2].decode()).playlists[0].stream_info


def test_ffmpeg_publishes_over_whip_and_is_played_over_hls(product: Product, whip_clip: Path, tmp_path: Path) -> None:
    log = tmp_path / "whip.log"
    with publishing(product, whip_clip, log):
        wait_until(lambda: is_playable(product), WAIT_S, "the stream can be played")
        assert variants(product).resolution == (640, 360)
        assert re.fullmatch(r"avc1\.42.01e,mp4a\.40\.2", variants(product).codecs)
        played = subprocess.run(
            [ffmpeg(), "-hide_banner", "-loglevel", "warning", "-stats", "-i", product.url + PLAYLIST, "-t", "3", "-f",
             "null", "-"],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert "error" not in played.stderr.lower(), played.stderr
        assert int(re.findall(r"frame=\s*(\d+)", played.stderr)[-1]) >= 75
    await_empty_air(product)
    assert "reason='WebRTC: deleted'" in product.log()


def test_a_wrong_key_is_refused(product: Product, whip_clip: Path, tmp_path: Path) -> None:
    log = tmp_path / "whip.log"
    with publishing(product, whip_clip, log, key="live_" + "0" * 32) as process:
        assert process.wait(WAIT_S) != 0
    assert "403" in log.read_text() or "Forbidden" in log.read_text()


@pytest.fixture
def page(product: Product) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=[*ARGUMENTS, *FAKE_DEVICES])
        try:
            made = browser.new_context(bypass_csp=True, permissions=["camera", "microphone"]).new_page()
            made.add_init_script(path=CAMERA)
            made.goto(product.url + "/healthz")
            yield made
        finally:
            browser.close()


@pytest.mark.browser
def test_a_browsers_camera_is_live_through_a_new_size_and_an_ice_restart(product: Product, page: Page) -> None:
    await_empty_air(product)
    wait_until(lambda: takes_publishers(product), WAIT_S, "web knows of the webrtc process")

    def state() -> dict[str, Any]:
        found: dict[str, Any] = page.evaluate("whip.state()")
        return found

    start = "([url, key]) => whip.start(url, key)"
    assert page.evaluate(start, [product.url + "/whip/nobody", product.first_run()["streamKey"]]) == 404
    assert page.evaluate(start, [product.url + "/whip/demo", product.first_run()["streamKey"]]) == 201
    wait_until(lambda: is_playable(product), WAIT_S, "the camera can be watched")
    assert variants(product).codecs.endswith("mp4a.40.2")
    wait_until(lambda: state()["keyframes"] >= 2, WAIT_S, "keyframes come though the browser makes none by itself")
    page.evaluate("whip.resize(2)")
    wait_until(lambda: variants(product).resolution == (320, 180), WAIT_S, "the new size is on the air")
    assert page.evaluate("whip.restart()") == 200
    sent = state()["bytes"]
    wait_until(lambda: state()["bytes"] > sent + 100_000, WAIT_S, "media flows after the ICE restart")
    assert state()["state"] == "connected"
    assert page.evaluate("whip.stop()") == 200
    wait_until(lambda: not is_playable(product), WAIT_S, "the camera is off the air")
    assert "peer failed" not in product.log()
