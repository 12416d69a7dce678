"""One track of a publisher: its packets in order, what is to be said about them, and what they become. Sans-IO."""

from struct import pack

import msgspec

from media.codecs.annexb import AnnexBReader
from media.codecs.opus import SAMPLE_RATE
from media.packets import CodecConfig, TrackKind
from media.webrtc.answers import AcceptedMedia
from media.webrtc.whip.feedback import ReportBlock, SenderReport
from media.webrtc.whip.h264 import AccessUnit, Depacketizer
from media.webrtc.whip.reorder import Gap, Reorder
from media.webrtc.whip.rtp import RtpPacket, unwrapped

VIDEO_HOLD_S = 0.4
"""How long a lost packet of a picture is waited for: two or three round trips across a continent."""
SOUND_HOLD_S = 0.12
"""Of sound, which mostly is not sent again: only its order is waited for."""
OPUS = CodecConfig(
    TrackKind.AUDIO, "Opus", pack(">BBHIhB", 0, 2, 0, SAMPLE_RATE, 0, 0), sample_rate=SAMPLE_RATE, channels=2
)
"""RFC 7587, section 7: Opus in RTP is 48 kHz and two channels to whoever does not look inside."""


class Sample(msgspec.Struct, frozen=True):
    """What a track gives out. `config` comes before it, if it is a new one; `timestamp` is RTP's, unwrapped."""

    timestamp: int
    data: bytes
    is_keyframe: bool
    config: CodecConfig | None = None


class Track:
    """Numbers and packets of the SSRC that sends now; `kind` says what `OpusTrack` and `H264Track` make of them."""

    kind: TrackKind
    hold_s: float

    def __init__(self, accepted: AcceptedMedia) -> None:
        codec = accepted.codec
        self.payload_type, self.rtx_payload_type, self.rate = codec.payload_type, codec.rtx, codec.clock_rate
        self.sends_again = "nack" in codec.feedback
        self.ssrc = -1
        """-1 before the first packet."""
        self.is_wanting_keyframe = False
        self.reorder = Reorder(self.hold_s)
        self._before = [0, 0, 0, 0]
        self._start()

    def _start(self) -> None:
        self._transit = self._jitter = 0.0
        self._reported_highest = self._reported_received = 0
        self.report: SenderReport | None = None
        """The sender's last."""
        self._report_s = 0.0
        self._timestamp: int | None = None

    def begin(self, ssrc: int) -> None:
        """Go on with another SSRC."""
        old = self.reorder
        counts = (old.received, old.lost, old.recovered, old.dropped)
        self._before = [sum(pair) for pair in zip(self._before, counts, strict=True)]
        self.reorder, self.ssrc = Reorder(self.hold_s), ssrc
        self._start()

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Packets received, lost, recovered, dropped, of all SSRC."""
        now = self.reorder
        before = self._before
        return (
            before[0] + now.received,
            before[1] + now.lost,
            before[2] + now.recovered,
            before[3] + now.dropped,
        )

    def add(self, packet: RtpPacket, now_s: float) -> list[Sample]:
        """Take a packet of the SSRC, as it comes or again."""
        transit = now_s * self.rate - packet.timestamp  # RFC 3550, appendix A.8
        change = abs(transit - self._transit)
        self._transit = transit
        if change < self.rate:  # else it wrapped, or it is the first
            self._jitter += (change - self._jitter) / 16
        return self._all(self.reorder.add(packet, now_s))

    def due(self, now_s: float) -> list[Sample]:
        """Return what need not be waited for any longer."""
        return self._all(self.reorder.due(now_s))

    def reported(self, report: SenderReport, now_s: float) -> None:
        """Take a report of the sender of this track."""
        self.report, self._report_s = report, now_s

    def block(self, now_s: float) -> ReportBlock:
        """Return what a receiver report says of the track; counts from the last one."""
        reorder, report = self.reorder, self.report
        expected = reorder.highest - reorder.first + 1
        due = reorder.highest - max(self._reported_highest, reorder.first - 1)
        missed = due - (reorder.received - self._reported_received)
        self._reported_highest, self._reported_received = reorder.highest, reorder.received
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(max(256 * missed // due, 0), 255) if due > 0 else 0,
            total_lost=expected - reorder.received,
            highest=reorder.highest,
            jitter=int(self._jitter),
            last_report=(report.ntp_time >> 16) & 0xFFFFFFFF if report else 0,
            delay=min(int((now_s - self._report_s) * 65536), 0xFFFFFFFF) if report else 0,
        )

    def _all(self, items: list[RtpPacket | Gap]) -> list[Sample]:
        out: list[Sample] = []
        for item in items:
            out += self._gap() if isinstance(item, Gap) else self._take(item)
        return out

    def _take(self, packet: RtpPacket) -> list[Sample]:
        raise NotImplementedError

    def _gap(self) -> list[Sample]:
        raise NotImplementedError


class OpusTrack(Track):
    """Sound: a packet is a sample (RFC 7587, section 4.2)."""

    kind, hold_s = TrackKind.AUDIO, SOUND_HOLD_S

    def _take(self, packet: RtpPacket) -> list[Sample]:
        if not packet.payload:
            return []
        near = packet.timestamp if self._timestamp is None else self._timestamp
        self._timestamp = unwrapped(packet.timestamp, near, 32)
        return [Sample(self._timestamp, packet.payload, True, OPUS)]

    def _gap(self) -> list[Sample]:
        return []  # its length is in the time stamps


class H264Track(Track):
    """Pictures. After a loss nothing is given out before a keyframe: what refers to missing pictures is smeared."""

    kind, hold_s = TrackKind.VIDEO, VIDEO_HOLD_S

    def __init__(self, accepted: AcceptedMedia) -> None:
        super().__init__(accepted)
        self.is_wanting_keyframe = True
        self._depacketizer = Depacketizer()
        self._reader = AnnexBReader("avc1")

    def begin(self, ssrc: int) -> None:
        """Go on with another SSRC, from its first keyframe on."""
        super().begin(ssrc)
        self.is_wanting_keyframe = True
        self._depacketizer, self._reader = Depacketizer(), AnnexBReader("avc1")

    def _take(self, packet: RtpPacket) -> list[Sample]:
        return self._samples(self._depacketizer.add(packet))

    def _gap(self) -> list[Sample]:
        samples = self._samples(self._depacketizer.gap())
        self.is_wanting_keyframe = True
        return samples

    def _samples(self, units: list[AccessUnit]) -> list[Sample]:
        return [sample for unit in units if (sample := self._sample(unit)) is not None]

    def _sample(self, unit: AccessUnit) -> Sample | None:
        config, data, is_keyframe = self._reader.read(unit.data)
        if is_keyframe and unit.is_whole and self._reader.config is not None:
            self.is_wanting_keyframe = False
        elif not unit.is_whole:
            self.is_wanting_keyframe = True
        if self.is_wanting_keyframe or not data:
            return None
        return Sample(unit.timestamp, data, is_keyframe, config)


def track_of(accepted: AcceptedMedia) -> Track:
    """Return the track of an accepted m-line."""
    return H264Track(accepted) if accepted.offered.kind == "video" else OpusTrack(accepted)
