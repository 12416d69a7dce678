"""When a source is known well enough to choose its ladder: size, frame rate and bit rate, once."""

from media.packets import VIDEO_TIMESCALE, CodecConfig, Packet
from media.publication import Description
from media.transcode.ladder import source_of
from media.transcode.rungs import Source

SHAPE_S = 0.5
"""Media after which frame rate and bit rate are taken from what came, where the publisher said nothing."""
FRAME_RATE_GUESS = 30.0
"""Of a source that has sent one picture."""


class Shape:
    """Takes what comes of the video until there is an answer."""

    def __init__(self) -> None:
        self._description = Description()
        self._config: CodecConfig | None = None
        self._first = 0
        self._last = 0
        self._frames = 0
        self._bytes = 0  # without the first keyframe: it is many times as large as what follows

    def describe(self, description: Description) -> Source | None:
        """Take the publisher's word; return the source if nothing more is missing."""
        self._description = description
        return self._known()

    def configure(self, config: CodecConfig) -> Source | None:
        """Take the video's configuration; return the source if nothing more is missing."""
        if config != self._config:
            self._config = config
            self.begin_again()
        return self._known()

    def begin_again(self) -> None:
        """What came before does not count."""
        self._frames = self._bytes = 0

    def count(self, packet: Packet) -> Source | None:
        """Take a video packet; return the source if it is the one that was missing."""
        if not self._frames:
            self._first = packet.dts
        else:
            self._bytes += len(packet.data)
        self._frames += 1
        self._last = packet.dts
        if self._last - self._first >= SHAPE_S * VIDEO_TIMESCALE:
            return self.measured()
        return None

    def _known(self) -> Source | None:
        said, config = self._description, self._config
        if config is None or not config.width or said.video_bitrate_bps <= 0 or said.frame_rate <= 0:
            return None
        return source_of(config, said.frame_rate, said.video_bitrate_bps)

    def measured(self) -> Source | None:
        """Return the source by what came so far, even if that is little; None without a video configuration."""
        config, said = self._config, self._description
        if config is None:
            return None
        length_s = (self._last - self._first) / VIDEO_TIMESCALE
        rate = (self._frames - 1) / length_s if length_s > 0 else 0.0
        bitrate_bps = round(self._bytes * 8 / length_s) if length_s > 0 else 0
        rate = rate or said.frame_rate or FRAME_RATE_GUESS
        return source_of(config, rate, said.video_bitrate_bps or bitrate_bps)
