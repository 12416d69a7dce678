"""One WHIP publisher: RTP in, packets of a publication out, feedback to the sender. A `PeerUser` of its peer."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable

import msgspec

from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Publication
from media.webrtc.answers import AcceptedMedia
from media.webrtc.peer import Peer
from media.webrtc.whip import arrivals, feedback
from media.webrtc.whip.clock import CommonClock
from media.webrtc.whip.rtp import BadRtp, read_rtp, without_rtx
from media.webrtc.whip.track import Sample, Track, track_of
from schemas.ingest import NetworkHealth

FEEDBACK_S = 0.05
"""Between two looks at what is due."""
REPORT_S = 1.0
"""Between two receiver reports, and two measurements for the dashboard."""
NO_MEDIA_S = 5.0
"""A publisher that sends nothing for so long, though it may be connected, is lost."""
KEYFRAME_PAUSE_S = 0.5
"""Between two requests for the same keyframe."""
HOLD_S = 0.5
"""How long the first samples wait for both tracks' sender reports."""
MAX_HELD = 512
"""Samples that wait for them."""
REMB_BPS = 20_000_000
"""What a sender that asks for a limit and sends no transport-cc is allowed; its own losses limit it then."""


class _Held(msgspec.Struct, frozen=True):
    track: Track
    ssrc: int
    sample: Sample


class WhipPublisher:
    """Made with the offer's accepted tracks; `start` with the grant, before the peer can call. `ended` is told once."""

    def __init__(
        self, accepted: list[AcceptedMedia], keyframe_interval_s: float, ended: Callable[["WhipPublisher", str], None]
    ) -> None:
        self.tracks = [track_of(each) for each in accepted]
        self.said_goodbye = False
        """Whether the client ended it by itself (DELETE): its session does not wait for it."""
        self.bad_packets = 0
        self.publication: Publication | None = None
        self.peer: Peer | None = None
        self._by_type = {each.payload_type: each for each in self.tracks}
        self._by_rtx_type = {each.rtx_payload_type: each for each in self.tracks if each.rtx_payload_type is not None}
        self._wide_id = next((each.extensions[arrivals.URI] for each in accepted if each.extensions), 0)
        self._keyframe_interval_s, self._ended = keyframe_interval_s, ended
        self._ours = secrets.randbits(32)
        self._arrivals = arrivals.Arrivals(self._ours)
        self._clock = CommonClock()
        self._held: deque[_Held] | None = deque()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._hold_until_s = 0.0
        self._media_s = self._reported_s = self._loop.time()
        self._keyframe_s = self._asked_s = 0.0
        self._last_pts = 0
        self._bytes = 0

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Packets of all tracks: received, lost, recovered, dropped (see `NetworkHealth`)."""
        received, lost, recovered, dropped = map(sum, zip(*(each.counts for each in self.tracks), strict=True))
        return received, lost, recovered, dropped

    # --- of `PeerUser` -----------------------------------------------------------------------------------------

    def connected(self, peer: Peer) -> None:
        """Begin to give feedback."""
        self.peer = peer
        self._media_s = self._loop.time()
        self._timer = self._loop.call_later(FEEDBACK_S, self._tick)

    def received_rtp(self, packet: bytes, at_s: float) -> None:
        """Take a packet of any track."""
        self._bytes += len(packet)
        try:
            read = read_rtp(packet, self._wide_id)
        except BadRtp:
            self.bad_packets += 1
            return
        if read.wide_sequence >= 0:
            self._arrivals.add(read.wide_sequence, at_s)
        track = self._by_type.get(read.payload_type)
        if track is None:
            track = self._by_rtx_type.get(read.payload_type)
            if track is None or track.ssrc < 0:
                return
            original = without_rtx(read, track.payload_type, track.ssrc)
            if original is None:
                return
            read = original
        elif read.ssrc != track.ssrc:
            self._begin(track, read.ssrc)
        self._media_s = at_s
        self._give(track, track.add(read, at_s), at_s)
        if track.reorder.is_waiting and track.sends_again:
            self._ask_again(track, at_s)

    def received_rtcp(self, packet: bytes, at_s: float) -> None:
        """Take the sender's reports."""
        for report in feedback.sender_reports(packet):
            for track in self.tracks:
                if track.ssrc == report.ssrc:
                    track.reported(report, at_s)
                    self._clock.report(report)
        self._release(at_s)

    def closed(self, reason: str) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
        self._ended(self, reason)

    # --- samples -----------------------------------------------------------------------------------------------

    def _begin(self, track: Track, ssrc: int) -> None:
        self._clock.forget(track.ssrc)
        track.begin(ssrc)
        if self.peer is not None:
            self.peer.send_rtcp(self._empty_report() + feedback.rapid_resync(self._ours, ssrc))

    def _give(self, track: Track, samples: list[Sample], at_s: float) -> None:
        for sample in samples:
            if track.ssrc not in self._clock.tracks:
                self._clock.begin(track.ssrc, track.rate, sample.timestamp, at_s)
                self._hold_until_s = self._hold_until_s or at_s + HOLD_S
                if track.report is not None:  # it came while the first picture was still on its way
                    self._clock.report(track.report)
            if sample.is_keyframe and track.kind is TrackKind.VIDEO:
                self._keyframe_s = at_s
            if self._held is not None:
                self._held.append(_Held(track, track.ssrc, sample))
                self._release(at_s)
            else:
                self._push(track, track.ssrc, sample)

    def _release(self, at_s: float) -> None:
        """Let go of what waited for the clocks, once they are in step or it has waited long enough."""
        held = self._held
        if held is None or not self._hold_until_s:
            return
        is_in_step = len(self._clock.tracks) == len(self.tracks) and self._clock.is_in_step()
        if is_in_step or at_s >= self._hold_until_s or len(held) >= MAX_HELD:
            self._held = None
            for each in held:
                self._push(each.track, each.ssrc, each.sample)

    def _push(self, track: Track, ssrc: int, sample: Sample) -> None:
        if self.publication is None or ssrc not in self._clock.tracks:
            return
        if sample.config is not None:
            self._configure(sample.config)
        pts = self._clock.ticks(ssrc, sample.timestamp)
        if track.kind is TrackKind.VIDEO:  # WebRTC sends pictures in the order in which they are shown
            pts = self._last_pts = max(pts, self._last_pts + 1)
        self.publication.push(Packet(track.kind, pts, pts, sample.is_keyframe, sample.data))

    def _configure(self, config: CodecConfig) -> None:
        assert self.publication is not None
        self.publication.configure(config)

    # --- feedback ----------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        now_s = self._loop.time()
        peer = self.peer
        assert peer is not None
        if now_s - self._media_s > NO_MEDIA_S:
            peer.close("no media")
            return
        self._timer = self._loop.call_later(FEEDBACK_S, self._tick)
        self._release(now_s)
        for track in self.tracks:
            self._give(track, track.due(now_s), now_s)
            if track.reorder.is_waiting and track.sends_again:
                self._ask_again(track, now_s)
        self._ask_keyframe(now_s)
        first = next((each.ssrc for each in self.tracks if each.ssrc >= 0), 0)
        said = self._arrivals.feedback(first)
        if said is not None:
            peer.send_rtcp(said)
        if now_s - self._reported_s >= REPORT_S:
            self._report(now_s)

    def _ask_again(self, track: Track, now_s: float) -> None:
        assert self.peer is not None
        numbers = track.reorder.asked(now_s, self.peer.rtt_s)
        if numbers:
            self.peer.send_rtcp(feedback.nack(self._ours, track.ssrc, numbers))

    def _ask_keyframe(self, now_s: float) -> None:
        """Ask after a loss, and every so often: browsers make none by themselves, and viewers begin with one."""
        for track in self.tracks:
            if track.kind is TrackKind.AUDIO or track.ssrc < 0 or now_s - self._asked_s < KEYFRAME_PAUSE_S:
                continue
            if track.is_wanting_keyframe or now_s - self._keyframe_s >= self._keyframe_interval_s:
                self._asked_s = now_s
                assert self.peer is not None
                self.peer.send_rtcp(feedback.picture_loss(self._ours, track.ssrc))

    def _empty_report(self) -> bytes:
        return feedback.receiver_report(self._ours, [])

    def _report(self, now_s: float) -> None:
        assert self.peer is not None
        elapsed_s, self._reported_s = now_s - self._reported_s, now_s
        sending = [each for each in self.tracks if each.ssrc >= 0]
        said = feedback.receiver_report(self._ours, [each.block(now_s) for each in sending])
        if not self._wide_id and sending:
            said += feedback.bitrate_limit(self._ours, [each.ssrc for each in sending], REMB_BPS)
        self.peer.send_rtcp(said)
        bitrate_bps, self._bytes = int(self._bytes * 8 / elapsed_s), 0
        if self.publication is not None:
            self.publication.measure(self._health(bitrate_bps))

    def _health(self, bitrate_bps: int) -> NetworkHealth:
        assert self.peer is not None
        received, lost, recovered, dropped = self.counts
        return NetworkHealth(
            rtt_ms=self.peer.rtt_s * 1000,
            received_packets=received,
            lost_packets=lost,
            recovered_packets=recovered,
            dropped_packets=dropped,
            bitrate_bps=bitrate_bps,
            is_encrypted=True,
        )
