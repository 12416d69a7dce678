"""Sound of any codec and shape, made AAC-LC or Opus: decoded, mixed down, resampled, coded in equal access units.

The samples are counted, not stamped: only where the source's stamps are off by more than `SLACK_S` does the count
follow them, with a hole or by leaving samples out.
"""

from fractions import Fraction

import av
import av.filter
import msgspec
from av.audio.frame import AudioFrame
from av.codec.context import Flags

from media.codecs import opus
from media.packets import CodecConfig, Packet, TrackKind
from media.transcode.messages import AudioJob

DECODERS = {
    "mp4a": "aac",
    "Opus": "opus",
    "fLaC": "flac",
    "ac-3": "ac3",
    "ec-3": "eac3",
    ".mp3": "mp3float",
    ".mp2": "mp2float",
}
SLACK_S = 0.040
LAYOUTS = {1: "mono", 2: "stereo"}
FLAC_HEADER_BYTES = 4
"""Of the STREAMINFO block, which FFmpeg wants without it."""

_AUDIO = TrackKind.AUDIO


class Coding(msgspec.Struct, frozen=True):
    """How sound is coded: FFmpeg's encoder, the samples of an access unit, and how the encoder wants them."""

    encoder: str
    frame_samples: int
    sample_format: str
    options: dict[str, str] = {}


CODINGS = {
    "mp4a": Coding("aac", 1024, "fltp"),
    "Opus": Coding("libopus", opus.SAMPLE_RATE // 50, "flt", {"frame_duration": "20", "vbr": "constrained"}),
}
"""Opus of 20 ms: what every browser sends and expects (RFC 7587, section 4.2)."""


class CannotDecode(Exception):
    """No decoder opens for this configuration."""


class SoundEncoder:
    """Packets of any audio codec in, AAC or Opus packets out, in samples of the output rate. For one thread."""

    def __init__(self, job: AudioJob) -> None:
        self._job = job
        self._layout = LAYOUTS[job.channels]
        self._coding = CODINGS[job.fourcc]
        self._encoder = self._new_encoder()
        extradata = bytes(self._encoder.extradata or b"")
        self.config = CodecConfig(
            _AUDIO,
            job.fourcc,
            opus.dops_from_head(extradata) if job.fourcc == "Opus" else extradata,
            sample_rate=job.sample_rate,
            channels=job.channels,
        )
        self.corrupt_packets = 0
        self._decoder: av.AudioCodecContext | None = None
        self._config: CodecConfig | None = None
        self._shape: tuple[str, str, int] | None = None
        self._mixer: Mixer | None = None
        self._fifo = av.AudioFifo()
        self._next_in: Fraction | None = None  # seconds: where the next decoded sample belongs if nothing is missing
        self._is_missing = False  # the last packet gave no samples
        self._position = 0  # in output samples: where the first sample of the queue belongs
        self._skip = 0  # output samples to leave out
        self._coded_until: int | None = None

    def configure(self, config: CodecConfig) -> list[Packet]:
        """Take the configuration of what follows. Raises `CannotDecode`."""
        if config == self._config and self._decoder is not None:
            return []
        packets = self._end_input()
        self._config, self._decoder = config, None
        self._decoder = _opened_decoder(config)
        return packets

    def encode(self, packet: Packet) -> list[Packet]:
        """Take one packet, stamped in samples of its configuration's rate; return what is coded."""
        if self._decoder is None or self._config is None or not packet.data:
            return []
        coded = av.Packet(packet.data)
        coded.pts = coded.dts = packet.pts
        coded.time_base = Fraction(1, self._config.sample_rate)
        try:
            frames = self._decoder.decode(coded)
        except av.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            self.corrupt_packets += 1
            self._is_missing = True
            return []
        packets = []
        for frame in frames:
            packets += self._take(frame, self._left_out(packet, frame))
        return packets

    def _left_out(self, packet: Packet, frame: AudioFrame) -> int:
        """Return how many samples of its first packet the decoder left out, without saying so in the stamp.

        FFmpeg's Opus decoder does that with the pre-skip (RFC 7845, section 4.2).
        """
        assert self._config is not None
        return opus.packet_samples(packet.data) - frame.samples if self._config.fourcc == "Opus" else 0

    def break_(self) -> list[Packet]:
        """What follows does not join: return what is held, its last access unit filled with silence."""
        packets = self._end_input()
        if self._config is not None:
            self._decoder = _opened_decoder(self._config)
        return packets

    def finish(self) -> list[Packet]:
        """Return all that is held."""
        return self._end_input()

    # --- decoded samples --------------------------------------------------------------------------------------

    def _take(self, frame: AudioFrame, left_out: int = 0) -> list[Packet]:
        assert self._config is not None
        if frame.samples <= 0 or frame.sample_rate <= 0:
            return []
        packets: list[Packet] = []
        at = Fraction(frame.pts + left_out, self._config.sample_rate) if frame.pts is not None else self._next_in
        if self._next_in is None or (at is not None and abs(at - self._next_in) > SLACK_S):
            packets += self._restart_at(at or Fraction(0))
        elif self._is_missing and at is not None and at > self._next_in:
            # Within the slack, but known to be a hole: without this each lost packet would move the sound ahead.
            self._queue(self._silence(round((at - self._next_in) * self._job.sample_rate)))
            self._next_in = at
        self._is_missing = False
        assert self._next_in is not None
        self._next_in += Fraction(frame.samples, frame.sample_rate)
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            self._end_mixer()
            self._shape = shape
            self._mixer = Mixer(shape, self._layout, self._job.sample_rate, self._coding.sample_format)
        assert self._mixer is not None
        for mixed in self._mixer.mix(frame):
            self._queue(mixed)
        return packets + self._code_whole()

    def _restart_at(self, at: Fraction) -> list[Packet]:
        """Go on at this time: what is held ends before it."""
        packets = self._flush()
        place = round(at * self._job.sample_rate)
        if self._coded_until is None or place >= self._coded_until:
            self._position, self._skip = place, 0
        else:
            self._position, self._skip = self._coded_until, self._coded_until - place
        self._next_in = at
        return packets

    def _end_input(self) -> list[Packet]:
        if self._decoder is not None and self._next_in is not None:
            try:
                last = self._decoder.decode(None)
            except av.FFmpegError:
                self.corrupt_packets += 1
                last = []
            packets = [packet for frame in last for packet in self._take(frame)]
        else:
            packets = []
        packets += self._flush()
        self._next_in = None
        return packets

    def _flush(self) -> list[Packet]:
        """Code all that is held, filled up with silence, and begin a new coder."""
        self._end_mixer()
        packets = self._code_whole()
        rest = self._fifo.samples
        if rest:
            self._queue(self._silence(self._coding.frame_samples - rest))
            packets += self._code_whole()
        if self._coded_until is not None or packets:
            packets += self._packets(self._encoder.encode(None))
            self._encoder = self._new_encoder()
        self._fifo = av.AudioFifo()
        return packets

    def _end_mixer(self) -> None:
        if self._mixer is not None:
            for mixed in self._mixer.mix(None):
                self._queue(mixed)
        self._mixer, self._shape = None, None

    def _queue(self, frame: AudioFrame) -> None:
        frame.pts = None
        self._fifo.write(frame)
        while self._skip and self._fifo.samples:
            left_out = self._fifo.read(min(self._skip, self._fifo.samples), partial=True)
            self._skip -= left_out.samples if left_out is not None else self._skip

    # --- coding -----------------------------------------------------------------------------------------------

    def _code_whole(self) -> list[Packet]:
        packets: list[Packet] = []
        while self._fifo.samples >= self._coding.frame_samples:
            frame = self._fifo.read(self._coding.frame_samples)
            assert frame is not None
            frame.pts, frame.time_base = self._position, Fraction(1, self._job.sample_rate)
            self._position += self._coding.frame_samples
            packets += self._packets(self._encoder.encode(frame))
        return packets

    def _packets(self, coded: "list[av.Packet[av.AudioStream]]") -> list[Packet]:
        """Return packets at the time at which a decoder plays their samples.

        The first access unit of a coder plays before its first sample (priming: 1024 samples of AAC, 312 of Opus);
        where that time is taken already, or before zero, it is left out.
        """
        packets = []
        for packet in coded:
            pts = packet.pts
            assert pts is not None
            if pts >= (self._coded_until or 0):
                packets.append(Packet(_AUDIO, pts, pts, True, bytes(packet)))
                self._coded_until = pts + self._coding.frame_samples
        return packets

    def _silence(self, samples: int) -> AudioFrame:
        frame = AudioFrame(format=self._coding.sample_format, layout=self._layout, samples=samples)
        frame.sample_rate = self._job.sample_rate
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        return frame

    def _new_encoder(self) -> av.AudioCodecContext:
        encoder = av.CodecContext.create(self._coding.encoder, "w")
        assert isinstance(encoder, av.AudioCodecContext)
        encoder.sample_rate = self._job.sample_rate
        encoder.layout = self._layout
        encoder.format = self._coding.sample_format
        encoder.options = dict(self._coding.options)
        encoder.bit_rate = self._job.bitrate_bps
        encoder.time_base = Fraction(1, self._job.sample_rate)
        encoder.flags |= Flags.global_header
        encoder.open()
        return encoder


class Mixer:
    """Brings samples of one shape (format, layout, rate) to the output's layout and rate, as floats.

    The mix is scaled so that it cannot clip even where all channels are in phase (ATSC A/52, section 7.8.1).
    """

    def __init__(self, shape: tuple[str, str, int], layout: str, rate: int, to_format: str = "fltp") -> None:
        sample_format, source_layout, source_rate = shape
        graph = av.filter.Graph()
        graph.threads = 1
        chain = [
            graph.add(
                "abuffer",
                f"sample_rate={source_rate}:sample_fmt={sample_format}:channel_layout={source_layout}"
                f":time_base=1/{source_rate}",
            ),
            graph.add("aresample", f"{rate}:out_chlayout={layout}:out_sample_fmt={to_format}:rematrix_maxval=1.0"),
            graph.add("aformat", f"sample_fmts={to_format}:channel_layouts={layout}:sample_rates={rate}"),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*chain)
        graph.configure()
        self._graph, self._source, self._sink = graph, chain[0], chain[-1]
        self._taken = 0
        self._time_base = Fraction(1, source_rate)

    def mix(self, frame: AudioFrame | None) -> list[AudioFrame]:
        """Return what is ready; None brings out the rest."""
        if frame is not None:
            frame.pts, frame.time_base = self._taken, self._time_base
            self._taken += frame.samples
        self._source.push(frame)
        mixed: list[AudioFrame] = []
        while True:
            try:
                out = self._sink.pull()
            except (av.BlockingIOError, av.EOFError):
                return mixed
            assert isinstance(out, AudioFrame)
            mixed.append(out)


def _opened_decoder(config: CodecConfig) -> av.AudioCodecContext:
    name = DECODERS.get(config.fourcc)
    if name is None or config.sample_rate <= 0:
        raise CannotDecode(f"no decoder for {config.fourcc} of {config.sample_rate} Hz")
    try:
        decoder = av.CodecContext.create(name, "r")
        assert isinstance(decoder, av.AudioCodecContext)
        if config.fourcc == "mp4a":
            decoder.extradata = config.record
        elif config.fourcc == "Opus":
            decoder.extradata = opus.head_from_dops(config.record)
        elif config.fourcc == "fLaC":
            decoder.extradata = config.record[FLAC_HEADER_BYTES:]
        decoder.thread_count = 1
        decoder.open()
    except (av.FFmpegError, ValueError) as error:
        raise CannotDecode(f"{config.fourcc} cannot be decoded: {error}") from error
    return decoder
