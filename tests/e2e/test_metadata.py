"""Timed metadata from a program's request to what players fetch, through every process."""

import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import m3u8
import pytest

from tests.e2e.account import Account
from tests.e2e.streaming import PLAYLIST, streaming
from tests.product import Product, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


def renditions(product: Product) -> dict[str, str]:
    """Return the paths of all media playlists by their names."""
    text = product.get(PLAYLIST)[2].decode()
    paths = re.findall(r'URI="([^"]+)"|^([^#\n]+)$', text, re.MULTILINE)
    found = {quoted or bare for quoted, bare in paths}
    return {path.rpartition("/")[2].removesuffix(".m3u8"): f"/hls/demo/{path}" for path in found}


def listed(product: Product, path: str) -> Any:
    status, _, body = product.get(path)
    assert status == 200, body
    return m3u8.loads(body.decode())


def test_a_request_reaches_every_playlist_and_the_media(product: Product, clip: Path) -> None:
    admin = Account.admin(product)
    status, envelope = admin.call("POST", "channels/demo/metadata", {"data": {"SCORE": "0:0"}})
    assert (status, envelope["error"]["code"]) == (409, "NO_PUBLISHER")
    with streaming(product, clip):
        wait_until(lambda: product.get_json("/api/channels/demo")["isLive"], 5, "the API says so too")
        asked = time.time()
        body = {"data": {"SCORE": "2:1 ü"}, "className": "com.example.score", "durationMs": 1500}
        status, envelope = admin.call("POST", "channels/demo/metadata", body)
        assert status == 202, envelope
        cue = envelope["data"]["id"]
        paths = renditions(product)
        assert {"video", "audio", "video-iframes"} <= paths.keys()
        for path in paths.values():
            wait_until(lambda path=path: cue in product.get(path)[2].decode(), 3, f"it is in {path}")
            (line,) = [line for line in product.get(path)[2].decode().splitlines() if cue in line]
            assert 'CLASS="com.example.score"' in line
            assert 'X-SCORE="2:1 ü"' in line
            assert "DURATION=1.500" in line
            start = re.search(r'START-DATE="([^"]+)"', line)
            assert start is not None
            # Shown when it was said: that is the media which was arriving then.
            assert abs(datetime.fromisoformat(start[1]).timestamp() - asked) < 3.0
        (part,) = wait_until(lambda: parts_with(product, paths["video"], cue.encode()), 3, "a part has it")
        assert part[4:8] == b"emsg"


def parts_with(product: Product, path: str, word: bytes) -> list[bytes]:
    """Return the listed parts of a rendition in which this is."""
    folder = path.rpartition("/")[0]
    uris = [part.uri for segment in listed(product, path).segments for part in segment.parts]
    return [body for uri in uris if word in (body := product.get(f"{folder}/{uri}")[2])]


def test_keyframes_can_be_fetched_by_range(product: Product, clip: Path) -> None:
    with streaming(product, clip):
        time.sleep(3)
        path = renditions(product)["video-iframes"]
        stills = listed(product, path)
        assert stills.is_i_frames_only
        still = stills.segments[0]
        length, _, offset = still.byterange.partition("@")
        folder = path.rpartition("/")[0]
        asked = f"bytes={offset}-{int(offset) + int(length) - 1}"
        status, headers, body = product.get(f"{folder}/{still.uri}", Range=asked)
        assert (status, len(body)) == (206, int(length))
        assert headers["content-type"] == "video/mp4"
        assert b"moof" in body[:200]
