"""SRT through the whole product: two publishers, a player, a key that changes, and a machine without libsrt."""

import json
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from media.srt.caller import Caller, Rejected
from media.srt.lib import Rejection
from tests.e2e.account import Account
from tests.encoder import end, ffmpeg
from tests.encoder import publish as publish_rtmp
from tests.product import Product, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("srt"), TALLY_LADDER="off")
    try:
        yield made.start()
    finally:
        made.stop()


def tally(product: Product, *words: str) -> str:
    command = [product.executable, *words]
    return subprocess.run(command, env=product.environ, check=True, capture_output=True, text=True, timeout=60).stdout


def address(product: Product, streamid: str) -> str:
    return f"srt://127.0.0.1:{product.environ['TALLY_SRT_PORT']}?mode=caller&pkt_size=1316&streamid={streamid}"


def publish(product: Product, clip: Path, streamid: str, *sound: str) -> subprocess.Popen[bytes]:
    command = [
        ffmpeg(), "-hide_banner", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(clip),
        "-c:v", "copy", *(sound or ("-c:a", "copy")), "-f", "mpegts", address(product, streamid),
    ]  # fmt: skip
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def is_playable(product: Product, channel: str) -> bool:
    return product.get(f"/hls/{channel}/playlist.m3u8")[0] == 200


def code_of(product: Product, streamid: str) -> int:
    with pytest.raises(Rejected) as refused:
        Caller.connect("127.0.0.1", int(product.environ["TALLY_SRT_PORT"]), streamid=streamid)
    return refused.value.code


def test_two_publishers_one_player_and_a_key_that_changes(product: Product, clip: Path, tmp_path: Path) -> None:
    tally(product, "channel", "add", "second", "--owner", "admin", "--json")
    second_key = json.loads(tally(product, "key", "rotate", "second", "--json"))["streamKey"]
    first = publish(product, clip, product.first_run()["streamKey"])
    second = publish(product, clip, f"#!::r=second,m=publish,u={second_key}", "-c:a", "mp2")
    try:
        for channel in ("demo", "second"):
            wait_until(lambda channel=channel: is_playable(product, channel), 30, f"{channel} can be played")
        playlist = product.get("/hls/second/playlist.m3u8")[2].decode()
        assert "mp4a.40.2" in playlist  # layer II was made AAC
        played = play(product, "#!::r=demo,m=request", tmp_path / "played.ts")
        assert played >= 30
        network = publishers(product)[0]["network"]
        assert network["receivedPackets"] > 100
        assert network["latencyMs"] == 200
        assert code_of(product, "#!::r=second,m=publish,u=" + product.first_run()["streamKey"]) == Rejection.FORBIDDEN
        assert code_of(product, second_key) == Rejection.CONFLICT
        assert code_of(product, "#!::r=nobody,m=request") == Rejection.NOT_FOUND
        tally(product, "key", "rotate", "second")
        wait_until(lambda: second.poll() is not None, 20, "the publisher with the old key is cut")
        wait_until(lambda: code_of(product, second_key) == Rejection.FORBIDDEN, 20, "the old key is no longer good")
        assert is_playable(product, "demo")
        before = session_path(product)
        first.send_signal(signal.SIGKILL)  # and comes back another way
        first.wait(10)
        returned = return_over_rtmp(product, clip)
        assert session_path(product) == before
        end(returned)
    finally:
        end(first)
        end(second)


def session_path(product: Product) -> str:
    """The part of the media playlist's address that names the session."""
    lines = product.get("/hls/demo/playlist.m3u8")[2].decode().splitlines()
    return next(line for line in lines if line and not line.startswith("#")).split("/")[0]


def return_over_rtmp(product: Product, clip: Path) -> subprocess.Popen[bytes]:
    """Publish with the same key; the silent one is in the way for a moment."""
    returned: list[subprocess.Popen[bytes]] = []

    def is_on() -> bool:
        if not returned or returned[-1].poll() is not None:
            returned.append(publish_rtmp(clip, product.publish_url()))
        return any(each["protocol"] == "rtmp" and each["isOnAir"] for each in publishers(product))

    wait_until(is_on, 30, "the publisher is back", 0.3)
    return returned[-1]


def publishers(product: Product) -> list[dict[str, Any]]:
    """The demo channel's publishers, as its owner sees them."""
    session = Account.admin(product).call("GET", "channels/demo/ingest")[1]["data"]["session"]
    found: list[dict[str, Any]] = session["publishers"] if session else []
    return found


def play(product: Product, streamid: str, out: Path) -> int:
    """Record two seconds as ffmpeg plays them; return how many pictures there are."""
    command = [ffmpeg(), "-loglevel", "error", "-i", address(product, streamid), "-t", "2", "-c", "copy", str(out)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=40)
    with av.open(str(out), "r") as container:
        return sum(1 for _ in container.decode(video=0))


def test_without_libsrt_the_product_says_so_and_runs(tmp_path: Path, clip: Path) -> None:
    bare = Product(tmp_path, LIBSRT="/nonexistent")
    try:
        bare.start()
        wait_until(lambda: "srt unavailable" in bare.log(), 20, "one line in the log")
        assert "install libsrt with" in bare.log()
        health = origin_health(bare)
        assert health["status"] == "ok"
        assert health["srt"].startswith("unavailable: install libsrt with")
        doctor = subprocess.run(
            [bare.executable, "doctor"], check=False, env=bare.environ, capture_output=True, text=True, timeout=60
        )
        assert "WARNING  srt" in doctor.stdout
        publisher = publish_rtmp(clip, bare.publish_url())
        wait_until(lambda: is_playable(bare, "demo"), 20, "RTMP goes on as ever")
        end(publisher)
    finally:
        bare.stop()


def origin_health(product: Product) -> dict[str, str]:
    port = product.environ["TALLY_ORIGIN_PORT"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        found: dict[str, str] = json.loads(answer.read())
    return found
