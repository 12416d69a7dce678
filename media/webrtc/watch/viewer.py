"""One viewer: from its place before the answer to its last packet."""

import asyncio
from collections.abc import Callable

import structlog

from media.packets import TrackKind
from media.webrtc.answers import STREAM, AcceptedMedia
from media.webrtc.offers import Offer
from media.webrtc.peer import Peer
from media.webrtc.watch import metrics
from media.webrtc.watch.admission import Asked, Sending
from media.webrtc.watch.answering import accept
from media.webrtc.watch.catching_up import TICK_S, CatchingUp
from media.webrtc.watch.feedback import KeyframeWanted, Lost, Received, read_feedback
from media.webrtc.watch.history import Unit
from media.webrtc.watch.reports import goodbye, middle
from media.webrtc.watch.sender import TrackSender
from media.webrtc.watch.stream import Stream

log = structlog.get_logger()

REPORT_S = 1.0
"""Between sender reports; the first goes with the first packet, so that lips and sound meet at once."""
SILENT_S = 0.7
"""After a viewer is connected, until its sound begins. Browsers begin to play sound some time after it comes, play all
of what came until then, and hold pictures back by as much for ten seconds and more."""
SILENCE = b"\xfc"
"""A packet of Opus without sound: stereo, 20 ms, and as short as those of discontinuous transmission."""
HELD_S = 15.0
"""How long a place is held for a peer that never connects; `Network` ends those earlier."""
REPORTS_REMEMBERED = 8

_KINDS = {"video": TrackKind.VIDEO, "audio": TrackKind.AUDIO}


class Viewer:
    """A `Place`. The session calls `show` and `end`; the peer calls the rest; `on_gone` is called once, at the end."""

    def __init__(
        self, asked: Asked, stream: Stream, sendings: list[Sending], on_gone: Callable[["Viewer"], None]
    ) -> None:
        self.asked = asked
        self.is_begun = self.is_gone = False
        self.rtt_s = self.loss = 0.0
        """Of the last report: the round trip, and the share of packets that did not arrive."""
        self._stream, self._sendings, self._on_gone = stream, sendings, on_gone
        self._peer: Peer | None = None
        self._senders: dict[TrackKind, TrackSender] = {}
        self._by_ssrc: dict[int, TrackSender] = {}
        self._catching_up: CatchingUp | None = None
        self._waits = True  # for a keyframe
        self._sound_from_s: float | None = None
        self._reported: dict[int, float] = {}  # middle of a report's time -> when it was sent
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(HELD_S, self.closed, "never connected")

    # --- the signalling and the peer -------------------------------------------------------------------------

    def accept(self, offer: Offer) -> list[AcceptedMedia]:
        """Return what to answer an offer with. Raises `NothingFits`."""
        return accept(offer, self._sendings)

    def connected(self, peer: Peer) -> None:
        """Let media flow: the GOP that runs, then what comes."""
        if self.is_gone:
            peer.close("the stream is over")
            return
        self._peer, self.is_begun = peer, True
        metrics.begun.inc()
        metrics.viewers.inc()
        for accepted in peer.accepted:
            kind = _KINDS[accepted.offered.kind]
            sender = TrackSender(accepted, self._stream.histories[kind])
            self._senders[kind] = self._by_ssrc[sender.ssrc] = sender
        self._timer.cancel()
        self._timer = self._loop.call_later(REPORT_S, self._tick)
        if TrackKind.VIDEO in self._senders:
            gop = self._stream.histories[TrackKind.VIDEO].gop
            if gop:
                self._waits = False
                self._catching_up = CatchingUp(gop, self._stream.bps, self._loop.time())
                self._catch_up()

    def received_rtp(self, packet: bytes, at_s: float) -> None:
        """Nobody is asked for media: it is left."""

    def received_rtcp(self, packet: bytes, at_s: float) -> None:
        """Send again what was lost, remember what is reported."""
        peer = self._peer
        if peer is None or self.is_gone:
            return
        for said in read_feedback(packet):
            sender = self._by_ssrc.get(said.ssrc)
            if sender is None:
                continue
            match said:
                case Lost(_, sequence_numbers):
                    again = [lost for each in sequence_numbers if (lost := sender.retransmit(each)) is not None]
                    for each in again:
                        peer.send_rtp(each)
                    metrics.lost.inc(len(sequence_numbers))
                    metrics.retransmitted.inc(len(again))
                case KeyframeWanted():
                    metrics.keyframes_wanted.inc()
                case Received():
                    self._take_report(said, at_s)

    def closed(self, reason: str) -> None:
        """Give the place back."""
        if self.is_gone:
            return
        self.is_gone = True
        self._timer.cancel()
        if self._peer is not None:
            metrics.viewers.dec()
            sent = {kind.value: sender.packets for kind, sender in self._senders.items()}
            log.info("viewer gone", channel=self.asked.channel_id, reason=reason, packets=sent)
        self._on_gone(self)

    # --- the session -----------------------------------------------------------------------------------------

    def show(self, kind: TrackKind, unit: Unit) -> None:
        """Send a live unit, or queue it behind what comes before."""
        sender = self._senders.get(kind)
        if sender is None:
            return
        if kind is TrackKind.VIDEO:
            if self._catching_up is not None:
                self._catching_up.add(unit)
                return
            if self._waits and not unit.is_keyframe:
                return
            self._waits = False
        else:
            now_s = self._loop.time()
            if self._sound_from_s is None:
                self._sound_from_s = now_s + SILENT_S
                unit = Unit(unit.first, [SILENCE], unit.timestamp, is_keyframe=False)
            elif now_s < self._sound_from_s:
                return
        self._send(sender, kind, unit)

    def end(self, reason: str) -> None:
        """Say goodbye and close the peer."""
        peer = self._peer
        if peer is None or self.is_gone:
            self.closed(reason)
            return
        for sender in self._senders.values():
            peer.send_rtcp(goodbye(sender.ssrc, STREAM))
        peer.close(reason)
        self.closed(reason)

    # --- sending ---------------------------------------------------------------------------------------------

    def _send(self, sender: TrackSender, kind: TrackKind, unit: Unit) -> None:
        peer = self._peer
        assert peer is not None
        is_first = sender.last_timestamp is None
        for packet in sender.send(unit):
            peer.send_rtp(packet)
        if is_first:
            self._report(sender, kind)

    def _catch_up(self) -> None:
        sender = self._senders[TrackKind.VIDEO]
        if self._catching_up is None or self.is_gone:
            return
        for unit in self._catching_up.take(self._loop.time()):
            self._send(sender, TrackKind.VIDEO, unit)
        if self._catching_up.is_done:
            self._catching_up = None
        else:
            self._loop.call_later(TICK_S, self._catch_up)

    def _tick(self) -> None:
        for kind, sender in self._senders.items():
            self._report(sender, kind)
        self._timer = self._loop.call_later(REPORT_S, self._tick)

    def _report(self, sender: TrackSender, kind: TrackKind) -> None:
        if sender.last_timestamp is None or self._peer is None:
            return
        ntp_time = self._stream.ntp_of(kind, sender.last_timestamp)
        if ntp_time is None:
            return
        self._peer.send_rtcp(sender.report(ntp_time))
        self._reported[middle(ntp_time)] = self._loop.time()
        while len(self._reported) > REPORTS_REMEMBERED:
            del self._reported[next(iter(self._reported))]

    def _take_report(self, report: Received, at_s: float) -> None:
        self.loss = report.loss
        sent = self._reported.get(report.last_report)
        if sent is not None:
            self.rtt_s = max(0.0, at_s - sent - report.delay / 65_536)
