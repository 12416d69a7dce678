"""Transport streams of the static FFmpeg, and what FFmpeg's own demuxer finds in them."""

import io
import subprocess
from functools import lru_cache

import av
import msgspec

from media.packets import CodecConfig, Packet, TrackKind
from media.ts.demux import Demuxer
from tests.encoder import ffmpeg

SECONDS, RATE = 2, 30


class Found(msgspec.Struct):
    """What is in a stream, in its order."""

    configs: list[CodecConfig]
    pictures: list[Packet]
    sounds: list[Packet]


@lru_cache(maxsize=32)
def stream(video: str = "libx264", audio: str = "aac", *more: str) -> bytes:
    """Two seconds of 320x180 with a keyframe each second and B-frames, and of a tone."""
    command = [
        ffmpeg(), "-hide_banner", "-loglevel", "error",
        "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={RATE}",
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", str(SECONDS),
        *(["-c:v", video, "-preset", "ultrafast", "-bf", "2", "-g", "30", "-pix_fmt", "yuv420p"] if video else ["-vn"]),
        *(["-x265-params", "log-level=error"] if video == "libx265" else []),
        *(["-c:a", audio, "-ac", "2", "-b:a", "128k"] if audio else ["-an"]), *more, "-f", "mpegts", "-",
    ]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def read(data: bytes, demuxer: Demuxer | None = None, cut: int = 1316) -> Found:
    """Give it to a demuxer in pieces."""
    demuxer = demuxer or Demuxer()
    events: list[CodecConfig | Packet] = []
    for at in range(0, len(data), cut):
        events += demuxer.receive_data(data[at : at + cut])
    return sorted_out(events + demuxer.finish())


def sorted_out(events: list[CodecConfig | Packet]) -> Found:
    """Tell configurations, pictures and sounds apart."""
    packets = [each for each in events if isinstance(each, Packet)]
    return Found(
        [each for each in events if isinstance(each, CodecConfig)],
        [each for each in packets if each.kind is TrackKind.VIDEO],
        [each for each in packets if each.kind is TrackKind.AUDIO],
    )


def reference(data: bytes) -> tuple[list[tuple[int | None, int | None, bool]], list[int | None]]:
    """Stamps and keyframes of the pictures, stamps of the sounds, as FFmpeg reads them."""
    pictures, sounds = [], []
    with av.open(io.BytesIO(data), "r", format="mpegts") as container:
        for packet in container.demux():
            if packet.size and packet.stream.type == "video":
                pictures.append((packet.dts, packet.pts, bool(packet.is_keyframe)))
            elif packet.size:
                sounds.append(packet.pts)
    return pictures, sounds
