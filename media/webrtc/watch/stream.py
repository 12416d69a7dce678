"""A session's pictures and sound as RTP, made once for all viewers. No I/O.

Time stamps of RTP are media time plus a number of the session's own; both tracks share media time, so one pair of
wall clock and media time is enough for the sender reports of both.
"""

import secrets

from media.codecs import BadConfig
from media.codecs.opus import SAMPLE_RATE, packet_samples
from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet, TrackKind
from media.webrtc.watch.history import History, Unit
from media.webrtc.watch.packetiser import MAX_PAYLOAD_BYTES, h264_payloads
from media.webrtc.watch.reports import ntp

SOUND_SLACK = SAMPLE_RATE // 25
"""40 ms: stamps of sound that are off by less are counted instead. Chromium takes a packet whose stamp is not exactly
where the last one ended for one after a loss, and makes sound up until it has its place."""
CLOCKS = {TrackKind.VIDEO: VIDEO_TIMESCALE, TrackKind.AUDIO: SAMPLE_RATE}
LEAD_S = {TrackKind.VIDEO: 0.0, TrackKind.AUDIO: 0.08}
"""How much earlier than they were sound is said to have been heard, so that players show pictures up to so much before
their sound instead of holding them back for it: decoding into Opus and the player's own buffer for sound take longer
than pictures do. From 125 ms on viewers notice (ITU-R BT.1359-1, section 3: sound behind pictures)."""
RATE_PERIOD_S = 2.0
"""Over which the bitrate is measured."""


class Stream:
    """Takes packets in media time (pictures in 90 kHz, Opus in 48 kHz), gives out numbered units."""

    def __init__(self) -> None:
        self.histories = {TrackKind.VIDEO: History(), TrackKind.AUDIO: History()}
        self.bps = 0.0
        """Of pictures, lately; 0 until it is known."""
        self.broken_units = 0
        """Access units that could not be sent."""
        self._config: CodecConfig | None = None
        self._wants_keyframe = True
        self._newest: int | None = None
        self._next_sound: int | None = None
        self._offsets = {kind: secrets.randbits(31) for kind in CLOCKS}
        self._wall_offset_s: float | None = None
        self._period_began: int | None = None
        self._period_bytes = 0

    def configure(self, config: CodecConfig) -> None:
        """Take the configuration of the pictures that follow, the first of them a keyframe."""
        self._config = config
        self._wants_keyframe = True

    def interrupt(self) -> None:
        """What follows does not join: pictures begin with a keyframe, sound where its stamps say."""
        self._wants_keyframe = True
        self._next_sound = None
        self.histories[TrackKind.VIDEO].interrupt()

    def pictures(self, packet: Packet) -> Unit | None:
        """Return an access unit to send, None for what nobody can use: before a keyframe, broken, or sent already."""
        if self._config is None or (self._wants_keyframe and not packet.is_keyframe):
            return None
        if self._newest is not None and packet.dts <= self._newest:
            self._wants_keyframe = True  # a feed that was opened again begins before where the last one ended
            return None
        try:
            payloads = h264_payloads(self._config, packet)
        except BadConfig:
            payloads = []
        if not payloads:
            self.broken_units += 1
            return None
        self._wants_keyframe = False
        self._newest = packet.dts
        self._measure(packet)
        timestamp = packet.pts + self._offsets[TrackKind.VIDEO]
        return self.histories[TrackKind.VIDEO].add(payloads, timestamp, is_keyframe=packet.is_keyframe)

    def sound(self, packet: Packet) -> Unit | None:
        """Return a packet of Opus to send (RFC 7587, section 4.2: the payload is the packet)."""
        samples = packet_samples(packet.data)
        if not samples or len(packet.data) > MAX_PAYLOAD_BYTES:
            self.broken_units += 1
            return None
        at = packet.pts
        if self._next_sound is not None and abs(at - self._next_sound) <= SOUND_SLACK:
            at = self._next_sound
        elif self._next_sound is not None and at < self._next_sound:
            return None  # it has been sent
        self._next_sound = at + samples
        timestamp = at + self._offsets[TrackKind.AUDIO]
        return self.histories[TrackKind.AUDIO].add([packet.data], timestamp, is_keyframe=False)

    def clock(self, kind: TrackKind, pts: int, now_s: float) -> None:
        """Learn from a live packet which wall clock time (Unix) media time has; the first one says."""
        if self._wall_offset_s is None:
            self._wall_offset_s = now_s - pts / CLOCKS[kind]

    def ntp_of(self, kind: TrackKind, timestamp: int) -> int | None:
        """Return the wall clock's time of an RTP time stamp (unbounded), None while that is not known."""
        if self._wall_offset_s is None:
            return None
        return ntp((timestamp - self._offsets[kind]) / CLOCKS[kind] + self._wall_offset_s + LEAD_S[kind])

    def _measure(self, packet: Packet) -> None:
        if self._period_began is None or packet.pts < self._period_began:
            self._period_began, self._period_bytes = packet.pts, 0
        elapsed_s = (packet.pts - self._period_began) / VIDEO_TIMESCALE
        if elapsed_s >= RATE_PERIOD_S:
            self.bps = self._period_bytes * 8 / elapsed_s
            self._period_began, self._period_bytes = packet.pts, 0
        self._period_bytes += len(packet.data)
