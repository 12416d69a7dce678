"""Captions as WebVTT segments beside the media (RFC 8216bis, 3.1.4; W3C WebVTT).

A segment's text is settled when its media is complete, for its name never stands for other bytes. A caption that
comes later is shown later.
"""

from collections.abc import Mapping

import msgspec

from media.hls.boxes import TIME_OFFSET_S
from media.hls.window import Window
from media.packets import VIDEO_TIMESCALE, Cue

UNKNOWN_S = 5.0
"""How long a caption stays that does not say it and that none replaces: two lines are read in that time."""
MAX_WAITING = 256
"""Captions of segments that are not complete yet; more are dropped."""
MAX_TEXT = 1000
"""Characters of one caption."""

# Media time 0, which captions count from, is this on the clock of the boxes.
_HEAD = f"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{TIME_OFFSET_S * VIDEO_TIMESCALE},LOCAL:00:00:00.000\n"
_EMPTY = _HEAD.encode()


class _Caption(msgspec.Struct):
    start_s: float
    end_s: float
    is_open: bool
    """Nobody said when it ends."""
    text: str


class Captions:
    """The captions that go with a rendition's segments. Times are media time in seconds."""

    def __init__(self, lead: Window) -> None:
        self.lead = lead
        self.language = ""
        self._settled = lead.last_closed_msn
        self._settled_s = _end_s(lead)
        self._waiting: list[_Caption] = []
        self._texts: dict[int, bytes] = {}

    def resume(self, texts: Mapping[int, bytes], language: str) -> None:
        """Show what another process settled, by msn; segments without text are settled too."""
        self._texts.update(texts)
        self.language = language

    def add(self, cue: Cue) -> bool:
        """Show a caption, cut to `MAX_TEXT`; one without text ends the one before. False: too many wait."""
        if not self.language:
            self.language = cue.fields.get("language", "")
        start_s = max(cue.start_s, self._settled_s)
        for caption in self._waiting:
            if caption.is_open and caption.start_s < start_s:
                caption.end_s = min(caption.end_s, start_s)
        written = _payload(cue.fields.get("text", ""))
        if not written:
            return True
        if len(self._waiting) >= MAX_WAITING:
            return False
        duration_s = UNKNOWN_S if cue.duration_s is None else cue.duration_s
        self._waiting.append(_Caption(start_s, start_s + duration_s, cue.duration_s is None, written))
        return True

    def settle(self) -> list[tuple[int, bytes]]:
        """Settle the text of the segments that are complete now; return those that have some, by msn."""
        settled: list[tuple[int, bytes]] = []
        if not self.lead.segments:
            return settled
        for segment in self.lead.segments:
            if segment.msn <= self._settled or segment.duration_s is None:
                continue
            end_s = segment.start_s + segment.duration_s
            shown = sorted(
                (caption for caption in self._waiting if caption.start_s < end_s and caption.end_s > segment.start_s),
                key=lambda caption: caption.start_s,
            )
            if shown:
                text = self._texts[segment.msn] = (_HEAD + "".join(map(_written, shown))).encode()
                settled.append((segment.msn, text))
            self._settled, self._settled_s = segment.msn, end_s
            self._waiting = [caption for caption in self._waiting if caption.end_s > end_s]
        oldest = self.lead.retired[0][1].msn if self.lead.retired else self.lead.segments[0].msn
        for msn in [msn for msn in self._texts if msn < oldest]:
            del self._texts[msn]
        return settled

    def find(self, msn: int) -> bytes | None:
        """Return a segment as WebVTT, one without captions too; None for one that does not exist."""
        segment = self.lead.find(msn)
        if segment is None or segment.duration_s is None:
            return None
        return self._texts.get(msn, _EMPTY)


def _end_s(window: Window) -> float:
    """Return the media time at which the last complete segment ends."""
    closed = (segment for segment in reversed(window.segments) if segment.duration_s is not None)
    last = next(closed, None)
    if last is None or last.duration_s is None:
        return 0.0
    return last.start_s + last.duration_s


def _payload(text: str) -> str:
    """Return a cue's text: no markup, and no empty line, which would end it."""
    escaped = text[:MAX_TEXT].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "\n".join(line.strip() for line in escaped.splitlines() if line.strip())


def _written(caption: _Caption) -> str:
    return f"\n{_stamp(caption.start_s)} --> {_stamp(caption.end_s)}\n{caption.text}\n"


def _stamp(seconds: float) -> str:
    minutes, ms = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}.{ms % 1000:03}"
