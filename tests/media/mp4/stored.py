"""Media in storage for tests: what the packager makes of real encoders' packets, under the names that storage gives."""

import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from media.hls.planner import Plan, TrackPlan
from media.hls.segmenter import DiscontinuityMark, Gap, Init, Output, Packager, Part, SegmentEnd
from media.mp4.segments import TrackInit, read_init
from media.packets import CodecConfig, Discontinuity, MediaEvent, Packet, TrackKind
from schemas.journal import init_file, segment_file
from schemas.storage import SourceSegment, SourceTrack
from tests.encoder import ffmpeg
from tests.media.material import Material, aac, h264, interleaved

PREFIX = "recordings/channel/session"


class Stored(msgspec.Struct, frozen=True):
    """Objects by their keys, and the renditions that they are of."""

    objects: dict[str, bytes]
    tracks: list[SourceTrack]

    @property
    def inits(self) -> dict[str, TrackInit]:
        return {key: read_init(data) for key, data in self.objects.items() if key.endswith(".mp4")}

    def track(self, rendition: str) -> SourceTrack:
        return next(track for track in self.tracks if track.rendition == rendition)


def play(*materials: Material) -> list[MediaEvent]:
    """Return what a publisher of these tracks sends."""
    packets = interleaved(*(material.fresh() for material in materials))
    return [*(material.config for material in materials), *packets]


def later(material: Material, by_s: float) -> Material:
    """Return the same media at a later time."""
    rate = 90_000 if material.config.kind is TrackKind.VIDEO else material.config.sample_rate
    ticks = round(by_s * rate)
    moved = [
        msgspec.structs.replace(packet, dts=packet.dts + ticks, pts=packet.pts + ticks) for packet in material.packets
    ]
    return Material(material.config, moved)


def broken(first_s: int, hole_s: float, second: Material, second_sound: Material) -> list[MediaEvent]:
    """Return a stream that goes on after a hole with a discontinuity."""
    after = play(later(second, first_s + hole_s), later(second_sound, first_s + hole_s))
    return [*play(h264(first_s), aac(first_s)), Discontinuity("a test"), *after]


def store(events: Sequence[MediaEvent], *, segment_s: float = 2.0, part_s: float = 0.334) -> Stored:
    """Package events and return what is in storage of them."""
    configs = [event for event in events if isinstance(event, CodecConfig)]
    plans = {config.kind: TrackPlan(config, _frame_s(config, events), part_s) for config in reversed(configs)}
    plan = Plan(round(segment_s), segment_s, plans.get(TrackKind.VIDEO), plans.get(TrackKind.AUDIO))
    packager = Packager(plan)
    outputs: list[Output] = []
    for event in events:
        outputs += packager.feed(event)
    return _stored([*outputs, *packager.finish()])


def _frame_s(config: CodecConfig, events: Iterable[MediaEvent]) -> float:
    stamps = [event.dts for event in events if isinstance(event, Packet) and event.kind is config.kind][:2]
    return (stamps[1] - stamps[0]) / (90_000 if config.kind is TrackKind.VIDEO else config.sample_rate)


def _stored(outputs: Iterable[Output]) -> Stored:
    objects: dict[str, bytes] = {}
    kinds: dict[str, Literal["video", "audio"]] = {}
    segments: dict[str, list[SourceSegment]] = {}
    maps: dict[str, str] = {}
    open_parts: dict[str, list[Part]] = {}
    breaks: set[str] = set()
    for output in outputs:
        name = output.rendition
        if isinstance(output, Init):
            maps[name] = f"{PREFIX}/{init_file(name, output.number)}"
            objects[maps[name]] = output.data
            kinds[name] = "video" if output.config.kind is TrackKind.VIDEO else "audio"
        elif isinstance(output, Part):
            open_parts.setdefault(name, []).append(output)
        elif isinstance(output, DiscontinuityMark):
            breaks.add(name)
        else:
            segment = _segment(output, open_parts.pop(name, []), maps[name], objects, is_broken=name in breaks)
            breaks.discard(name)
            segments.setdefault(name, []).append(segment)
    return Stored(objects, [SourceTrack(name, kinds[name], own) for name, own in segments.items()])


def _segment(
    end: SegmentEnd | Gap, parts: Sequence[Part], init_key: str, objects: dict[str, bytes], *, is_broken: bool
) -> SourceSegment:
    if isinstance(end, Gap):
        return SourceSegment(end.msn, "", init_key, 0, end.start_s, end.duration_s, is_broken, is_gap=True)
    key = f"{PREFIX}/{segment_file(end.rendition, end.msn)}"
    objects[key] = b"".join(part.data for part in parts)
    return SourceSegment(end.msn, key, init_key, len(objects[key]), parts[0].start_s, end.duration_s, is_broken)


# --- what real tools say of a file --------------------------------------------------------------------------


class Decoded(msgspec.Struct, frozen=True):
    """Presentation times in seconds of what FFmpeg decoded."""

    pictures: list[float]
    sounds: list[float]
    complaints: list[str]


def decode(path: Path) -> Decoded:
    """Let the static FFmpeg decode all of a file."""
    shown = {"v": [], "a": []}  # type: dict[str, list[float]]
    complaints: list[str] = []
    for kind, times in shown.items():
        show = "showinfo" if kind == "v" else "ashowinfo"
        command = [
            *(ffmpeg(), "-hide_banner", "-nostats", "-copyts", "-i", str(path), "-map", f"0:{kind}?"),
            *(f"-{'vf' if kind == 'v' else 'af'}", show, "-fps_mode", "passthrough", "-f", "null", "-"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if "does not contain any stream" in done.stderr:
            continue
        complaints += [line for line in done.stderr.splitlines() if _is_complaint(line)]
        times += [float(found) for found in re.findall(r"n: *\d+ pts: *-?\d+ pts_time:(\S+)", done.stderr)]
        if done.returncode:
            complaints.append(done.stderr[-400:])
    return Decoded(shown["v"], shown["a"], complaints)


def _is_complaint(line: str) -> bool:
    return bool(re.search(r"error|invalid|corrupt|non.?mono|missing|warn|could not|concealing|no frame", line, re.I))
