"""How many rungs a node can make at once: each costs part of a core, and what does not fit is refused beforehand.

Measured on x86-64 with one thread for each encoder: 1080p30 to 720p, 480p and 360p with libx264 veryfast takes 0.97
core, of which decoding 0.3; 720p30 to 480p and 360p takes 0.39.
"""

from collections.abc import Iterable

import msgspec

from config.limits import LADDER_SHARE
from media.transcode.rungs import Rung, Source

DECODE_CORES_PER_PIXEL = 0.3 / (1920 * 1080 * 30)
ENCODE_CORES_PER_PIXEL = 0.67 / ((1280 * 720 + 854 * 480 + 640 * 360) * 30)
"""Scaling and libx264 veryfast."""
DECODE_FACTORS = {"hvc1": 1.3, "av01": 1.5}
PRESET_FACTORS = {
    "ultrafast": 0.54,
    "superfast": 0.8,
    "veryfast": 1.0,
    "faster": 1.5,
    "fast": 2.0,
    "medium": 2.4,
    "slow": 4.0,
    "slower": 8.0,
}
"""The first three are measured, the others are x264's own proportions."""
HARDWARE_FACTOR = 0.3
"""Scaling and the way to the card stay with the processor."""
AV1_FACTORS = {"6": 10.0, "7": 7.0, "8": 5.0, "9": 3.5, "10": 2.5, "11": 2.0, "12": 1.6, "13": 1.3}
LEAST_OF_ESTIMATE = 0.5
"""A measured cost below this part of the estimate is of a still picture, which may move again."""
UNKNOWN_FRAME_RATE = 30.0


def decode_cores(source: Source) -> float:
    """Return what decoding takes, once for all rungs."""
    pixels = source.width * source.height * (source.frame_rate or UNKNOWN_FRAME_RATE)
    return pixels * DECODE_CORES_PER_PIXEL * DECODE_FACTORS.get(source.fourcc, 1.0)


def encode_cores(rung: Rung, encoder: str, preset: str) -> float:
    """Return what scaling and encoding take for one rung."""
    if encoder == "libx264":
        factor = PRESET_FACTORS.get(preset, 1.0)
    elif encoder == "libsvtav1":
        factor = AV1_FACTORS.get(preset, AV1_FACTORS["10"])
    else:
        factor = HARDWARE_FACTOR
    return rung.width * rung.height * rung.frame_rate * ENCODE_CORES_PER_PIXEL * factor


class Refusal(msgspec.Struct, frozen=True):
    """A rung that is not made, and a sentence that says why."""

    rung: Rung
    reason: str


class Lease:
    """What one stream may make; it holds its cores until `release`."""

    def __init__(self, admission: "Admission", rungs: list[Rung], refused: list[Refusal], cores: float) -> None:
        self.rungs, self.refused = rungs, refused
        self._admission = admission
        self._estimate = self.cores = cores

    def measured(self, cores: float | None) -> None:
        """Take what the child really uses, in CPU seconds per second; None: it does not run."""
        self.cores = self._estimate if cores is None else max(cores, self._estimate * LEAST_OF_ESTIMATE)

    def release(self) -> None:
        """Give the cores back; more than once is free."""
        self._admission.leases.discard(self)


class Admission:
    """The cores of a node. `capacity` None or 0: `LADDER_SHARE` of `usable`."""

    def __init__(self, usable: float, capacity: float | None = None) -> None:
        self.capacity = capacity or usable * LADDER_SHARE
        self.leases: set[Lease] = set()

    @property
    def used(self) -> float:
        """Return the cores that are taken."""
        return sum(lease.cores for lease in self.leases)

    def admit(self, source: Source, rungs: Iterable[Rung], encoder: str, preset: str) -> Lease:
        """Return a lease for the rungs that fit. The dearest are refused first; the source needs nobody's leave."""
        free = self.capacity - self.used
        kept = list(rungs)
        costs = {rung.name: encode_cores(rung, encoder, preset) for rung in kept}
        decoding = decode_cores(source)
        refused = []
        while kept and decoding + sum(costs[rung.name] for rung in kept) > free:
            dearest = max(kept, key=lambda rung: costs[rung.name])
            kept.remove(dearest)
            refused.append(Refusal(dearest, self._reason(costs[dearest.name], decoding, free)))
        cores = decoding + sum(costs[rung.name] for rung in kept) if kept else 0.0
        lease = Lease(self, kept, refused, cores)
        if kept:
            self.leases.add(lease)
        return lease

    def readmit(self, source: Source, rungs: Iterable[Rung], encoder: str, preset: str) -> Lease:
        """Return a lease for rungs that another process made of a session: playlists promise them, whatever is free."""
        kept = list(rungs)
        cores = decode_cores(source) + sum(encode_cores(rung, encoder, preset) for rung in kept) if kept else 0.0
        lease = Lease(self, kept, [], cores)
        if kept:
            self.leases.add(lease)
        return lease

    def _reason(self, cores: float, decoding: float, free: float) -> str:
        return (
            f"it needs {cores:.2f} cores besides {decoding:.2f} for decoding, and {max(free, 0):.2f} of "
            f"{self.capacity:.2f} are free (TALLY_TRANSCODE_CORES)"
        )
