"""One connection of the public port: RFC 9112 as far as delivery needs it.

Heads without bodies, kept alive and pipelined, answered in order and one at a time: while an answer is waited for or a
slow reader has not taken the last one, the following requests stay unread in a bounded buffer.
"""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from schemas.errors import ErrorCode
from schemas.ids import ChannelId
from web.hls.answers import Answer, whole
from web.hls.entries import Entry, make_error
from web.hls.flights import Flight
from web.hls.heads import MAX_HEAD_BYTES, BadHead, Fields, Request, parse_head
from web.hls.targets import Wanted, is_ours

if TYPE_CHECKING:
    from web.hls.front import Front

HEAD_DEADLINE_S: Final = 10
"""From the first byte of a head to its end, and from the opening of a connection to its first head."""
IDLE_DEADLINE_S: Final = 75
"""Between requests of a kept-alive connection; players reload every few seconds at the latest."""
SLOW_WINDOW_S: Final = 10
SLOW_BYTES_PER_S: Final = 16 * 1024
"""A reader that takes less over a whole window is dropped: no video goes through such a line."""
LINGER_S: Final = 2
"""After the last answer the peer may take so long to close, lest a reset destroy the answer (RFC 9112, section 9.6)."""
MAX_HELD_BYTES: Final = 16 * 1024
"""Pipelined bytes that wait for the answer under way; beyond them reading pauses."""
MAX_TURNS: Final = 64
"""Pipelined requests answered before other connections get their turn."""
MAX_KNOWN_LINES: Final = 4096
"""Request lines remembered by all connections; when full all are forgotten, which costs each of them one parse."""
MAX_KNOWN_HEAD_BYTES: Final = 2 * 1024
"""Longer heads are parsed each time: what is remembered for 16,000 connections stays below 32 MB."""
_ONE_WRITE_BYTES: Final = 16 * 1024
_SIGHT_BYTES: Final = 320  # enough to see a method, the root, a token, an id and the slash behind it
_NEVER: Final = 1 << 62
_CODES: Final = {
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: ErrorCode.PAYLOAD_TOO_LARGE,
    HTTPStatus.SERVICE_UNAVAILABLE: ErrorCode.UNAVAILABLE,
}


class Connection(asyncio.Protocol):
    """Made by `Front`. `deadline_tick`: the second of the clock after which `overdue` is called."""

    __slots__ = (
        "_block",
        "_clock",
        "_delivery",
        "_flight",
        "_front",
        "_held",
        "_identity",
        "_is_finished",
        "_is_paused",
        "_is_reading_paused",
        "_is_resting",
        "_request",
        "_seen_channel",
        "_seen_tick",
        "_slow_mark",
        "_takes_gzip",
        "_token",
        "_transport",
        "_wanted",
        "deadline_tick",
    )

    def __init__(self, front: "Front") -> None:
        self._front = front
        self._delivery = front.delivery
        self._clock = front.delivery.clock
        self._transport: asyncio.Transport | None = None
        self._held = b""
        # The header section of the last request, when it was plain: the same bytes mean the same again. Players send
        # the same fields with each of their requests, and parsing them is a third of the work.
        self._block = b""
        self._takes_gzip = False
        self._wanted: Wanted | None = None
        self._request: Request | None = None  # of the answer waited for; None: a plain GET
        self._flight: Flight | None = None
        self._is_paused = False
        self._is_reading_paused = False
        self._is_resting = False
        self._is_finished = False
        self._slow_mark = 0
        self._identity: tuple[str | None, str | None] = (None, None)  # Cookie, User-Agent
        self._token = ""
        self._seen_channel: ChannelId | None = None
        self._seen_tick = -1
        self.deadline_tick = _NEVER

    # asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the header deadline runs at once."""
        # uvloop's transports are none of asyncio's classes
        self._transport = stream = cast(asyncio.Transport, transport)
        is_full = self._front.is_full
        self._front.enter(self)
        self.deadline_tick = self._clock.tick_number + HEAD_DEADLINE_S
        if is_full or self._front.is_closing:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections")
            stream.close()  # without lingering: there is no room

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        """Forget everything; a flight that nobody else waits for is cancelled."""
        self._forget()

    def eof_received(self) -> None:
        """Take the end of the peer's half for the end of the peer, as most servers do: players abort like that."""
        self._leave_flight()
        self._is_finished = True
        self._held = b""
        if self._transport is not None:
            self._slow_mark = self._transport.get_write_buffer_size()
            self.deadline_tick = self._clock.tick_number + SLOW_WINDOW_S

    def pause_writing(self) -> None:
        """Answer nothing more until the reader has taken what is written, and watch how fast it does."""
        self._is_paused = True
        if self._transport is not None:
            self._slow_mark = self._transport.get_write_buffer_size()
        self.deadline_tick = self._clock.tick_number + SLOW_WINDOW_S

    def resume_writing(self) -> None:
        """Go on with what was held."""
        self._is_paused = False
        if not self._is_finished:
            self.deadline_tick = self._clock.tick_number + IDLE_DEADLINE_S
            self._rest()

    def data_received(self, data: bytes) -> None:
        """Take bytes: answer what can be answered, hold the rest."""
        if self._held:
            data = self._held + data
            self._held = b""
        self._advance(data)

    # requests

    def _advance(self, data: bytes) -> None:
        """Answer the requests at the front of `data` until one must wait; hold the rest."""
        lines = self._front.lines
        position, turns, size = 0, 0, len(data)
        while position < size and not self._must_wait:
            if turns == MAX_TURNS:
                self._rest()
                break
            turns += 1
            line_end = data.find(b"\r\n", position)
            if line_end > position and self._block and data.startswith(self._block, line_end):
                wanted = lines.get(data[position:line_end])
                if wanted is not None:
                    position = line_end + len(self._block)
                    self._serve_known(wanted)
                    continue
            if line_end == position:  # RFC 9112, section 2.2: an empty line before a request is ignored
                position += 2
                continue
            taken = self._take(data, position)
            if taken == 0:
                break
            position += taken
        if self._transport is None or self._is_finished:
            return
        if position < size:
            if not self._must_wait:
                self.deadline_tick = min(self.deadline_tick, self._clock.tick_number + HEAD_DEADLINE_S)
            self._hold(data[position:])

    @property
    def _must_wait(self) -> bool:
        return self._flight is not None or self._is_paused or self._is_resting or self._is_finished

    def _take(self, data: bytes, position: int) -> int:
        """Do what the request at `position` wants; return how many bytes it had, 0 while it is not whole."""
        end = data.find(b"\r\n\r\n", position) + 4
        size = (end if end > 3 else len(data)) - position
        first = data[position : position + 1]
        if not first.isalpha() and data[position:] != b"\r":
            self._refuse(HTTPStatus.BAD_REQUEST, "not HTTP")  # TLS on the wrong port, for one
        elif not _is_ours(data[position : position + _SIGHT_BYTES]):
            # A whole head first, so that slow ones end here: the application has no deadline for them.
            if end > 3 or size > MAX_HEAD_BYTES:
                self._hand_over(data[position:])
                return len(data) - position
        elif size > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head has more than {MAX_HEAD_BYTES} bytes")
        elif end > 3:
            self._serve(data[position:end])
            return size
        return 0

    def _serve_known(self, wanted: Wanted) -> None:
        """Answer a GET whose header section asks for nothing special; both were parsed, now or before."""
        delivery = self._delivery
        found = delivery.find(wanted)
        if isinstance(found, Entry):
            self._write_entry(found)
        else:
            self._wanted = wanted
            self._request = None
            self._wait(found)

    def _serve(self, head: bytes) -> None:
        """Parse one whole head and answer it."""
        try:
            request = parse_head(head)
        except BadHead as error:
            self._refuse(error.status, error.why)
            return
        fields = request.fields
        if self._identity != (fields.cookie, fields.user_agent):  # a proxy's connection carries many viewers
            self._identity = (fields.cookie, fields.user_agent)
            self._token = ""
            self._seen_tick = -1
            self._block = b""
        judged = self._delivery.judge(request)
        if isinstance(judged, Answer):
            self._write_answer(judged, keeps_alive=fields.keeps_alive and not fields.has_body)
            return
        if fields.is_plain:
            self._remember(head, request, judged)
            if request.method == "GET":
                self._serve_known(judged)
                return
        found = self._delivery.find(judged)
        if isinstance(found, Entry):
            self._write_answer(self._delivery.finish(request, found), keeps_alive=fields.keeps_alive)
        else:
            self._wanted = judged
            self._request = request
            self._wait(found)

    def _remember(self, head: bytes, request: Request, wanted: Wanted) -> None:
        """Keep the two halves of a good head apart, so that any pair of them is known."""
        self._takes_gzip = request.fields.takes_gzip
        line, section = head.split(b"\r\n", 1)
        if b"\n" in line or len(head) > MAX_KNOWN_HEAD_BYTES or self._delivery.is_elsewhere(request.fields):
            self._block = b""
            return
        self._block = b"\r\n" + section
        if request.method == "GET":
            lines = self._front.lines
            if len(lines) >= MAX_KNOWN_LINES:
                lines.clear()
            lines[line] = wanted

    def _wait(self, flight: Flight) -> None:
        self._flight = flight
        self.deadline_tick = _NEVER  # the flight has its own
        flight.join(self)

    def landed(self, entry: Entry) -> None:
        """Take the answer waited for."""
        assert self._wanted is not None
        self._flight = None
        entry = self._delivery.checked(self._wanted, entry)
        request = self._request
        if request is None and self._front.is_closing:
            request = Request("GET", "", Fields(takes_gzip=self._takes_gzip))
        if request is None:
            self._write_entry(entry)
        else:
            self._write_answer(self._delivery.finish(request, entry), keeps_alive=request.fields.keeps_alive)
        if self._held:
            self._rest()

    # answers

    def _write_entry(self, entry: Entry) -> None:
        """Write a whole representation: the way of nearly all answers."""
        transport = self._transport
        assert transport is not None
        tick = self._clock.tick_number
        chosen = entry.zipped if self._takes_gzip else entry.plain
        if chosen.stamp != tick:
            chosen.renew(self._clock)
        if chosen.status == 200:
            self._delivery.counters.quick[entry.kind] += 1
        else:
            self._delivery.counters.answered(entry.kind, chosen.status)
        if entry.viewed is not None and (self._seen_tick != tick or self._seen_channel != entry.viewed):
            self._saw(entry.viewed)
        self.deadline_tick = tick + IDLE_DEADLINE_S
        transport.write(chosen.wire)
        if chosen.tail:
            transport.write(chosen.tail)

    def _write_answer(self, answer: Answer, *, keeps_alive: bool) -> None:
        """Write any answer; without `keeps_alive` it is the last one."""
        transport = self._transport
        assert transport is not None
        keeps_alive = keeps_alive and not self._front.is_closing
        if answer.viewed is not None:
            self._saw(answer.viewed)
        self.deadline_tick = self._clock.tick_number + IDLE_DEADLINE_S
        head = answer.head(keeps_alive=keeps_alive)
        if len(answer.body) > _ONE_WRITE_BYTES:
            transport.write(head)
            transport.write(answer.body)
        else:
            transport.write(head + answer.body)
        if not keeps_alive:
            self._finish()

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        """Answer what cannot be served at all, and close."""
        entry = make_error(_CODES.get(status, ErrorCode.PARSE_ERROR), why, status=status)
        counters = self._delivery.counters
        counters.answered(entry.kind, status)
        counters.connection_ended(status.phrase.lower())
        self._write_answer(whole(entry, self._clock), keeps_alive=False)

    def _saw(self, channel_id: ChannelId) -> None:
        """Count the viewer, once per second and connection at most."""
        viewers = self._delivery.viewers
        if self._seen_tick == self._clock.tick_number and self._seen_channel == channel_id:
            return
        if not self._token:
            assert self._transport is not None
            peer = self._transport.get_extra_info("peername")
            cookie, user_agent = self._identity
            self._token = viewers.token(cookie, peer[0] if isinstance(peer, tuple) else "", user_agent)
        self._seen_tick, self._seen_channel = self._clock.tick_number, channel_id
        viewers.saw(channel_id, self._token)

    # pauses, hand-over, the end

    def _hold(self, data: bytes) -> None:
        """Keep bytes for later; past a bound, stop reading until they are used."""
        if self._is_finished or self._transport is None:
            return
        self._held = data
        if len(data) > MAX_HELD_BYTES and not self._is_reading_paused:
            self._is_reading_paused = True
            self._transport.pause_reading()

    def _rest(self) -> None:
        """Go on with what is held in the loop's next turn."""
        if not self._is_resting:
            self._is_resting = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._is_resting = False
        if self._must_wait:
            return
        data, self._held = self._held, b""
        self._advance(data)
        if len(self._held) <= MAX_HELD_BYTES:
            self._resume_reading()

    def _resume_reading(self) -> None:
        if self._is_reading_paused and self._transport is not None:
            self._is_reading_paused = False
            self._transport.resume_reading()

    def _hand_over(self, data: bytes) -> None:
        """Make the application's protocol the owner of the connection, with everything not yet answered."""
        transport = self._transport
        assert transport is not None
        self._resume_reading()
        self._forget()
        self._delivery.counters.handed_over += 1
        successor = self._front.application()
        transport.set_protocol(successor)
        successor.connection_made(transport)
        successor.data_received(data)

    def overdue(self) -> None:
        """Act on a deadline that has passed: nothing asked, a head half sent, or an answer not taken."""
        transport = self._transport
        if transport is None:
            return
        left = transport.get_write_buffer_size()
        if self._is_paused or self._is_finished:
            if self._slow_mark - left < min(self._slow_mark, SLOW_WINDOW_S * SLOW_BYTES_PER_S) or left == 0:
                self.abort("slow reader" if left else "lingered")
            else:
                self._slow_mark = left
                self.deadline_tick = self._clock.tick_number + SLOW_WINDOW_S
        elif self._held:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the head took too long")
        else:
            self._delivery.counters.connection_ended("idle")
            self._finish()
            transport.close()

    def retire(self) -> None:
        """Close now if nothing is under way; the answer under way sees `Front.is_closing` and is the last one."""
        if self._flight is None and not self._is_paused and self._transport is not None:
            self._finish()
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Drop the connection and what is still to be written."""
        self._delivery.counters.connection_ended(reason)
        transport = self._transport
        self._forget()
        if transport is not None:
            transport.abort()

    def _finish(self) -> None:
        """Answer nothing more: end our half, and give the peer time to read and to end its half."""
        transport = self._transport
        if transport is None or self._is_finished:
            return
        self._leave_flight()
        self._is_finished = True
        self._held = b""
        self._resume_reading()
        self._slow_mark = transport.get_write_buffer_size()
        self.deadline_tick = self._clock.tick_number + (SLOW_WINDOW_S if self._slow_mark else LINGER_S)
        if transport.can_write_eof() and not self._front.is_closing:
            transport.write_eof()
        else:
            transport.close()

    def _leave_flight(self) -> None:
        if self._flight is not None:
            self._flight.leave(self)
            self._flight = None

    def _forget(self) -> None:
        self._leave_flight()
        self._front.leave(self)
        self._is_finished = True
        self._transport = None
        self._held = b""


def _is_ours(sight: bytes) -> bool:
    """Whether a request that begins like this is for delivery, as far as can be seen yet."""
    _method, space, target = sight.partition(b" ")
    seen = is_ours(target) if space else None
    return len(sight) < _SIGHT_BYTES if seen is None else seen
