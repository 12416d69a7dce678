"""Which rungs a source gets: sizes that are worth an encoder, at rates that its own picture can fill."""

import math
from collections.abc import Iterable, Mapping

import structlog

from config.rungs import ConfiguredRung, unknown_name
from media.codecs import plays_everywhere
from media.packets import CodecConfig
from media.transcode.rungs import Rung, Source

log = structlog.get_logger()

MAX_RUNGS = 5
"""More of them are hardly told apart, and each takes part of a core."""
TOO_NEAR = 0.9
"""A rung with this part of the source's height saves a viewer nothing; below it, its rate is 0.85 of the source's at
most, see `RATE_EXPONENT`."""
BEST_OWN_HEIGHT = 1080
"""The best picture of a source that not every browser decodes is repeated in H.264 up to this height."""
FAST_FROM_HEIGHT = 720
"""Below it, the rung of a source's own height shows half of 60 frames."""
SLOW, FAST = 30.0, 60.0
RATE_TOLERANCE = 1.25
"""A source this much faster than a rung keeps its frames: 33 frames a second would otherwise become 16.5."""
RATE_EXPONENT = 0.75
"""A picture of half the pixels needs 0.6 of the bits for the same quality, not half."""
BITS_IN_H264 = {"hvc1": 1.5, "vp09": 1.4, "av01": 1.8}
"""What H.264 needs for the picture that these carry in one bit."""
STILL_BITS_PER_PIXEL = 0.005
"""A rate below it (0.3 Mb/s in 1080p30) is of a picture that does not move yet: it says nothing of what follows."""
LEAST_BITRATE_BPS = 80_000


def source_of(config: CodecConfig, frame_rate: float, bitrate_bps: int) -> Source:
    """Return the source that a video configuration and what was measured describe."""
    return Source(config.fourcc, config.width, config.height, frame_rate, bitrate_bps, plays_everywhere(config))


def choose(source: Source, wish: str, table: Mapping[str, ConfiguredRung]) -> list[Rung]:
    """Return the rungs, best first. `wish` is `auto`, `off`, or names of the table.

    No rung is larger or faster than the source. Names that the table lacks are left out with a warning: a channel's
    wish may be older than the table.
    """
    if wish == "off" or min(source.width, source.height) <= 0:
        return []
    if wish == "auto":
        return _automatic(source, table)
    names = list(dict.fromkeys(wish.split(",")))
    for name in names:
        if name not in table:
            log.warning("rung unknown", reason=unknown_name(name, dict(table)))
    named = {name: table[name] for name in names if name in table and table[name].height <= _lines(source)}
    return _best_first(_rung(name, offered, source) for name, offered in named.items())


def _automatic(source: Source, table: Mapping[str, ConfiguredRung]) -> list[Rung]:
    lines = _lines(source)
    offered = {name: one for name, one in _fitting_rates(source, table).items() if one.height <= lines}
    is_universal = source.fourcc == "avc1" if source.is_universal is None else source.is_universal
    if is_universal:
        offered = {name: one for name, one in offered.items() if one.height < TOO_NEAR * lines}
    else:
        own = min(lines, BEST_OWN_HEIGHT)
        if all(one.height < TOO_NEAR * own for one in offered.values()):
            offered |= _own(own, source, table)
    rungs = _best_first(_rung(name, one, source) for name, one in offered.items())
    rungs = [rung for rung in rungs if rung.bitrate_bps >= LEAST_BITRATE_BPS]
    while len(rungs) > MAX_RUNGS:  # the one whose better neighbour is nearest; best and cheapest stay
        steps = [rungs[at].bitrate_bps / rungs[at - 1].bitrate_bps for at in range(1, len(rungs) - 1)]
        del rungs[1 + steps.index(max(steps))]
    return rungs


def _fitting_rates(source: Source, table: Mapping[str, ConfiguredRung]) -> dict[str, ConfiguredRung]:
    """Of several rungs with one height, keep the slowest that shows all frames of the source, else the fastest."""
    kept: dict[int, str] = {}
    for name, one in sorted(table.items(), key=lambda item: -item[1].frame_rate):
        if one.height not in kept or one.frame_rate * RATE_TOLERANCE >= (source.frame_rate or SLOW):
            kept[one.height] = name
    return {name: table[name] for name in kept.values()}


def _own(height: int, source: Source, table: Mapping[str, ConfiguredRung]) -> dict[str, ConfiguredRung]:
    """Return a rung of the source's own height, at the rate of the table's nearest for its pixels."""
    if not table:
        return {}
    frame_rate = FAST if height >= FAST_FROM_HEIGHT and source.frame_rate > SLOW * RATE_TOLERANCE else SLOW
    nearest = min(
        _fitting_rates(source, table).values(), key=lambda one: (abs(math.log(one.height / height)), one.height)
    )
    bits = nearest.bitrate_kbps * (height / nearest.height) ** (2 * RATE_EXPONENT)
    name = f"{height}p" if frame_rate == SLOW else f"{height}p{FAST:g}"
    if name in table:
        name = f"own{name}"
    return {name: ConfiguredRung(height=height, frame_rate=frame_rate, bitrate_kbps=round(bits))}


def _rung(name: str, offered: ConfiguredRung, source: Source) -> Rung:
    scale = min(1.0, offered.height / _lines(source))
    bitrate_bps = offered.bitrate_kbps * 1000
    if _is_measured(source):
        own_bps = source.bitrate_bps * BITS_IN_H264.get(source.fourcc, 1.0)
        bitrate_bps = min(bitrate_bps, round(own_bps * scale ** (2 * RATE_EXPONENT)))
    return Rung(
        name=name,
        width=_even(source.width, scale),
        height=_even(source.height, scale),
        frame_rate=_frame_rate(source.frame_rate, offered.frame_rate),
        bitrate_bps=bitrate_bps,
    )


def _frame_rate(source: float, most: float) -> float:
    """Return the source's rate over the whole number that makes it fit: frames are left out evenly."""
    if source <= 0:
        return most
    return round(source / max(1, math.ceil(source / (most * RATE_TOLERANCE))), 3)


def _is_measured(source: Source) -> bool:
    pixels = source.width * source.height * (source.frame_rate or SLOW)
    return source.bitrate_bps >= STILL_BITS_PER_PIXEL * pixels


def _lines(source: Source) -> int:
    return min(source.width, source.height)


def _even(length: int, scale: float) -> int:
    return max(2, min(round(length * scale / 2), length // 2) * 2)


def _best_first(rungs: Iterable[Rung]) -> list[Rung]:
    return sorted(rungs, key=lambda rung: (-rung.height * rung.width, -rung.frame_rate, rung.name))
