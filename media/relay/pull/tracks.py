"""From what FFmpeg's demuxers give to our packets: each container carries the same codec in another way.

H.264 and HEVC come with lengths (MP4, Matroska, FLV) or as a byte stream (MPEG-TS, RTSP); AAC comes raw or as ADTS.
Runs in the child. Errors: `Unsupported` (the codec is none that is carried here).
"""

import heapq
from collections.abc import Iterator
from typing import TypeAlias

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from media.codecs import BadConfig, audio_config, flac, opus, video_config
from media.codecs.annexb import AnnexBReader
from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet, TrackKind
from media.ts import tables
from media.ts.frames import FRAMINGS

Unit = CodecConfig | Packet
AvPacket: TypeAlias = "av.Packet[Stream]"

_VIDEO_TRACK, _AUDIO_TRACK = TrackKind.VIDEO, TrackKind.AUDIO
_VIDEO = {"h264": "avc1", "hevc": "hvc1", "av1": "av01"}
_AUDIO = {"aac": "mp4a", "opus": "Opus", "ac3": "ac-3", "eac3": "ec-3", "mp3": ".mp3", "flac": "fLaC"}
_SELF_DESCRIBING = frozenset({"ac-3", "ec-3", ".mp3"})
_SEQUENCE_HEADERS = frozenset({"mp4a", "Opus", "fLaC"})
"""Sound that cannot be decoded without what stands beside it."""


MOST_REORDERED = 16
"""Pictures of H.264 that may be decoded before one that is shown earlier (annex A.3.1)."""
USUAL_LENGTH = VIDEO_TIMESCALE // 30


class Unsupported(Exception):
    """The text is a sentence that names what there is instead."""


class Track:
    """One elementary stream. `end` is where its newest packet ends, in 90 kHz; None before the first."""

    def __init__(self, kind: TrackKind, fourcc: str, reorder: int = 0) -> None:
        self.kind, self.fourcc = kind, fourcc
        self.end: int | None = None
        self._decoding = DecodeTimes(reorder)
        self._config: CodecConfig | None = None

    def read(self, packet: AvPacket, offset: int) -> Iterator[Unit]:
        """Yield what a packet holds, its stamps moved by `offset`; nothing when it cannot be used."""
        dts, pts = _ticks(packet, packet.dts), _ticks(packet, packet.pts)
        if dts is None and pts is None:
            return
        length = _ticks(packet, packet.duration) or 0
        if dts is None:
            assert pts is not None
            dts = self._decoding.of(pts, length)
        pts = dts if pts is None else pts
        self.end = max(dts + length, self.end or dts)
        yield from self._units(packet, dts + offset, pts + offset)

    def _units(self, packet: AvPacket, dts: int, pts: int) -> Iterator[Unit]:
        raise NotImplementedError

    def _configure(self, config: CodecConfig) -> Iterator[Unit]:
        if config != self._config:
            self._config = config
            yield config


class DecodeTimes:
    """When pictures are decoded, of containers that say only when they are shown (Matroska).

    In decoding order the stamps of presentation, sorted, are those of decoding, `reorder` pictures earlier.
    """

    def __init__(self, reorder: int) -> None:
        self._reorder = min(reorder, MOST_REORDERED)
        self._shown: list[int] = []
        self._first: int | None = None

    def of(self, pts: int, length: int) -> int:
        """Return the decoding time of the next picture; `length` is how long it is shown, 0 when that is unknown."""
        if self._first is None:
            self._first = pts
        heapq.heappush(self._shown, pts)
        if len(self._shown) > self._reorder:
            return min(heapq.heappop(self._shown), pts)
        return min(self._first - (self._reorder + 1 - len(self._shown)) * (length or USUAL_LENGTH), pts)


class ByteStreamTrack(Track):
    """H.264 or HEVC with start codes."""

    def __init__(self, fourcc: str, extradata: bytes, reorder: int) -> None:
        super().__init__(TrackKind.VIDEO, fourcc, reorder)
        self._reader = AnnexBReader(fourcc)
        self._reader.read(extradata)  # RTSP: the parameter sets may be in the description alone

    def _units(self, packet: AvPacket, dts: int, pts: int) -> Iterator[Unit]:
        config, data, is_key = self._reader.read(bytes(packet))
        if config is not None:
            yield config
        if data and self._reader.config is not None:
            yield Packet(self.kind, dts, pts, is_key, data)


class PictureTrack(Track):
    """Pictures as MP4 holds them: the configuration is beside them, lengths are before their NAL units."""

    def __init__(self, fourcc: str, record: bytes, reorder: int) -> None:
        super().__init__(TrackKind.VIDEO, fourcc, reorder)
        self._first = video_config(fourcc, record)

    def _units(self, packet: AvPacket, dts: int, pts: int) -> Iterator[Unit]:
        record = _new_record(packet)
        if record:
            yield from self._configure(video_config(self.fourcc, record))
        elif self._config is None:
            yield from self._configure(self._first)
        yield Packet(self.kind, dts, pts, packet.is_keyframe, bytes(packet))


class SoundTrack(Track):
    """Sound in packets of one access unit, raw. `record` is in `CodecConfig`'s form, b"" where frames tell."""

    def __init__(self, fourcc: str, record: bytes) -> None:
        super().__init__(TrackKind.AUDIO, fourcc)
        self._record = record

    def _units(self, packet: AvPacket, dts: int, pts: int) -> Iterator[Unit]:  # noqa: ARG002  # sound is not reordered
        data = bytes(packet)
        if not data:
            return
        if self._config is None or self.fourcc in _SELF_DESCRIBING:
            yield from self._configure(audio_config(self.fourcc, self._record or data))
        yield Packet(self.kind, pts, pts, True, data)


class AdtsTrack(Track):
    """AAC with a header before each access unit."""

    def __init__(self) -> None:
        super().__init__(TrackKind.AUDIO, "mp4a")
        self._framing = FRAMINGS[tables.ADTS](tables.Stream(0, tables.ADTS))

    def _units(self, packet: AvPacket, dts: int, pts: int) -> Iterator[Unit]:  # noqa: ARG002  # as above
        unit = self._framing.unit(bytes(packet))
        if unit is not None and unit.data:
            yield from self._configure(unit.config)
            yield Packet(self.kind, pts, pts, True, unit.data)


def choose(container: InputContainer) -> dict[int, Track]:
    """Return the first picture and the first sound that are carried here, by the stream's index.

    Raises `Unsupported` when there is neither.
    """
    chosen: dict[int, Track] = {}
    for streams in (container.streams.video, container.streams.audio):
        for stream in streams:
            track = _track(stream)
            if track is not None:
                chosen[stream.index] = track
                break
    if not chosen:
        names = sorted({_codec(stream) for stream in (*container.streams.video, *container.streams.audio)} - {""})
        found = f"There is only {', '.join(names)}" if names else "There is no picture and no sound"
        raise Unsupported(f"{found}; H.264, HEVC, AV1, AAC, Opus, MP3, FLAC and Dolby are carried.")
    return chosen


def _track(stream: VideoStream | AudioStream) -> Track | None:
    """Return what reads a stream, None when it is not carried."""
    codec = _codec(stream)
    if not codec:
        return None
    extradata = stream.codec_context.extradata or b""
    try:
        if isinstance(stream, VideoStream):
            is_cover = bool(stream.disposition & stream.disposition.attached_pic)
            reorder = stream.codec_context.reorder_depth
            return None if is_cover else _video_track(codec, extradata, reorder)
        return _audio_track(codec, extradata)
    except BadConfig:
        return None


def _codec(stream: Stream) -> str:
    """Return the codec's name, "" for one that this FFmpeg does not know: PyAV gives no context then."""
    context: object = stream.codec_context
    return "" if context is None else stream.codec_context.name


def _video_track(codec: str, extradata: bytes, reorder: int) -> Track | None:
    fourcc = _VIDEO.get(codec)
    if fourcc is None:
        return None
    if fourcc != "av01" and extradata[:1] != b"\x01":  # configurationVersion; a byte stream begins with zeros
        return ByteStreamTrack(fourcc, extradata, reorder)
    return PictureTrack(fourcc, extradata, reorder)


def _audio_track(codec: str, extradata: bytes) -> Track | None:
    fourcc = _AUDIO.get(codec)
    if fourcc is None:
        return None
    if fourcc == "mp4a" and not extradata:
        return AdtsTrack()
    record = b""
    if fourcc in _SEQUENCE_HEADERS:
        record = {"Opus": opus.dops_from_head, "fLaC": flac.metadata_blocks}.get(fourcc, bytes)(extradata)
        audio_config(fourcc, record)
    return SoundTrack(fourcc, record)


def _new_record(packet: AvPacket) -> bytes:
    """Return the configuration that changes with this packet, b"" when it does not."""
    return bytes(packet.get_sidedata("new_extradata")) if packet.has_sidedata("new_extradata") else b""


def _ticks(packet: AvPacket, stamp: int | None) -> int | None:
    """Return a stamp of a packet in 90 kHz."""
    base = packet.time_base
    return None if stamp is None else stamp * base.numerator * VIDEO_TIMESCALE // base.denominator
