"""Publishers that are killed, freeze, come back, take over and stand by: what the playlist and the API say of it."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.embedded import running_urls
from config.settings import load
from tests.e2e.account import Account
from tests.e2e.streaming import PLAYLIST, await_empty_air, is_playable, streaming
from tests.encoder import end, publish
from tests.product import Product, free_ports, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

GRACE_S = 10


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("reconnect"), TALLY_LADDER="off", TALLY_GRACE_S=str(GRACE_S))
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="module")
def owner(product: Product) -> Account:
    """The channel's owner, signed in."""
    return Account.admin(product)


class Seen(msgspec.Struct, frozen=True):
    """A media playlist at a moment."""

    session: str
    last_msn: int
    """Of the newest segment or the one that grows."""
    discontinuities: int
    """Since the stream began."""
    is_ended: bool
    text: str


def look(product: Product) -> Seen:
    """Fetch the video playlist of whatever the demo channel plays."""
    lines = product.get(PLAYLIST)[2].decode().splitlines()
    uri = next(line for line in lines if line.endswith("video.m3u8") and not line.startswith("#"))
    status, _, body = product.get(f"/hls/demo/{uri}")
    assert status == 200
    return seen(uri.partition("/")[0], body.decode())


def seen(session: str, text: str) -> Seen:
    first = re.search(r"^#EXT-X-MEDIA-SEQUENCE:(\d+)", text, re.MULTILINE)
    dropped = re.search(r"^#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)", text, re.MULTILINE)
    assert first
    segments = len(re.findall(r"^#EXTINF:", text, re.MULTILINE))
    breaks = len(re.findall(r"^#EXT-X-DISCONTINUITY$", text, re.MULTILINE))
    return Seen(
        session,
        int(first[1]) + segments,
        breaks + (int(dropped[1]) if dropped else 0),
        "#EXT-X-ENDLIST" in text,
        text,
    )


def status_of(product: Product) -> Any:
    return product.get_json("/api/channels/demo/status")


def is_reconnecting(product: Product) -> bool:
    return bool(status_of(product)["isReconnecting"])


def ingest_of(owner: Account) -> Any:
    status, answer = owner.call("GET", "channels/demo/ingest")
    assert status == 200
    return answer["data"]


def new_key(owner: Account) -> str:
    status, answer = owner.call("POST", "channels/demo/stream-key")
    assert status == 200
    return str(answer["data"]["streamKey"])


def log_of(publisher: Path) -> str:
    return publisher.read_text(errors="replace")


def watch(product: Product, seconds: float, looks: list[Seen]) -> None:
    """Look twice a second; what was seen once never goes back."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        looks.append(look(product))
        if len(looks) > 1:
            assert looks[-1].session == looks[-2].session
            assert looks[-1].last_msn >= looks[-2].last_msn
            assert looks[-1].discontinuities >= looks[-2].discontinuities
            assert not looks[-1].is_ended
        time.sleep(0.5)


@pytest.mark.parametrize("after_s", [2, 9])
def test_a_killed_publisher_comes_back_into_the_same_stream(
    product: Product, owner: Account, clip: Path, after_s: int
) -> None:
    """After 2 s there is no slate yet, and gaps stand in its place."""
    with streaming(product, clip) as publisher:
        looks: list[Seen] = []
        watch(product, after_s, looks)
        os.kill(publisher.pid, signal.SIGKILL)
        publisher.wait(5)
        wait_until(lambda: is_reconnecting(product), 3, "viewers are told that the publisher is away")
        left = looks[-1].last_msn
        watch(product, 6, looks)
        assert looks[-1].last_msn >= left + 2  # the playlist goes on meanwhile
        away = looks[-1].discontinuities
        again = publish(clip, product.publish_url())
        try:
            wait_until(lambda: not is_reconnecting(product), 8, "the publisher is back")
            watch(product, 4, looks)
            assert looks[-1].discontinuities == away + 1
            health = ingest_of(owner)["session"]
            assert (health["interruptions"], health["isWaiting"]) == (1, False)
            assert len(health["publishers"]) == 1
        finally:
            end(again)


def test_a_frozen_publisher_is_covered_and_goes_on_when_it_thaws(product: Product, clip: Path) -> None:
    with streaming(product, clip) as publisher:
        looks: list[Seen] = []
        watch(product, 2, looks)
        os.kill(publisher.pid, signal.SIGSTOP)
        try:
            frozen_at = time.monotonic()
            wait_until(lambda: is_reconnecting(product), 7, "the freeze is noticed")
            assert time.monotonic() - frozen_at > 2.5
            watch(product, 2, looks)
        finally:
            os.kill(publisher.pid, signal.SIGCONT)
        wait_until(lambda: not is_reconnecting(product), 8, "the publisher has thawed")
        watch(product, 3, looks)
        assert publisher.poll() is None


def test_an_equal_publisher_is_refused_and_one_that_takes_over_is_not(
    product: Product, clip: Path, tmp_path: Path
) -> None:
    with streaming(product, clip) as first:
        looks: list[Seen] = []
        watch(product, 2, looks)
        refused = publish(clip, product.publish_url(), log=tmp_path / "refused")
        assert refused.wait(10) != 0
        assert "already live from somewhere else" in log_of(tmp_path / "refused")
        watch(product, 1, looks)
        breaks = looks[-1].discontinuities
        second = publish(clip, product.publish_url() + "?takeover=1")
        try:
            first.wait(10)
            watch(product, 3, looks)
            assert looks[-1].discontinuities == breaks + 1
            assert second.poll() is None
            assert not is_reconnecting(product)
        finally:
            end(second)


def test_a_backup_takes_over_on_its_keyframe_and_the_main_publisher_again(
    product: Product, owner: Account, clip: Path
) -> None:
    await_empty_air(product)
    url = product.publish_url()

    def priorities() -> list[tuple[int, bool]]:
        session = ingest_of(owner)["session"]
        return sorted((each["priority"], each["isOnAir"]) for each in session["publishers"]) if session else []

    main, looks = publish(clip, f"{url}?priority=10"), list[Seen]()
    running = [main]
    try:
        wait_until(lambda: is_playable(product), 15, "the stream can be played")
        running.append(publish(clip, f"{url}?priority=5"))
        wait_until(lambda: priorities() == [(5, False), (10, True)], 10, "the backup stands by")
        watch(product, 1, looks)
        os.kill(main.pid, signal.SIGKILL)
        main.wait(5)
        wait_until(lambda: priorities() == [(5, True)], 8, "the backup is on the air")
        watch(product, 2, looks)
        running.append(publish(clip, f"{url}?priority=10"))
        wait_until(lambda: priorities() == [(5, False), (10, True)], 12, "the main publisher is on the air again")
        watch(product, 2, looks)
        assert len({each.session for each in looks}) == 1
    finally:
        for each in reversed(running):
            end(each)


def test_a_publisher_that_stays_away_ends_the_stream_with_the_reason(
    product: Product, owner: Account, clip: Path
) -> None:
    with streaming(product, clip) as publisher:
        session = look(product).session
        os.kill(publisher.pid, signal.SIGKILL)
        lost_at = time.monotonic()
        wait_until(lambda: not status_of(product)["isLive"], GRACE_S + 5, "the stream is off the air")
        assert time.monotonic() - lost_at > GRACE_S - 1
        assert ingest_of(owner)["lastEnd"]["reason"] == "The publisher was lost and did not come back."
        text = product.get(f"/hls/demo/{session}/video.m3u8")[2].decode()
        assert "#EXT-X-ENDLIST" in text


def test_a_new_key_ends_a_stream_that_waits(product: Product, owner: Account, clip: Path) -> None:
    key = new_key(owner)
    with streaming(product, clip, key) as publisher:
        os.kill(publisher.pid, signal.SIGKILL)
        publisher.wait(5)
        wait_until(lambda: is_reconnecting(product), 3, "the stream waits")
        newer = new_key(owner)
        wait_until(lambda: not status_of(product)["isLive"], 5, "the stream is off the air")
        assert ingest_of(owner)["lastEnd"]["reason"] == "The stream key was replaced."
        old = publish(clip, product.publish_url(key))
        assert old.wait(10) != 0
    with streaming(product, clip, newer):
        data = product.first_run() | {"streamKey": newer}
        (product.data / "first-run.json").write_text(msgspec.json.encode(data).decode())


@pytest.mark.parametrize("away", ["web", "redis"])
def test_a_publisher_comes_back_although_web_or_redis_was_away(product: Product, clip: Path, away: str) -> None:
    with streaming(product, clip) as publisher:
        before = look(product).session
        pids = product.pids("-m", "web") if away == "web" else _valkey(product)
        os.kill(publisher.pid, signal.SIGKILL)
        publisher.wait(5)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        again = publish(clip, product.publish_url())
        try:
            wait_until(lambda: is_playable(product) and not is_reconnecting(product), 20, "the stream goes on")
            time.sleep(1)
            assert look(product).session == before
            assert again.poll() is None
        finally:
            end(again)


def _valkey(product: Product) -> list[int]:
    return [pid for pid in product.pids() if "valkey" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]]


def test_a_publisher_moves_to_another_node(product: Product, clip: Path, tmp_path: Path) -> None:
    urls = running_urls(load(product.environ, cwd=product.folder, bare=True).settings)
    assert urls is not None
    rtmp_port, origin_port = free_ports(2)
    environ = product.environ | {
        "TALLY_DATA": str(tmp_path / "data"),
        "TALLY_REDIS_URL": urls.redis_url,
        "TALLY_SECRET": (product.data / "secret").read_text(),
        "TALLY_RTMP_PORT": str(rtmp_port),
        "TALLY_ORIGIN_PORT": str(origin_port),
        "TALLY_SRT_PORT": "0",
    }
    with (tmp_path / "log").open("wb") as log:
        node = subprocess.Popen([Product.executable, "ingest"], env=environ, stdout=log, stderr=log, cwd=tmp_path)
    other = product.publish_url().replace(f":{product.rtmp_port}/", f":{rtmp_port}/")
    second = None
    try:
        wait_until(lambda: "ingest ready" in log_of(tmp_path / "log"), 15, "the second node is ready")
        with streaming(product, clip) as first:
            before = look(product).session
            refused = publish(clip, other, log=tmp_path / "refused")
            assert refused.wait(10) != 0
            assert "already live from somewhere else" in log_of(tmp_path / "refused")
            second = publish(clip, f"{other}?takeover=1")
            first.wait(10)
            wait_until(lambda: is_playable(product) and look(product).session != before, 12, "it plays from there")
    finally:
        if second is not None:
            end(second)
        node.terminate()
        node.wait(10)


def test_a_bandwidth_test_is_measured_and_never_on_the_air(product: Product, owner: Account, clip: Path) -> None:
    await_empty_air(product)
    publisher = publish(clip, product.publish_url() + "?bandwidthtest=true")
    try:
        test = wait_until(lambda: (ingest_of(owner)["test"] or {}).get("video"), 10, "the test is reported")
        assert test["width"] == 640
        time.sleep(4)
        state = ingest_of(owner)
        assert state["session"] is None
        assert state["test"]["video"]["frameRate"] == pytest.approx(30, abs=1)
        assert state["test"]["publishers"][0]["bitrateBps"] > 200_000
        assert not is_playable(product)
        assert publisher.poll() is None
    finally:
        end(publisher)
    assert ingest_of(owner)["test"]["video"]["codec"].startswith("avc1")


def test_a_publisher_over_a_limit_is_cut_and_the_owner_reads_why(
    product: Product, owner: Account, clip: Path, tmp_path: Path
) -> None:
    await_empty_air(product)
    limit = [Product.executable, "channel", "limit", "demo", "--max-height"]
    subprocess.run([*limit, "240"], env=product.environ, cwd=product.folder, check=True, stdout=subprocess.DEVNULL)
    try:
        publisher = publish(clip, product.publish_url())
        publisher.wait(10)
        sentence = "The picture has 640x360 pixels; the shorter side may have 240 here."
        wait_until(lambda: (ingest_of(owner)["lastEnd"] or {}).get("reason") == sentence, 5, "the reason is told")
    finally:
        subprocess.run([*limit, "0"], env=product.environ, cwd=product.folder, check=True, stdout=subprocess.DEVNULL)
