"""The ladder: CPU of the transcode child against the ffmpeg CLI with the same settings, drops, start, and quality."""

import os
import re
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import av

from media.codecs import video_config
from media.packets import VIDEO_TIMESCALE, Packet, TrackKind
from media.transcode.messages import Coded, Media, Ready, ToChild
from media.transcode.rungs import Rung
from tests.bench.processes import table
from tests.encoder import ffmpeg, make_clip
from tests.media.material import Material
from tests.media.transcode.child import Child, begin, messages_of

RUNS = 3
SECONDS = 20
CLI_S = 300
FULL_HD = [
    Rung("720p", 1280, 720, 30.0, 3_000_000),
    Rung("480p", 854, 480, 30.0, 1_400_000),
    Rung("360p", 640, 360, 30.0, 800_000),
]
HD = FULL_HD[1:]


def main() -> None:
    """Print all tables."""
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as name:
        folder = Path(name)
        full_hd = make_clip(folder / "1080.flv", size="1920x1080", seconds=SECONDS, video_kbps=5870, noise=10)
        hd = make_clip(folder / "720.flv", size="1280x720", seconds=SECONDS, video_kbps=3370, noise=8)
        _print_cpu(folder, full_hd, hd)
        _print_real_time(full_hd, hd)
        _print_quality(folder, full_hd)


# --- CPU ----------------------------------------------------------------------------------------------------


def _print_cpu(folder: Path, full_hd: Path, hd: Path) -> None:
    rows: list[tuple[str, ...]] = []
    for title, clip, rungs in (
        ("1080p30 -> 720p 480p 360p", full_hd, FULL_HD),
        ("720p30 -> 480p 360p", hd, HD),
    ):
        ours, theirs = [], []
        for _ in range(RUNS):  # in turn, so that a busy moment of the machine hits both
            ours.append(_child(clip, rungs).cpu_s)
            theirs.append(_cli(folder, clip, rungs))
        mine, cli = statistics.median(ours), statistics.median(theirs)
        rows.append((title, f"{mine:.2f}", f"{cli:.2f}", f"{mine / cli:.2f}", "1.00", f"{mine / SECONDS:.2f}"))
    head = ("ladder", "child CPU-s", "ffmpeg CPU-s", "ratio", "target", "cores of a live stream")
    print(table(f"CPU of {SECONDS} s of media, median of {RUNS}; libx264 veryfast zerolatency", head, rows))


def _child(clip: Path, rungs: Sequence[Rung], *, real_time: bool = False) -> Child:
    child = Child()
    child.send(begin(rungs, preset="veryfast"))
    child.feed(_source(clip), real_time=real_time)
    assert child.finish() == 0, child.log.decode()
    return child


def _cli(folder: Path, clip: Path, rungs: Sequence[Rung]) -> float:
    """Return the CPU-seconds of the static FFmpeg: one decoder, one scaler and one encoder for each rung."""
    split = f"[0:v]split={len(rungs)}" + "".join(f"[s{number}]" for number in range(len(rungs)))
    scales = [
        f"[s{number}]scale={rung.width}:{rung.height}:flags=bicubic[o{number}]" for number, rung in enumerate(rungs)
    ]
    command = [
        ffmpeg(), "-hide_banner", "-loglevel", "error", "-y", "-threads", "1", "-i", str(clip), "-an",
        "-filter_threads", "1", "-filter_complex_threads", "1", "-filter_complex", ";".join([split, *scales]),
    ]  # fmt: skip
    for number, rung in enumerate(rungs):
        bits = str(rung.bitrate_bps)
        command += [
            "-map", f"[o{number}]", "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-bf", "0",
            "-forced-idr", "1", "-force_key_frames", "source", "-g", "1000000", "-threads", "1",
            "-fps_mode", "passthrough",
            "-x264-params", "scenecut=0:open-gop=0", "-b:v", bits, "-maxrate", bits, "-bufsize", bits,
            str(folder / f"cli-{rung.name}.mp4"),
        ]  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, timeout=CLI_S)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# --- real time ----------------------------------------------------------------------------------------------


def _print_real_time(full_hd: Path, hd: Path) -> None:
    rows = [
        _real_time("1 x 1080p30 -> 720p 480p 360p", [(full_hd, FULL_HD)]),
        _real_time("1 x 720p30 -> 480p 360p", [(hd, HD)]),
        _real_time("2 x 720p30 -> 480p 360p", [(hd, HD), (hd, HD)]),
    ]
    head = (
        "streams",
        "pictures dropped",
        "ready s",
        "first packet of all rungs s",
        "target",
        "lag ms p50",
        "p95",
        "RSS MB",
    )
    print(table(f"In real time on {len(os.sched_getaffinity(0))} cores, {SECONDS} s", head, rows))


def _real_time(title: str, jobs: list[tuple[Path, list[Rung]]]) -> tuple[str, ...]:
    children = []
    for _, rungs in jobs:
        child = Child()
        child.send(begin(rungs, preset="veryfast"))
        children.append(child)
    began = time.monotonic()
    sources = [_source(clip) for clip, _ in jobs]
    sent: dict[int, float] = {}
    for messages in zip(*sources, strict=True):
        [first, *_] = messages
        if isinstance(first, Media):
            time.sleep(max(0.0, began + first.packet.dts / VIDEO_TIMESCALE - time.monotonic()))
            sent[first.packet.pts] = time.monotonic()
        for child, message in zip(children, messages, strict=True):
            child.send(message)
    lags, firsts, ready, dropped, memory = [], [], [], 0, 0
    for child, (_, rungs) in zip(children, jobs, strict=True):
        assert child.finish() == 0, child.log.decode()
        progress = child.progress()
        dropped += sum(rung.dropped_frames for rung in progress.rungs)
        memory = max(memory, progress.memory_bytes >> 20)
        ready.append(next(at for at, message in child.messages if isinstance(message, Ready)))
        for rung in rungs:
            coded = [(at, m) for at, m in child.messages if isinstance(m, Coded) and m.rendition == rung.name]
            firsts.append(coded[0][0])
            lags += [
                at + child.began - sent[packet.pts]
                for at, m in coded
                for packet in m.packets
                if packet.pts > 2 * VIDEO_TIMESCALE
            ]
    lags.sort()
    return (
        title, str(dropped), f"{max(ready):.2f}", f"{max(firsts):.2f}", "1.00",
        f"{lags[len(lags) // 2] * 1000:.0f}", f"{lags[len(lags) * 95 // 100] * 1000:.0f}", str(memory),
    )  # fmt: skip


def _source(clip: Path) -> list[ToChild]:
    """Return a file's video as ingest sends it; each source keyframe begins a segment."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        config = video_config("avc1", bytes(stream.codec_context.extradata or b""))
        packets = [
            Packet(
                TrackKind.VIDEO,
                round(packet.dts * packet.time_base * VIDEO_TIMESCALE),
                round(packet.pts * packet.time_base * VIDEO_TIMESCALE),
                packet.is_keyframe,
                bytes(packet),
            )
            for packet in container.demux(stream)
            if packet.dts is not None and packet.pts is not None
        ]
    boundaries = [packet.pts for packet in packets if packet.is_keyframe]
    return messages_of(Material(config, packets), boundaries=boundaries)


# --- quality ------------------------------------------------------------------------------------------------


def _print_quality(folder: Path, clip: Path) -> None:
    child = _child(clip, FULL_HD)
    rows: list[tuple[str, ...]] = []
    for rung in FULL_HD:
        ours = folder / f"{rung.name}.h264"
        ours.write_bytes(_annexb(child.config(rung.name).record, child.packets(rung.name)))
        mine = _quality(ours, clip, rung)
        theirs = _quality(folder / f"cli-{rung.name}.mp4", clip, rung)
        kbps = [sum(len(packet.data) for packet in child.packets(rung.name)) * 8 / SECONDS / 1000]
        kbps.append((folder / f"cli-{rung.name}.mp4").stat().st_size * 8 / SECONDS / 1000)
        rows.append((rung.name, *mine, f"{kbps[0]:.0f}", *theirs, f"{kbps[1]:.0f}"))
    head = ("rung", "PSNR dB", "SSIM", "kbit/s", "ffmpeg PSNR dB", "SSIM", "kbit/s")
    print(table("Rungs against the scaled source (1080p30, noisy test picture)", head, rows))


def _quality(rung_file: Path, clip: Path, rung: Rung) -> tuple[str, str]:
    # Picture against picture (rounded stamps would pair neighbours), and no conversion between tagged and untagged.
    same = "settb=1/30,setpts=N,setsar=1,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    graph = (
        f"[1:v]scale={rung.width}:{rung.height}:flags=bicubic,format=yuv420p,{same},split[r1][r2];"
        f"[0:v]format=yuv420p,{same},split[a1][a2];[a1][r1]psnr[p];[a2][r2]ssim[q]"
    )
    done = subprocess.run(
        [ffmpeg(), "-hide_banner", "-i", str(rung_file), "-i", str(clip), "-filter_complex", graph,
         "-map", "[p]", "-map", "[q]", "-f", "null", "-"],
        check=True, timeout=CLI_S, capture_output=True, text=True,
    )  # fmt: skip
    psnr, ssim = re.search(r"PSNR.* average:([\d.]+)", done.stderr), re.search(r"SSIM.* All:([\d.]+)", done.stderr)
    assert psnr is not None
    assert ssim is not None
    return f"{float(psnr[1]):.2f}", f"{float(ssim[1]):.4f}"


def _annexb(record: bytes, packets: Sequence[Packet]) -> bytes:
    """Return a byte stream that FFmpeg reads: parameter sets, then every picture."""
    out = bytearray()
    at = 6
    for count in (record[5] & 0x1F, 1):
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2], "big")
            out += b"\0\0\0\1" + record[at + 2 : at + 2 + size]
            at += 2 + size
        at += 1
    for packet in packets:
        at = 0
        while at < len(packet.data):
            size = int.from_bytes(packet.data[at : at + 4], "big")
            out += b"\0\0\0\1" + packet.data[at + 4 : at + 4 + size]
            at += 4 + size
    return bytes(out)


if __name__ == "__main__":
    main()
