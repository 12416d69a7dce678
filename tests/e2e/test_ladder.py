"""The ladder on real input: every rung plays, all begin their segments together, and the child may die."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.streaming import is_playable, streaming
from tests.encoder import make_clip
from tests.product import Product, wait_until
from tests.viewing import decode, first_sample, master, media_playlist, rendition_uris, renditions

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]

RUNGS = {"360p": (640, 360), "240p": (426, 240)}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("ladder")
    (folder / "tally.toml").write_text(
        "[rungs.360p]\nheight = 360\nframe_rate = 30\nbitrate_kbps = 700\n"
        "[rungs.240p]\nheight = 240\nframe_rate = 30\nbitrate_kbps = 300\n"
    )
    made = Product(folder, TALLY_ENCODER_PRESET="ultrafast", TALLY_LADDER="360p,240p")
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="module")
def hd_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("hd") / "hd.flv", size="1280x720", video_kbps=2500)


@pytest.fixture
def live(product: Product, hd_clip: Path) -> Iterator[Product]:
    with streaming(product, hd_clip):
        wait_until(lambda: set(RUNGS) <= set(renditions(product)), 20, "every rung is listed")
        yield product


def test_every_rendition_is_listed_truthfully_and_plays(live: Product) -> None:
    variants = {p.uri.rpartition("/")[2].removesuffix(".m3u8"): p.stream_info for p in master(live).playlists}
    for name, size in RUNGS.items():
        assert variants[name].resolution == size
        assert variants[name].frame_rate == pytest.approx(30, abs=0.1)
        assert variants[name].codecs.startswith("avc1.")
        assert variants[name].codecs.endswith(",mp4a.40.2")
    assert variants["video"].resolution == (1280, 720)
    assert variants["audio"].resolution is None
    assert variants["audio"].codecs == "mp4a.40.2"
    time.sleep(6)
    variants = {p.uri.rpartition("/")[2].removesuffix(".m3u8"): p.stream_info for p in master(live).playlists}
    assert variants["video"].bandwidth > variants["360p"].bandwidth > variants["240p"].bandwidth
    for name in ("video", *RUNGS):
        assert int(decode(live, name)) >= 100


def test_all_renditions_begin_a_segment_with_a_keyframe_at_the_same_time(live: Product) -> None:
    time.sleep(5)
    newest = min(media_playlist(live, name).segments[-2].media_sequence for name in ("video", *RUNGS))
    for msn in (newest - 1, newest):
        starts = {name: first_sample(live, name, msn) for name in ("video", *RUNGS)}
        assert all(is_keyframe for _pts, is_keyframe in starts.values())
        assert len({round(pts, 3) for pts, _ in starts.values()}) == 1, starts


def test_a_killed_child_costs_a_gap_in_the_rungs_and_nothing_else(live: Product) -> None:
    [child] = live.pids("-m", "media", "transcode")
    before = media_playlist(live, "video")
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: live.pids("-m", "media", "transcode") not in ([], [child]), 10, "the child is replaced")

    def is_back() -> bool:
        segments = media_playlist(live, "240p").segments
        return len(segments) > 2 and not any(segment.gap_tag for segment in segments[-2:])

    time.sleep(3)
    wait_until(is_back, 20, "the rungs are back", 0.5)
    lists = {name: media_playlist(live, name) for name in ("video", "audio", *RUNGS)}
    assert not any(segment.gap_tag or segment.discontinuity for segment in lists["video"].segments)
    assert len({playlist.discontinuity_sequence for playlist in lists.values()}) == 1
    assert lists["video"].media_sequence >= before.media_sequence
    pts = {name: first_sample(live, name, lists[name].segments[-2].media_sequence)[0] for name in ("240p",)}
    assert pts["240p"] == pytest.approx(
        first_sample(live, "video", lists["240p"].segments[-2].media_sequence)[0], abs=0.001
    )
    assert is_playable(live)


def test_rendition_reports_name_every_other_rendition(live: Product) -> None:
    for name in ("video", "audio", *RUNGS):
        text = live.get(rendition_uris(live)[name])[2].decode()
        reported = {
            line.partition('URI="')[2].partition(".m3u8")[0] for line in text.splitlines() if "RENDITION-REPORT" in line
        }
        assert reported >= {"video", "audio", *RUNGS} - {name}
        assert name not in reported
