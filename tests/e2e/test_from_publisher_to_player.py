"""The product's main job on real input: ffmpeg publishes, players play, and wrong publishers learn why not."""

import json
import re
import subprocess
import time
from pathlib import Path

import m3u8
import pytest

from tests.e2e.account import Account
from tests.e2e.streaming import PLAYLIST, await_empty_air, is_playable, streaming
from tests.encoder import ffmpeg, publish
from tests.product import Product, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


def test_a_stream_is_playable_one_gop_after_the_publisher_began(product: Product, clip: Path) -> None:
    assert product.get(PLAYLIST)[0] == 404
    with streaming(product, clip):
        wait_until(lambda: product.get_json("/api/channels/demo")["isLive"], 5, "the API says so too")
        variants = m3u8.loads(product.get(PLAYLIST)[2].decode())
        assert variants.playlists[0].stream_info.resolution == (640, 360)
        assert "avc1.64001e,mp4a.40.2" in variants.playlists[0].stream_info.codecs
    wait_until(lambda: not product.get_json("/api/channels/demo")["isLive"], 5, "the channel is off the air")
    wait_until(lambda: product.get(PLAYLIST)[0] == 404, 5, "the playlist is gone")


def test_ffmpeg_plays_what_ffmpeg_published(product: Product, clip: Path, tmp_path: Path) -> None:
    with streaming(product, clip):
        time.sleep(4)
        copy = tmp_path / "copy.mp4"
        player = subprocess.run(
            [ffmpeg(), "-hide_banner", "-loglevel", "warning", "-i", product.url + PLAYLIST, "-t", "4", "-c", "copy",
             "-f", "mp4", str(copy)],
            capture_output=True, text=True, timeout=40, check=True,
        )  # fmt: skip
        decoded = subprocess.run(
            [ffmpeg(), "-hide_banner", "-loglevel", "warning", "-i", str(copy), "-f", "null", "-", "-stats"],
            capture_output=True, text=True, timeout=40, check=True,
        )  # fmt: skip
    assert "error" not in player.stderr.lower(), player.stderr
    assert "error" not in decoded.stderr.lower(), decoded.stderr
    frames = re.findall(r"frame=\s*(\d+)", decoded.stderr)
    assert int(frames[-1]) >= 100


def test_a_wrong_key_is_told_so_in_words(product: Product, clip: Path, tmp_path: Path) -> None:
    await_empty_air(product)
    log = tmp_path / "ffmpeg.log"
    publisher = publish(clip, product.publish_url("live_00000000000000000000000000000000"), log=log)
    assert publisher.wait(15) != 0
    assert "key" in log.read_text().lower()
    assert product.get(PLAYLIST)[0] == 404


def test_a_rotated_key_cuts_its_publisher_within_a_second(product: Product, clip: Path, tmp_path: Path) -> None:
    admin = Account.admin(product)
    channel = product.first_run()["channelId"]
    _status, made = admin.call("POST", f"channels/{channel}/stream-key")
    with streaming(product, clip, made["data"]["streamKey"]) as publisher:
        status, again = admin.call("POST", f"channels/{channel}/stream-key")
        rotated = time.monotonic()
        assert status == 200
        wait_until(lambda: publisher.poll() is not None, 5, "the publisher is cut", 0.01)
        assert time.monotonic() - rotated < 1.0
        refused = publish(clip, product.publish_url(made["data"]["streamKey"]), log=tmp_path / "refused.log")
        assert refused.wait(15) != 0
    with streaming(product, clip, again["data"]["streamKey"]) as publisher:
        status, answer = admin.call("POST", f"channels/{channel}/go-offline")
        assert (status, answer["data"]["isLive"]) == (200, False)
        wait_until(lambda: publisher.poll() is not None, 2, "the owner's stop cuts the publisher", 0.01)
        refused = publish(clip, product.publish_url(again["data"]["streamKey"]), log=tmp_path / "rest.log")
        assert refused.wait(15) != 0
        assert "ended by its owner" in (tmp_path / "rest.log").read_text()
    time.sleep(10)  # the rest that an owner's stop gives to the channel
    # later tests publish with the first run's key file
    first = product.data / "first-run.json"
    first.write_text(json.dumps(product.first_run() | {"streamKey": again["data"]["streamKey"]}))


def test_a_second_publisher_of_a_live_channel_is_refused(product: Product, clip: Path, tmp_path: Path) -> None:
    with streaming(product, clip) as first:
        log = tmp_path / "second.log"
        second = publish(clip, product.publish_url(), log=log)
        assert second.wait(15) != 0
        assert "live" in log.read_text().lower()
        assert first.poll() is None
        assert is_playable(product)


def test_the_owner_sees_the_health_of_the_running_stream(product: Product, clip: Path) -> None:
    admin = Account.admin(product)
    channel = product.first_run()["channelId"]
    with streaming(product, clip):

        def video() -> dict[str, float] | None:
            session = admin.call("GET", f"channels/{channel}/ingest")[1]["data"]["session"]
            found: dict[str, float] | None = session and session["video"]
            return found if found and found["keyframeIntervalS"] and found["bitrateBps"] > 300_000 else None

        seen = wait_until(video, 12, "the heartbeat tells bit rate and keyframe interval")
    assert (seen["width"], seen["height"]) == (640, 360)
    assert seen["keyframeIntervalS"] == pytest.approx(2, abs=0.1)
    assert seen["frameRate"] == pytest.approx(30, abs=1)
    assert seen["codec"] == "avc1.64001e"


def test_no_key_is_in_a_log_a_playlist_or_a_process_list(product: Product, clip: Path) -> None:
    key = product.first_run()["streamKey"]
    with streaming(product, clip) as publisher:
        assert key.encode() not in product.get(PLAYLIST)[2]
        for pid in product.pids():
            if pid != publisher.pid:
                assert key.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert product.log().count(key) <= 1, "only the first run's print-out may show the key"
