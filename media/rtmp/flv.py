"""Audio and video message payloads, which are FLV tags, to `CodecConfig` and `Packet`.

FLV 10.1, annex E.4 for H.264, AAC and MP3; Enhanced RTMP v2 (veovera.org) for everything with a FourCC.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from media.codecs import BadConfig, audio_config, av1, flac, opus, video_config, vp9
from media.packets import CodecConfig, Packet, TrackKind
from media.rtmp.errors import ProtocolError, Unsupported

VIDEO_FOURCCS = ("avc1", "hvc1", "av01", "vp09")
"""What `connect` announces and this file reads."""
AUDIO_FOURCCS = ("mp4a", "Opus", "ac-3", "ec-3", "fLaC", ".mp3")

_LEGACY_VIDEO = {7: "avc1", 12: "hvc1"}
"""12 is no part of any specification, but hardware encoders have sent HEVC so for years, with the layout of H.264."""
_LEGACY_VIDEO_NAMES = {2: "Sorenson H.263", 3: "Screen Video", 4: "VP6", 5: "VP6 with alpha", 6: "Screen Video 2"}
_LEGACY_AAC = 10
_ENHANCED_AUDIO = 9
_LEGACY_MP3 = frozenset({2, 14})
"""14 says 8 kHz aloud; the frames of both say their rate themselves."""
_LEGACY_AUDIO_NAMES = {0: "PCM", 1: "ADPCM", 3: "PCM", 4: "Nellymoser", 5: "Nellymoser", 6: "Nellymoser"} | {
    7: "G.711 A-law",
    8: "G.711 mu-law",
    11: "Speex",
}
_KEYFRAME, _COMMAND_FRAME = 1, 5
_GENERATED_KEYFRAME = 4
_HAS_COMPOSITION_TIME = frozenset({"avc1", "hvc1"})
_SELF_DESCRIBING = frozenset({"ac-3", "ec-3", ".mp3"})
"""Codecs without a sequence header: each frame says what it is."""
_TEMPORAL_DELIMITER = b"\x12\x00"
"""The AV1 OBU that ISO BMFF wants left out ("AV1 ISOBMFF Binding", section 2.4)."""
_AV1_DESCRIPTOR_TAG = 0x80

SEQUENCE_START, CODED_FRAMES, SEQUENCE_END, CODED_FRAMES_X, METADATA, MPEG2TS_SEQUENCE_START, MULTITRACK, MOD_EX = (
    range(8)
)
"""VideoPacketType; AudioPacketType has 4 for MultichannelConfig and 5 for Multitrack."""
AUDIO_MULTICHANNEL, AUDIO_MULTITRACK = 4, 5
_MANY_TRACKS_MANY_CODECS = 2

_VIDEO, _AUDIO = TrackKind.VIDEO, TrackKind.AUDIO
"""For the path of media: in Python 3.11 looking up an Enum's member costs 0.2 us."""

Media = CodecConfig | Packet
_NOTHING: tuple[Media, ...] = ()


class BadTag(ProtocolError):
    """A payload that contradicts itself."""

    def __init__(self, detail: str) -> None:
        super().__init__("bad_tag", detail)


class FlvReader:
    """One publisher's tags. Time stamps stay 32-bit milliseconds, wraps included; unwrapping is `Timeline`'s job.

    Raises `BadTag`, and `Unsupported` for codecs that no player of ours would take.
    """

    def __init__(self) -> None:
        self._video: CodecConfig | None = None
        self._audio: CodecConfig | None = None
        self.ignored: Counter[str] = Counter()
        """Tags that were left out, by the reason."""

    def video(self, timestamp: int, payload: bytes) -> Sequence[Media]:
        """Read a video message."""
        if len(payload) < 2:
            return self._ignore("empty tag")
        first = payload[0]
        if first & 0x80:
            return self._enhanced_video(timestamp, payload)
        if first >> 4 == _COMMAND_FRAME:
            return self._ignore("command frame")
        codec = first & 0x0F
        fourcc = _LEGACY_VIDEO.get(codec)
        if fourcc is None:
            raise Unsupported(_LEGACY_VIDEO_NAMES.get(codec, f"FLV video codec {codec}"))
        if len(payload) < 5:
            raise BadTag(f"video tag of {len(payload)} bytes")
        kind = payload[1]
        if kind == CODED_FRAMES:
            return self._video_frame(fourcc, first >> 4, timestamp, _si24(payload, 2), payload[5:])
        if kind == SEQUENCE_START:
            return self._configure_video(fourcc, payload[5:])
        return _NOTHING  # end of sequence

    def audio(self, timestamp: int, payload: bytes) -> Sequence[Media]:
        """Read an audio message."""
        if len(payload) < 2:
            return self._ignore("empty tag")
        codec = payload[0] >> 4
        if codec == _LEGACY_AAC:
            if payload[1] == 0:
                return self._configure_audio("mp4a", payload[2:])
            return self._audio_frame("mp4a", timestamp, payload[2:])
        if codec == _ENHANCED_AUDIO:
            return self._enhanced_audio(timestamp, payload)
        if codec in _LEGACY_MP3:
            return self._audio_frame(".mp3", timestamp, payload[1:])
        raise Unsupported(_LEGACY_AUDIO_NAMES.get(codec, f"FLV audio codec {codec}"))

    def _enhanced_video(self, timestamp: int, payload: bytes) -> Sequence[Media]:
        frame_type = payload[0] >> 4 & 7
        kind, at = _skip_mod_ex(payload)
        if kind != METADATA and frame_type == _COMMAND_FRAME:
            return self._ignore("command frame")
        if kind != MULTITRACK:
            return self._video_body(_fourcc(payload, at), kind, frame_type, timestamp, payload[at + 4 :])
        media: list[Media] = []
        for fourcc, inner, body in self._first_track(payload, at):
            media += self._video_body(fourcc, inner, frame_type, timestamp, body)
        return media

    def _video_body(self, fourcc: str, kind: int, frame_type: int, timestamp: int, body: bytes) -> Sequence[Media]:
        if fourcc not in VIDEO_FOURCCS:
            raise Unsupported(f"video {fourcc!r}")
        if kind == CODED_FRAMES and fourcc in _HAS_COMPOSITION_TIME:
            if len(body) < 3:
                raise BadTag(f"coded frame of {len(body)} bytes")
            return self._video_frame(fourcc, frame_type, timestamp, _si24(body, 0), body[3:])
        if kind in {CODED_FRAMES, CODED_FRAMES_X}:
            return self._video_frame(fourcc, frame_type, timestamp, 0, body)
        if kind == SEQUENCE_START:
            return self._configure_video(fourcc, vp9.without_box_header(body) if fourcc == "vp09" else body)
        if kind == MPEG2TS_SEQUENCE_START and fourcc == "av01":
            return self._configure_video(fourcc, _av1c_from_descriptor(body))
        if kind == METADATA:
            return self._ignore("video metadata")
        if kind != SEQUENCE_END:
            return self._ignore(f"video packet type {kind}")
        return _NOTHING

    def _enhanced_audio(self, timestamp: int, payload: bytes) -> Sequence[Media]:
        kind, at = _skip_mod_ex(payload)
        if kind != AUDIO_MULTITRACK:
            return self._audio_body(_fourcc(payload, at), kind, timestamp, payload[at + 4 :])
        media: list[Media] = []
        for fourcc, inner, body in self._first_track(payload, at):
            media += self._audio_body(fourcc, inner, timestamp, body)
        return media

    def _audio_body(self, fourcc: str, kind: int, timestamp: int, body: bytes) -> Sequence[Media]:
        if fourcc not in AUDIO_FOURCCS:
            raise Unsupported(f"audio {fourcc!r}")
        if kind == CODED_FRAMES:
            return self._audio_frame(fourcc, timestamp, body)
        if kind == SEQUENCE_START:
            return _NOTHING if fourcc in _SELF_DESCRIBING else self._configure_audio(fourcc, body)
        if kind == AUDIO_MULTICHANNEL:
            return self._ignore("multichannel config")  # the codec's own configuration has the channels
        if kind != SEQUENCE_END:
            return self._ignore(f"audio packet type {kind}")
        return _NOTHING

    def _first_track(self, payload: bytes, at: int) -> list[tuple[str, int, bytes]]:
        """Return FourCC, packet type and body of track 0 out of a multitrack tag; other tracks are counted."""
        if at >= len(payload):
            raise BadTag("multitrack tag without a track")
        layout, kind = payload[at] >> 4, payload[at] & 0x0F
        at += 1
        fourcc = ""
        if layout != _MANY_TRACKS_MANY_CODECS:
            fourcc = _fourcc(payload, at)
            at += 4
        found: list[tuple[str, int, bytes]] = []
        while at < len(payload):
            if layout == _MANY_TRACKS_MANY_CODECS:
                fourcc = _fourcc(payload, at)
                at += 4
            track = payload[at : at + 1]
            at += 1
            size = len(payload) - at
            if layout:
                size = int.from_bytes(payload[at : at + 3], "big")
                at += 3
            if not track or at + size > len(payload):
                raise BadTag(f"track of {size} bytes at {at} in a tag of {len(payload)}")
            if track == b"\0":
                found.append((fourcc, kind, payload[at : at + size]))
            else:
                self._ignore("other track")
            at += size
        return found

    def _configure_video(self, fourcc: str, record: bytes) -> Sequence[Media]:
        if self._video is None or self._video.record != record or self._video.fourcc != fourcc:
            try:
                self._video = video_config(fourcc, record)
            except BadConfig as error:
                raise BadTag(f"{fourcc} configuration: {error}") from error
        # A picture without a size is of no use to a player: wait for the keyframe that has it.
        return (self._video,) if self._video.width else _NOTHING

    def _configure_audio(self, fourcc: str, header: bytes) -> Sequence[Media]:
        try:
            record = opus.dops_from_head(header) if fourcc == "Opus" else header
            record = flac.metadata_blocks(record) if fourcc == "fLaC" else record
            self._audio = audio_config(fourcc, record)
        except BadConfig as error:
            raise BadTag(f"{fourcc} configuration: {error}") from error
        return (self._audio,)

    def _video_frame(
        self, fourcc: str, frame_type: int, timestamp: int, composition_ms: int, data: bytes
    ) -> Sequence[Media]:
        if not data:
            return self._ignore("empty frame")
        config = self._video
        if config is None or config.fourcc != fourcc:
            return self._ignore("frame before its configuration")
        is_keyframe = frame_type == _KEYFRAME or frame_type == _GENERATED_KEYFRAME  # noqa: PLR1714  # a set costs more
        if fourcc == "av01":
            data = data.removeprefix(_TEMPORAL_DELIMITER)
        packet = Packet(_VIDEO, timestamp, timestamp + composition_ms, is_keyframe, data)
        if is_keyframe and fourcc in {"av01", "vp09"}:
            return self._with_size(config, packet)
        return (packet,)

    def _with_size(self, config: CodecConfig, packet: Packet) -> Sequence[Media]:
        """Complete the configuration by the picture size, which for these codecs may stand in keyframes only."""
        try:
            read = av1.sequence_size if config.fourcc == "av01" else vp9.keyframe_size
            size = read(packet.data)
        except BadConfig:
            self._ignore("keyframe with a broken header")
            return (packet,)
        if size is None or size == (config.width, config.height):
            return (packet,)
        self._video = msgspec.structs.replace(config, width=size[0], height=size[1])
        return (self._video, packet)

    def _audio_frame(self, fourcc: str, timestamp: int, data: bytes) -> Sequence[Media]:
        if not data:
            return self._ignore("empty frame")
        packet = Packet(_AUDIO, timestamp, timestamp, True, data)
        if fourcc in _SELF_DESCRIBING:
            try:
                config = audio_config(fourcc, data)
            except BadConfig:
                return self._ignore("frame with a broken header")
            if config != self._audio:
                self._audio = config
                return (config, packet)
        elif self._audio is None or self._audio.fourcc != fourcc:
            return self._ignore("frame before its configuration")
        return (packet,)

    def _ignore(self, reason: str) -> Sequence[Media]:
        self.ignored[reason] += 1
        return _NOTHING


def _skip_mod_ex(payload: bytes) -> tuple[int, int]:
    """Return the real packet type and the offset behind the header and its extensions (nanoseconds, so far)."""
    kind, at = payload[0] & 0x0F, 1
    while kind == MOD_EX:
        size = int.from_bytes(payload[at : at + 1], "big") + 1
        at += 1
        if size == 256:
            size = int.from_bytes(payload[at : at + 2], "big") + 1
            at += 2
        at += size
        if at >= len(payload):
            raise BadTag(f"extension of {size} bytes in a tag of {len(payload)}")
        kind = payload[at] & 0x0F
        at += 1
    return kind, at


def _fourcc(payload: bytes, at: int) -> str:
    if at + 4 > len(payload):
        raise BadTag(f"tag of {len(payload)} bytes without a FourCC")
    return payload[at : at + 4].decode("latin-1")


def _si24(payload: bytes, at: int) -> int:
    value = int.from_bytes(payload[at : at + 3], "big")
    return value - (1 << 24) if value & 0x800000 else value


def _av1c_from_descriptor(body: bytes) -> bytes:
    """Return av1C of an AV1 video descriptor ("Carriage of AV1 in MPEG-2 TS", section 2.1): the same leading bits."""
    if len(body) < 6 or body[0] != _AV1_DESCRIPTOR_TAG:
        raise BadTag(f"AV1 video descriptor of {len(body)} bytes")
    return body[2:5] + b"\0"
