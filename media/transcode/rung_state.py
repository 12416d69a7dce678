"""How a rung fares."""

from typing import Literal

from media.packets import VIDEO_TIMESCALE, Packet
from media.transcode.rates import Rate
from media.transcode.rungs import Rung
from schemas.ingest import RungHealth

State = Literal["starting", "running", "lost", "shed", "refused"]


class RungState:
    """What is known of one rung, over all children."""

    def __init__(self, rung: Rung) -> None:
        self.rung = rung
        self.state: State = "starting"
        self.reason = ""
        self.rate = Rate()
        self.newest = 0
        self.dropped_before = self.dropped = 0

    def lost(self, state: State, reason: str) -> None:
        """Nothing comes of it now."""
        self.state, self.reason = state, reason
        self.dropped_before, self.dropped = self.dropped_before + self.dropped, 0
        self.rate = Rate()

    def made(self, packets: list[Packet]) -> None:
        """Some of it came."""
        self.state, self.reason = "running", ""
        self.newest = packets[-1].pts
        self.rate.count(packets)

    def health(self, newest_source: int) -> RungHealth:
        """Return it as others see it; `newest_source` is the newest pts of the source in 90 kHz."""
        is_running = self.state == "running"
        return RungHealth(
            name=self.rung.name,
            state=self.state,
            width=self.rung.width,
            height=self.rung.height,
            frame_rate=self.rung.frame_rate,
            target_bps=self.rung.bitrate_bps,
            bitrate_bps=self.rate.bitrate_bps if is_running else 0,
            dropped_frames=self.dropped_before + self.dropped,
            lag_ms=max(newest_source - self.newest, 0) * 1000 // VIDEO_TIMESCALE if is_running else 0,
            reason=self.reason,
        )


def refused(rung: Rung, reason: str) -> RungHealth:
    """Return how others see a rung that is not made."""
    state = RungState(rung)
    state.lost("refused", reason)
    return state.health(0)
