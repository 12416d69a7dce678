"""An ingest process that is killed, or stopped, and started again: streams go on as the same streams."""

import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import msgspec
import pytest

from tests.e2e.streaming import PLAYLIST, is_playable
from tests.encoder import end, publish
from tests.media.listing import Listing, read
from tests.product import Product, wait_until
from tests.viewing import renditions

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

GRACE_S = 60
"""More than a machine that is busy takes to stop and start everything."""
NAMES = ("video", "240p", "audio")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("resume")
    (folder / "tally.toml").write_text("[rungs.240p]\nheight = 240\nframe_rate = 30\nbitrate_kbps = 300\n")
    made = Product(folder, TALLY_ENCODER_PRESET="ultrafast", TALLY_LADDER="240p", TALLY_GRACE_S=str(GRACE_S))
    try:
        yield made.start()
    finally:
        made.stop()


class Encoder:
    """An encoder that connects again, as OBS does and ffmpeg does not."""

    def __init__(self, product: Product, clip: Path) -> None:
        self._product, self._clip = product, clip
        self._process: Popen[bytes] | None = None

    def keep_on(self) -> None:
        """Publish, again where the last attempt ended."""
        if self._process is None or self._process.poll() is not None:
            self._process = publish(self._clip, self._product.publish_url())

    def end(self) -> None:
        """Say goodbye."""
        if self._process is not None:
            end(self._process)


@pytest.fixture(scope="module")
def encoder(product: Product, clip: Path) -> Iterator[Encoder]:
    """On the air with its rung."""
    made = Encoder(product, clip)
    made.keep_on()
    try:
        wait_until(lambda: is_playable(product) and "240p" in renditions(product), 30, "the stream and its rung")
        yield made
    finally:
        made.end()


class Look(msgspec.Struct, frozen=True):
    """All renditions at a moment."""

    session: str
    listings: dict[str, Listing]

    @property
    def discontinuities(self) -> dict[str, int]:
        """Since the stream began."""
        return {
            name: listing.discontinuity_sequence + sum(entry.is_discontinuous for entry in listing.entries)
            for name, listing in self.listings.items()
        }

    @property
    def last_msns(self) -> dict[str, int]:
        """Of each rendition's newest complete segment that has media."""
        return {
            name: max((segment.msn for segment in listing.segments if not segment.is_gap), default=-1)
            for name, listing in self.listings.items()
        }

    @property
    def uris(self) -> list[str]:
        """Everything that is listed and has bytes."""
        uris = [part.uri for listing in self.listings.values() for part in listing.parts]
        for listing in self.listings.values():
            uris += [entry.uri for entry in listing.segments if entry.uri and not entry.is_gap]
            uris += sorted({entry.map_uri for entry in listing.entries if entry.map_uri})
        return uris


def look(product: Product) -> Look:
    """Fetch what the demo channel plays now."""
    lines = product.get(PLAYLIST)[2].decode().splitlines()
    session = next(line for line in lines if line.endswith("video.m3u8")).split("/")[0]
    return Look(session, {name: read(product.get(f"/hls/demo/{session}/{name}.m3u8")[2]) for name in NAMES})


def fetch(product: Product, session: str, uris: list[str]) -> dict[str, bytes]:
    """Fetch files from the origin itself, past every cache."""
    port = product.environ["TALLY_ORIGIN_PORT"]
    origin = f"http://127.0.0.1:{port}/{session}/"
    found = {}
    for uri in uris:
        with urllib.request.urlopen(origin + uri, timeout=10) as answer:
            found[uri] = answer.read()
    return found


def kill_ingest(product: Product) -> None:
    """Kill it without a word, and wait until another is there."""
    [pid] = product.pids("-m", "media", "ingest")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: set(product.pids("-m", "media", "ingest")) - {pid}, 10, "another ingest process")


def await_return(product: Product, encoder: Encoder, before: Look) -> Look:
    """Let the encoder come back and wait until two new segments of every rendition are there."""

    def is_back() -> Look | None:
        encoder.keep_on()
        if not is_playable(product):
            return None
        now = look(product)
        assert now.session == before.session
        for name, listing in now.listings.items():
            assert listing.media_sequence >= before.listings[name].media_sequence
        gained = [now.last_msns[name] - before.last_msns[name] for name in NAMES]
        is_broken = all(now.discontinuities[name] > before.discontinuities[name] for name in NAMES)
        return now if is_broken and min(gained) >= 2 else None

    found: Look = wait_until(is_back, 30, "every rendition goes on", 0.3)
    return found


def assert_in_step(now: Look) -> None:
    """Equal numbers mean equal times, and discontinuities are everywhere alike."""
    assert len(set(now.discontinuities.values())) == 1
    video = {entry.msn: entry for entry in now.listings["video"].segments}
    for listing in now.listings.values():
        for entry in listing.segments:
            if entry.msn in video:
                assert entry.is_discontinuous == video[entry.msn].is_discontinuous
                assert abs((entry.time or 0) - (video[entry.msn].time or 0)) < 0.1


def test_a_killed_process_comes_back_into_the_same_stream(product: Product, encoder: Encoder) -> None:
    before = look(product)
    files = fetch(product, before.session, before.uris)
    kill_ingest(product)
    now = await_return(product, encoder, before)
    assert set(now.discontinuities.values()) == {count + 1 for count in before.discontinuities.values()}
    assert_in_step(now)
    again = fetch(product, before.session, list(files))
    assert {uri for uri, data in files.items() if again[uri] != data} == set()


def test_a_process_that_is_killed_while_it_resumes_changes_nothing(product: Product, encoder: Encoder) -> None:
    encoder.keep_on()
    before = look(product)
    files = fetch(product, before.session, before.uris)
    resumed = product.log().count("session resumed")
    kill_ingest(product)
    wait_until(lambda: product.log().count("session resumed") > resumed, 20, "it resumes the session", 0.01)
    kill_ingest(product)
    now = await_return(product, encoder, before)
    assert set(now.discontinuities.values()) == {count + 1 for count in before.discontinuities.values()}
    assert_in_step(now)
    again = fetch(product, before.session, list(files))
    assert {uri for uri, data in files.items() if again[uri] != data} == set()


def test_a_stop_and_a_start_of_everything_go_on_too(product: Product, encoder: Encoder) -> None:
    before = look(product)
    assert product.stop() == 0
    assert not product.pids()
    product.start()
    now = await_return(product, encoder, before)
    assert_in_step(now)
    assert [line for line in product.log().splitlines() if "Traceback" in line] == []


def test_after_the_grace_there_is_another_stream(product: Product, encoder: Encoder) -> None:
    before = look(product)
    assert product.stop() == 0
    journal = product.data / "spool" / before.session / "journal"
    long_ago = journal.stat().st_mtime - GRACE_S
    os.utime(journal, (long_ago, long_ago))
    product.start()

    def is_another() -> bool:
        encoder.keep_on()
        return is_playable(product) and look(product).session != before.session

    wait_until(is_another, 30, "the key begins another stream", 0.3)
    assert b'"ended"' in journal.read_bytes().splitlines()[-1]
    [ended] = [line for line in product.log().splitlines() if "stream ended" in line and before.session in line]
    assert "by=unpublish" in ended
