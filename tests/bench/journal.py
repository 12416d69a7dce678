"""What it costs to journal a stream: CPU-seconds of packaging with a journal, without, and with bare files.

One 6 Mb/s stream with sound, alone and with two rungs, through `LiveStream`. "files" writes each segment as a whole
into a file and no journal: what writing the bytes alone costs.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from media.journal.reader import read_journal
from media.live import LiveStream
from media.packets import CodecConfig, Packet, TrackKind
from media.spool import Spool
from media.transcode.rungs import Rung
from schemas.ids import ChannelId, SessionId, make_id
from schemas.ingest import PublishGrant
from tests.bench.processes import table
from tests.media.material import AUDIO_CONFIG, VIDEO_CONFIG, WALL_CLOCK, audio_packets, interleaved, seconds

MEDIA_S = 60
ROUNDS = 15
"""Of each way, one after the other; the fastest counts."""
INGEST_S = 0.667
"""CPU-s that the ingest process took per minute of the 6 Mb/s stream when a thread wrote whole segments (`ingest`)."""
VIDEO_BPS, AUDIO_BPS, FPS = 5_870_000, 128_000, 30
RUNGS = [Rung("720p", 1280, 720, 30.0, 2_500_000), Rung("480p", 854, 480, 30.0, 1_000_000)]

Feed = Callable[[LiveStream], None]


def main() -> None:
    """Print CPU-seconds per minute of media, and their share of what ingest takes for the stream."""
    rows = [row for rungs in ([], RUNGS) for row in asyncio.run(_compare(rungs))]
    print(
        table(
            "Journal: packaging one 6 Mb/s stream",
            ("renditions", "written", "CPU-s per minute", "more than memory", "share of ingest", "target"),
            rows,
        )
    )


async def _compare(rungs: list[Rung]) -> list[tuple[str, ...]]:
    feed = _feeder(rungs)
    ways = {"memory": _in_memory, "files": _as_files, "journal": _journaled}
    cost = dict.fromkeys(ways, float("inf"))
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        spool = Spool(Path(folder))
        try:
            for _ in range(ROUNDS):
                for name, way in ways.items():
                    cost[name] = min(cost[name], way(spool, Path(folder), rungs, feed) * 60 / MEDIA_S)
                    for written in Path(folder).glob("*/"):
                        shutil.rmtree(written)
        finally:
            spool.close()
    names = "video audio " + " ".join(rung.name for rung in rungs)
    rows: list[tuple[str, ...]] = []
    for name in ways:
        more = cost[name] - cost["memory"]
        target = "5.0%" if name == "journal" else ""
        rows.append((names, name, f"{cost[name]:.4f}", f"{more:.4f}", f"{more / INGEST_S:.1%}", target))
    return rows


def _in_memory(spool: Spool, _folder: Path, rungs: list[Rung], feed: Feed) -> float:
    stream = LiveStream(SessionId(make_id()), part_s=0.5, segment_s=2, spool=spool, choose_rungs=lambda _: rungs)
    return _timed(stream, feed)


def _as_files(spool: Spool, folder: Path, rungs: list[Rung], feed: Feed) -> float:
    stream = LiveStream(SessionId(make_id()), part_s=0.5, segment_s=2, spool=spool, choose_rungs=lambda _: rungs)
    directory = folder / stream.session_id
    directory.mkdir()
    changed = stream.serving.changed
    written: dict[str, int] = {}

    def write_closed() -> None:
        for window in stream.windows.values():
            if window.last_closed_msn > written.get(window.name, -1):
                msn = written[window.name] = window.last_closed_msn
                segment = window.find(msn)
                if segment is not None and segment.parts:
                    with (directory / window.uri(msn)).open("wb") as file:
                        file.writelines(segment.chunks())
        changed()

    stream.serving.changed = write_closed  # type: ignore[method-assign] # the hook that there is
    return _timed(stream, feed)


def _journaled(spool: Spool, folder: Path, rungs: list[Rung], feed: Feed) -> float:
    grant = PublishGrant(ChannelId("bench"), "bench", SessionId(make_id()))
    journal = spool.begin(grant, "0" * 64, 0)
    stream = LiveStream(
        grant.session_id, part_s=0.5, segment_s=2, spool=spool, journal=journal, choose_rungs=lambda _: rungs
    )
    used = _timed(stream, feed)
    assert len(read_journal(folder / grant.session_id / "journal").records) > MEDIA_S, "it was written"
    return used


def _timed(stream: LiveStream, feed: Feed) -> float:
    before = time.process_time()
    feed(stream)
    stream.end()
    return time.process_time() - before


def _feeder(rungs: list[Rung]) -> Feed:
    """Return what feeds a stream with a minute of media, made before."""
    events = interleaved(_frames(VIDEO_BPS), audio_packets(MEDIA_S))
    coded = {rung.name: iter(_frames(rung.bitrate_bps)) for rung in rungs}
    plan = [(packet, {name: next(frames) for name, frames in coded.items()} if _leads(packet) else {})
            for packet in events]  # fmt: skip

    def feed(stream: LiveStream) -> None:
        stream.feed(VIDEO_CONFIG, WALL_CLOCK)
        stream.feed(AUDIO_CONFIG, WALL_CLOCK)
        is_told = False
        for packet, others in plan:
            stream.feed(packet, WALL_CLOCK + seconds(packet))
            if others and packet.dts >= 90_000:  # the ladder is chosen by then
                for name, frame in others.items():
                    if not is_told:
                        stream.feed_rung(name, CodecConfig(TrackKind.VIDEO, "avc1", VIDEO_CONFIG.record, 1280, 720))
                    stream.feed_rung(name, frame)
                is_told = True

    return feed


def _leads(packet: Packet) -> bool:
    return packet.kind is TrackKind.VIDEO


def _frames(bitrate_bps: int) -> Iterator[Packet]:
    """Yield frames of one NAL unit each, keyframes five times as big as others, every 2 s."""
    usual = bitrate_bps // 8 / FPS / (1 + 4 / 60)
    for number in range(MEDIA_S * FPS):
        is_keyframe = number % (2 * FPS) == 0
        size = int(usual * 5 if is_keyframe else usual)
        data = (size - 4).to_bytes(4, "big") + bytes((0x65 if is_keyframe else 0x41,)) + os.urandom(size - 5)
        dts = number * 90_000 // FPS
        yield Packet(TrackKind.VIDEO, dts, dts, is_keyframe, data)
