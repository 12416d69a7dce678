"""What publishers send, as clips: codec x frame rate x GOP x sound, for end-to-end tests and the table of sources."""

import os
import subprocess
from pathlib import Path

import msgspec

from tests.encoder import MAKE_DEADLINE_S, ffmpeg

SECONDS = 12


class SourceClip(msgspec.Struct, frozen=True):
    """A clip's shape; `video` and `audio` are FFmpeg's options, None for a track that is not there."""

    name: str
    video: tuple[str, ...] | None
    audio: tuple[str, ...] | None
    size: str = "1280x720"
    rate: str = "30"
    gop_s: float = 2.0
    picture: str = "testsrc2"
    channels: int = 2
    sample_rate: int = 48_000

    def make(self, folder: Path, seconds: int = SECONDS) -> Path:
        """Encode it into an FLV file (Enhanced RTMP's codecs included)."""
        path = folder / f"{self.name.replace(' ', '-')}.flv"
        inputs: list[str] = []
        outputs: list[str] = []
        if self.video is not None:
            inputs += ["-f", "lavfi", "-i", f"{self.picture}=size={self.size}:rate={self.rate}"]
            gop = str(round(self.gop_s * eval_rate(self.rate)))
            outputs += [*self.video, "-g", gop, "-keyint_min", gop]
            outputs += ["-pix_fmt", "yuv420p"] if "-pix_fmt" not in self.video else []
        if self.audio is not None:
            inputs += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate={self.sample_rate}"]
            outputs += [*self.audio, "-ac", str(self.channels), "-ar", str(self.sample_rate)]
        subprocess.run(
            [ffmpeg(), "-hide_banner", "-loglevel", "error", "-y", *inputs, "-t", str(seconds), *outputs,
             "-f", "flv", str(path)],
            check=True,
            env={**os.environ, "SVT_LOG": "1"},  # errors only
            timeout=MAKE_DEADLINE_S,
        )  # fmt: skip
        return path


def eval_rate(rate: str) -> float:
    """Return a frame rate given as `30` or `30000/1001`."""
    number, _, divisor = rate.partition("/")
    return int(number) / int(divisor or 1)


AAC = ("-c:a", "aac", "-b:a", "128k")
OPUS = ("-c:a", "libopus", "-b:a", "96k")
MP3 = ("-c:a", "libmp3lame", "-b:a", "128k")
AC3 = ("-c:a", "ac3", "-b:a", "384k")
FLAC = ("-c:a", "flac")


def x264(*more: str, kbps: int = 2500) -> tuple[str, ...]:
    """H.264 with a scene that does not cut by itself."""
    bits = f"{kbps}k"
    return (
        "-c:v", "libx264", "-preset", "veryfast", "-sc_threshold", "0",
        "-b:v", bits, "-maxrate", bits, "-bufsize", bits, *more,
    )  # fmt: skip


X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-b:v", "2000k", "-x265-params", "log-level=error:scenecut=0")
AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-b:v", "1500k", "-svtav1-params", "rc=1")

SOURCES = (
    SourceClip("h264 30 2s aac", x264("-bf", "2"), AAC),
    SourceClip("h264 29.97 1s aac", x264("-bf", "0"), AAC, rate="30000/1001", gop_s=1),
    SourceClip("h264 60 2s aac", x264("-bf", "2"), AAC, rate="60"),
    SourceClip("h264 25 open-gop aac", x264("-bf", "3", "-x264-params", "open-gop=1:bframes=3"), AAC, rate="25"),
    SourceClip("h264 30 10s aac", x264("-bf", "2"), AAC, gop_s=10),
    SourceClip("h264 portrait aac", x264("-bf", "2"), AAC, size="720x1280"),
    SourceClip("h264 10-bit aac", x264("-bf", "2", "-pix_fmt", "yuv420p10le"), AAC),
    SourceClip("h264 4:4:4 aac", x264("-bf", "2", "-pix_fmt", "yuv444p"), AAC),
    SourceClip("h264 vfr aac", x264("-bf", "2", "-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr"), AAC),
    SourceClip("hevc 30 2s aac", X265, AAC),
    SourceClip("av1 30 2s opus", AV1, OPUS),
    SourceClip("h264 30 2s opus", x264("-bf", "2"), OPUS),
    SourceClip("h264 30 2s mp3", x264("-bf", "2"), MP3, sample_rate=44_100),
    SourceClip("h264 30 2s ac3-5.1", x264("-bf", "2"), AC3, channels=6),
    SourceClip("h264 30 2s flac", x264("-bf", "2"), FLAC),
    SourceClip("h264 30 2s aac-mono-44.1", x264("-bf", "2"), AAC, channels=1, sample_rate=44_100),
    SourceClip("h264 30 2s aac-5.1", x264("-bf", "2"), AAC, channels=6),
    SourceClip("h264 30 2s no sound", x264("-bf", "2"), None),
    SourceClip("aac only", None, AAC),
    SourceClip("opus only", None, OPUS),
)
"""The whole table; `gop` is in the name where it matters."""


def source(name: str) -> SourceClip:
    """Return the clip of that name."""
    return next(clip for clip in SOURCES if clip.name == name)
