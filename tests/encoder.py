"""Real publishers for tests and benchmarks: the static FFmpeg of imageio-ffmpeg, and the files it sends."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

MAKE_DEADLINE_S = 120


def ffmpeg() -> str:
    """Return the path of the static FFmpeg."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def make_clip(
    path: Path,
    *,
    size: str = "640x360",
    rate: int = 30,
    seconds: int = 8,
    gop_s: float = 2,
    video_kbps: int = 800,
    video: tuple[str, ...] = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "2"),
    audio: tuple[str, ...] | None = ("-c:a", "aac", "-b:a", "128k"),
    noise: int = 0,
) -> Path:
    """Encode a moving picture and a tone into an FLV file. `noise` (0-100) keeps high bitrates filled."""
    picture = f"testsrc2=size={size}:rate={rate}" + (f",noise=alls={noise}:allf=t" if noise else "")
    sound = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"] if audio else []
    bits = f"{video_kbps}k"
    gop = str(round(gop_s * rate))
    subprocess.run(
        [
            ffmpeg(), "-hide_banner", "-loglevel", "error", "-y",
            "-f", "lavfi", "-i", picture, *sound, "-t", str(seconds),
            *video, "-pix_fmt", "yuv420p", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0",
            "-b:v", bits, "-maxrate", bits, "-bufsize", bits, *(audio or ()), "-ac", "2",
            "-f", "flv", str(path),
        ],
        check=True,
        timeout=MAKE_DEADLINE_S,
    )  # fmt: skip
    return path


def publish(clip: Path, url: str, *, loop: bool = True, log: Path | None = None) -> subprocess.Popen[bytes]:
    """Send a clip to an RTMP address in real time, again and again, without touching its coded pictures."""
    command = [
        ffmpeg(), "-hide_banner", "-loglevel", "warning", "-re", *(["-stream_loop", "-1"] if loop else []),
        "-i", str(clip), "-c", "copy", "-f", "flv", url,
    ]  # fmt: skip
    if log is None:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with log.open("ab") as sink:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a publisher and wait for it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait(5)
