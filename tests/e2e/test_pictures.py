"""What is on, as pictures: from a real publisher's keyframes to what a page loads."""

import os
import re
import signal
from pathlib import Path

import pytest

from config import processes
from tests.e2e.streaming import await_empty_air, streaming
from tests.media.pictures.material import decoded_jpeg
from tests.product import Product, wait_until

pytestmark = pytest.mark.services
THUMBNAIL = "/thumbnails/demo.jpg"


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def pictures_process(product: Product) -> int | None:
    for ingest in product.pids("media", "ingest"):
        for child in children(ingest):
            if b"pictures" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                return child
    return None


def test_a_stream_has_a_thumbnail_and_a_storyboard_within_seconds(product: Product, clip: Path) -> None:
    assert product.get(THUMBNAIL)[0] == 404
    with streaming(product, clip):
        _, headers, picture = wait_until(
            lambda: (got := product.get(THUMBNAIL))[0] == 200 and got, 5, "there is a thumbnail"
        )
        frame = decoded_jpeg(picture)
        assert (frame.width, frame.height) == (640, 360)
        assert headers["cache-control"] == "public, max-age=10"
        (channel,) = product.get_json("/api/channels?live=true")
        assert product.get(channel["thumbnailUrl"])[2] == picture
        _, _, playlist = product.get("/hls/demo/playlist.m3u8")
        session = re.search(rb"^([^#/\n]+)/video\.m3u8$", playlist, re.MULTILINE)
        assert session is not None
        base = f"/hls/demo/{session[1].decode()}"
        status, headers, storyboard = product.get(f"{base}/storyboard.vtt")
        assert status == 200
        assert headers["content-type"].startswith("text/vtt")
        sheet = re.search(rb"(storyboard-0-1\.jpg)#xywh=0,0,160,90\n", storyboard)
        assert sheet is not None, storyboard
        status, headers, body = product.get(f"{base}/{sheet[1].decode()}")
        assert status == 200
        assert headers["content-type"] == "image/jpeg"
        assert decoded_jpeg(body).width == 1600
    await_empty_air(product)
    wait_until(lambda: product.get(THUMBNAIL)[0] == 404, 5, "the thumbnail is gone with the stream")


def test_a_killed_pictures_process_costs_a_stream_nothing(product: Product, clip: Path) -> None:
    with streaming(product, clip):
        wait_until(lambda: product.get(THUMBNAIL)[0] == 200, 5, "there is a thumbnail")
        first = product.get(THUMBNAIL)[2]
        pid = pictures_process(product)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert processes.wait_gone(pid, 5)
        newer = wait_until(lambda: (got := product.get(THUMBNAIL)[2]) != first and got, 25, "there is a newer one")
        assert decoded_jpeg(newer).width == 640
        second = pictures_process(product)
        assert second not in {None, pid}
    assert "pictures process lost" in product.log()
