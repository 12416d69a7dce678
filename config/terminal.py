"""What `tally serve` shows: the lines of all its processes, each behind a name, never waited for.

A terminal that is stopped (Ctrl-S, a pager) must not stop live streams, so a thread writes, from a bounded queue;
when that is full, lines are dropped, counted, and the count is shown.
"""

import queue
import sys
import threading
from typing import TextIO

import msgspec

MAX_LINE_BYTES = 8192
QUEUED_LINES = 4000
CLOSE_S = 2.0
"""How long the last lines may take."""
NAME_WIDTH = 9


class LineSplitter:
    """Cuts a stream of bytes into lines; what is longer than `MAX_LINE_BYTES` is shortened."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._is_cut = False

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that `data` completes."""
        *complete, rest = data.split(b"\n")
        lines = []
        for part in complete:
            self._take(part)
            lines.append(self._finish())
        self._take(rest)
        return lines

    def close(self) -> list[str]:
        """Return the last line when it had no end."""
        return [self._finish()] if self._begun else []

    def _take(self, part: bytes) -> None:
        room = MAX_LINE_BYTES - len(self._begun)
        self._begun += part[:room]
        self._is_cut |= len(part) > room

    def _finish(self) -> str:
        line = self._begun.decode(errors="replace").rstrip("\r") + ("…" if self._is_cut else "")
        self._begun.clear()
        self._is_cut = False
        return line


class Terminal:
    """Writes lines to `err` and announcements to `out`, in the order of the calls. Close it at the end."""

    def __init__(self, *, as_json: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self._as_json = as_json
        self._is_coloured = not as_json and self._err.isatty()
        self._queue: queue.Queue[tuple[TextIO, str] | None] = queue.Queue(QUEUED_LINES)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write_all, name="terminal", daemon=True)
        self._thread.start()

    def line(self, name: str, text: str) -> None:
        """Show a line of the process `name`. Never blocks."""
        self._put(self._err, self._format(name, text))

    def announce(self, text: str) -> None:
        """Show a text for people on standard output. Never blocks."""
        self._put(self._out, text + "\n")

    def close(self) -> None:
        """Write what is queued, within `CLOSE_S`."""
        try:
            self._queue.put(None, timeout=CLOSE_S)
        except queue.Full:
            return
        self._thread.join(CLOSE_S)

    def _format(self, name: str, text: str) -> str:
        if self._as_json:
            is_json = text.startswith("{")  # our own processes write JSON with their name in it
            return (text if is_json else msgspec.json.encode({"process": name, "event": text}).decode()) + "\n"
        prefix = f"{name:<{NAME_WIDTH}}|"
        return (f"\x1b[36m{prefix}\x1b[0m" if self._is_coloured else prefix) + f" {text}\n"

    def _put(self, stream: TextIO, text: str) -> None:
        try:
            if self._dropped:
                lost = self._format("tally", f"{self._dropped} lines are not shown: the terminal was too slow")
                self._queue.put_nowait((self._err, lost))
                self._dropped = 0
            self._queue.put_nowait((stream, text))
        except queue.Full:
            self._dropped += 1

    def _write_all(self) -> None:
        while (item := self._queue.get()) is not None:
            stream, text = item
            try:
                stream.write(text)
                stream.flush()
            except (OSError, ValueError):
                continue  # the terminal is gone; the streams are not
