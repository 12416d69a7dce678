"""What `tally serve` shows."""

import io
import itertools
import json
import threading

from hypothesis import given
from hypothesis import strategies as st

from config.terminal import MAX_LINE_BYTES, QUEUED_LINES, LineSplitter, Terminal


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_any_cut_of_the_bytes_gives_the_same_lines(data: bytes, cuts: list[int]) -> None:
    whole = LineSplitter()
    expected = whole.feed(data) + whole.close()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = LineSplitter()
    found = [line for a, b in itertools.pairwise(places) for line in pieces.feed(data[a:b])]
    assert found + pieces.close() == expected


def test_lines_end_with_or_without_a_carriage_return() -> None:
    lines = LineSplitter()
    assert lines.feed(b"one\r\ntwo\n\nthr") == ["one", "two", ""]
    assert lines.close() == ["thr"]
    assert lines.close() == []


def test_a_long_line_is_shortened_and_the_next_is_whole() -> None:
    lines = LineSplitter()
    assert lines.feed(b"x" * MAX_LINE_BYTES) == []
    assert lines.feed(b"y" * 100_000) == []
    assert lines.feed(b"\nnext\n") == ["x" * MAX_LINE_BYTES + "…", "next"]
    assert lines.feed(b"z" * MAX_LINE_BYTES + b"\n") == ["z" * MAX_LINE_BYTES]


def test_bytes_that_are_no_text_are_shown_somehow() -> None:
    assert LineSplitter().feed(b"a\xff\n") == ["a\ufffd"]


def test_lines_carry_names_and_announcements_go_to_standard_output() -> None:
    out, err = io.StringIO(), io.StringIO()
    terminal = Terminal(as_json=False, out=out, err=err)
    terminal.line("web", "hello")
    terminal.line("first-run", "made")
    terminal.announce("ready")
    terminal.close()
    assert err.getvalue() == "web      | hello\nfirst-run| made\n"
    assert out.getvalue() == "ready\n"


def test_as_json_our_processes_lines_pass_and_others_are_wrapped() -> None:
    err = io.StringIO()
    terminal = Terminal(as_json=True, out=io.StringIO(), err=err)
    terminal.line("web", '{"process":"web","event":"x"}')
    terminal.line("postgres", 'FATAL: "y"')
    terminal.close()
    lines = [json.loads(line) for line in err.getvalue().splitlines()]
    assert lines == [{"process": "web", "event": "x"}, {"process": "postgres", "event": 'FATAL: "y"'}]


class Stuck(io.StringIO):
    """A terminal that was stopped with Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.going = threading.Event()

    def write(self, text: str) -> int:
        self.going.wait(10)
        return super().write(text)


def test_a_stuck_terminal_holds_nobody_up_and_the_loss_is_told() -> None:
    err = Stuck()
    terminal = Terminal(as_json=False, out=io.StringIO(), err=err)
    for n in range(QUEUED_LINES + 500):
        terminal.line("web", str(n))
    err.going.set()
    while "| 3999\n" not in err.getvalue():
        err.going.wait(0.01)
    terminal.line("web", "on again")
    terminal.close()
    lines = err.getvalue().splitlines()
    assert lines[-1] == "web      | on again"
    assert lines[-2].endswith("lines are not shown: the terminal was too slow")
    shown = len(lines) - 2
    assert int(lines[-2].split()[2]) == QUEUED_LINES + 500 - shown


def test_a_terminal_that_is_gone_is_survived() -> None:
    err = io.StringIO()
    terminal = Terminal(as_json=False, out=io.StringIO(), err=err)
    err.close()
    terminal.line("web", "x")
    terminal.close()
