"""Which of a session's tracks WebRTC's viewers get, and what must be made for them.

Browsers take H.264 of 8 bits, 4:2:0 and without B-frames (RTP has no decode times, and their decoders wait for none:
RFC 7742, section 6.2), and Opus (RFC 7874, section 3).
"""

import msgspec

from media.codecs import plays_everywhere
from media.codecs.bits import BadConfig
from media.codecs.opus import parse_dops
from media.links.messages import AUDIO, SOUND, VIDEO, Track
from media.transcode.sound import DECODERS

DECODABLE = frozenset({"avc1", "hvc1", "av01", "vp09"})
"""Pictures that an encode of our own can be made of."""
MOST_LINES = 720
"""Of an encode of our own."""


class Choice(msgspec.Struct, frozen=True):
    """Names of tracks, "" for none. `makes_pictures`, `makes_sound`: they have to be coded again."""

    pictures: str = ""
    sound: str = ""
    makes_pictures: bool = False
    makes_sound: bool = False

    @property
    def tracks(self) -> list[str]:
        """What to ask the feed for."""
        return [name for name in (self.pictures, self.sound) if name]


def choose(tracks: list[Track]) -> Choice:
    """Return the best of what there is: the source, else the rung nearest to it, else the source coded again."""
    pictures, makes_pictures = _pictures([track for track in tracks if track.name not in {SOUND, AUDIO}])
    sound, makes_sound = _sound(tracks)
    return Choice(pictures, sound, makes_pictures, makes_sound)


def _pictures(tracks: list[Track]) -> tuple[str, bool]:
    fitting = [track for track in tracks if _fits(track)]
    best = max(fitting, key=lambda track: (track.name == VIDEO, track.config.height, track.frame_rate), default=None)
    if best is not None:
        return best.name, False
    source = next((track for track in tracks if track.name == VIDEO and track.config.fourcc in DECODABLE), None)
    return (source.name, True) if source is not None else ("", False)


def _fits(track: Track) -> bool:
    return not track.is_reordered and plays_everywhere(track.config)


def _sound(tracks: list[Track]) -> tuple[str, bool]:
    by_name = {track.name: track for track in tracks}
    for name in (SOUND, AUDIO):
        track = by_name.get(name)
        if track is not None and _is_plain_opus(track):
            return name, False
    for name in (SOUND, AUDIO):
        track = by_name.get(name)
        if track is not None and track.config.fourcc in DECODERS and track.config.sample_rate:
            return name, True
    return "", False


def _is_plain_opus(track: Track) -> bool:
    """One or two channels in one stream; others have a mapping that RTP cannot tell (RFC 7587, section 7)."""
    if track.config.fourcc != "Opus":
        return False
    try:
        opus = parse_dops(track.config.record)
    except BadConfig:
        return False
    return opus.channels <= 2 and track.config.record[10] == 0
