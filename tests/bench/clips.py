"""What exact edges and downloads cost: CPU seconds of the clip child's work, and of an MP4 for each hour of stream."""

import struct
import tempfile
import time
from pathlib import Path

import msgspec

from media.clips.worker import make
from media.mp4.streamed import StreamedMovie
from tests.bench.processes import table
from tests.media.clips.workbench import lay_out
from tests.media.material import AUDIO_CONFIG, VIDEO_CONFIG, Material, aac, audio_packets, video_packets
from tests.media.mp4.stored import play, store
from tests.media.transcode import clips

HOUR = 1800
"""Segments of 2 s."""


def main() -> None:
    """Print one row for each kind of work."""
    rows: list[tuple[str, ...]] = [
        ("edges of a clip", size, f"{_edges_s(size):.1f} s") for size in ("1280x720", "1920x1080")
    ]
    rows.append(("MP4 of one hour, 60 pictures/s", "1280x720", f"{_hour_s():.1f} s"))
    print(table("Clips and downloads: CPU", ("work", "picture", "CPU"), rows))


def _edges_s(size: str) -> float:
    """Two edges in the middle of segments of 2 s, MP4 and thumbnail."""
    video = clips.video(size=size, frames=180, gop=60, options={"b": "6000000", "bf": "2"})
    with tempfile.TemporaryDirectory() as folder:
        task = lay_out(store(play(video, aac(6))), Path(folder), 1.0, 5.0)
        began = time.process_time()
        make(task)
        return time.process_time() - began


def _hour_s() -> float:
    picture = Material(VIDEO_CONFIG, video_packets(4, fps=60, gop=120, delay=3000))
    stored = store(play(picture, Material(AUDIO_CONFIG, audio_packets(4))))
    tracks = [
        msgspec.structs.replace(
            track,
            segments=[
                msgspec.structs.replace(track.segments[0], msn=number, start_s=2.0 * number) for number in range(HOUR)
            ],
        )
        for track in stored.tracks
    ]
    movie = StreamedMovie(tracks, stored.inits, title="", created_s=0)
    spent = 0.0
    for piece in movie.pieces:
        rate = 90_000 if tracks[piece.track].kind == "video" else 48_000
        data = _moved(stored.objects[piece.segment.key], round(piece.segment.start_s * rate))
        began = time.process_time()
        movie.take(data)
        spent += time.process_time() - began
    began = time.process_time()
    movie.tail()
    return spent + time.process_time() - began


def _moved(segment: bytes, ticks: int) -> bytes:
    """Return a segment at a later time."""
    data, at = bytearray(segment), 0
    while (at := data.find(b"tfdt", at)) >= 0:
        struct.pack_into(">Q", data, at + 8, struct.unpack_from(">Q", data, at + 8)[0] + ticks)
        at += 12
    return bytes(data)
