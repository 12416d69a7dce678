"""Captions: cut at the segments' boundaries, settled with them."""

import re

from media.hls.captions import MAX_TEXT, MAX_WAITING, Captions
from media.hls.segmenter import Gap, Init, Part, SegmentEnd
from media.hls.window import Window
from media.packets import Cue, CueKind
from tests.media.material import VIDEO_CONFIG

HEAD = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n"
_CUE = re.compile(r"\n(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})\n((?:.+\n)+)")


def make_window() -> Window:
    window = Window("video", target_duration_s=2, part_target_s=0.5, part_hold_back_s=1.5, clock_offset_s=1000)
    window.apply(Init("video", 1, VIDEO_CONFIG, b"init"))
    return window


def add_segments(captions: Captions, first: int, last: int) -> None:
    """Play segments of 2 s."""
    for msn in range(first, last + 1):
        captions.lead.apply(Part("video", msn, 0, msn * 2.0, 2.0, True, b"x"))
        closed = captions.lead.apply(SegmentEnd("video", msn, 2.0))
        assert closed is not None
        closed.is_stored = True
        captions.settle()


def said(text: str, start_s: float, duration_s: float | None = 1.0, **fields: str) -> Cue:
    return Cue(text, CueKind.CAPTION, start_s, duration_s, "", {"text": text, **fields})


def shown(captions: Captions, msn: int) -> list[tuple[str, str, str]]:
    found = captions.find(msn)
    assert found is not None
    text = found.decode()
    assert text.startswith(HEAD)
    cues = list(_CUE.finditer(text))
    assert HEAD + "".join(cue[0] for cue in cues) == text
    return [(cue[1], cue[2], cue[3].rstrip("\n")) for cue in cues]


def test_a_caption_over_a_boundary_stands_on_both_sides() -> None:
    captions = Captions(make_window())
    captions.add(said("hello", 1.5, 1.0))
    captions.add(said("there", 3.0, 1.0))  # ends with its segment
    add_segments(captions, 0, 2)
    assert shown(captions, 0) == [("00:00:01.500", "00:00:02.500", "hello")]
    assert shown(captions, 1) == [
        ("00:00:01.500", "00:00:02.500", "hello"),
        ("00:00:03.000", "00:00:04.000", "there"),
    ]
    assert shown(captions, 2) == []


def test_what_comes_after_its_segment_is_shown_later() -> None:
    captions = Captions(make_window())
    add_segments(captions, 0, 4)
    before = captions.find(4)
    captions.add(said("late", 3.25, 1.5))
    add_segments(captions, 5, 5)
    assert captions.find(4) == before
    assert shown(captions, 5) == [("00:00:10.000", "00:00:11.500", "late")]


def test_segments_from_before_the_first_caption_are_empty() -> None:
    window = make_window()
    add_segments(Captions(window), 0, 2)
    captions = Captions(window)
    captions.add(said("first", 6.5))
    add_segments(captions, 3, 3)
    assert [shown(captions, msn) for msn in range(3)] == [[], [], []]
    assert [text for _, _, text in shown(captions, 3)] == ["first"]


def test_a_caption_without_an_end_stays_until_the_next_one_or_5_s() -> None:
    captions = Captions(make_window())
    captions.add(said("one", 0.5, None))
    captions.add(said("two", 1.5, None))
    add_segments(captions, 0, 3)
    assert shown(captions, 0) == [("00:00:00.500", "00:00:01.500", "one"), ("00:00:01.500", "00:00:06.500", "two")]
    assert shown(captions, 3)[0][1] == "00:00:06.500"


def test_a_caption_that_says_when_it_ends_is_not_cut_by_the_next() -> None:
    captions = Captions(make_window())
    captions.add(said("one", 0.5, 1.25))
    captions.add(said("two", 1.0, 0.5))
    add_segments(captions, 0, 0)
    assert shown(captions, 0) == [("00:00:00.500", "00:00:01.750", "one"), ("00:00:01.000", "00:00:01.500", "two")]


def test_one_without_text_ends_the_one_before() -> None:
    captions = Captions(make_window())
    captions.add(said("one", 0.5, None))
    captions.add(said(" \n ", 1.25, None))
    add_segments(captions, 0, 1)
    assert shown(captions, 0) == [("00:00:00.500", "00:00:01.250", "one")]
    assert shown(captions, 1) == []


def test_text_cannot_leave_its_cue() -> None:
    captions = Captions(make_window())
    captions.add(said("<b>A & B</b>\r\n\r\n00:01 --> 00:02\nNOTE x", 0.5))
    captions.add(said("x" * 5000, 0.75))
    add_segments(captions, 0, 0)
    texts = [text for _, _, text in shown(captions, 0)]
    assert texts[0] == "&lt;b&gt;A &amp; B&lt;/b&gt;\n00:01 --&gt; 00:02\nNOTE x"
    assert len(texts[1]) == MAX_TEXT


def test_hours_are_counted_on() -> None:
    captions = Captions(make_window())
    captions.lead.apply(Part("video", 0, 0, 360_000.0, 2.0, True, b"x"))
    captions.add(said("long", 360_000.5))
    captions.lead.apply(SegmentEnd("video", 0, 2.0))
    captions.settle()
    assert b"100:00:00.500 --> 100:00:01.500" in (captions.find(0) or b"")


def test_a_gap_has_captions_too() -> None:
    captions = Captions(make_window())
    add_segments(captions, 0, 0)
    captions.add(said("still here", 2.5))
    captions.lead.apply(Gap("video", 1, 2.0, 2.0))
    captions.settle()
    assert [text for _, _, text in shown(captions, 1)] == ["still here"]


def test_a_segment_in_progress_and_one_long_gone_have_none() -> None:
    captions = Captions(make_window())
    for msn in range(120):
        captions.add(said(f"number {msn}", msn * 2 + 0.5))
        add_segments(captions, msn, msn)
    captions.lead.apply(Part("video", 120, 0, 240.0, 0.5, True, b"x"))
    assert captions.find(120) is None
    assert captions.find(0) is None
    first_kept = min(msn for msn in range(120) if captions.find(msn) is not None)
    assert first_kept == captions.lead.retired[0][1].msn
    assert shown(captions, first_kept)[0][2] == f"number {first_kept}"
    assert len(captions._texts) == 120 - first_kept


def test_the_language_is_that_of_the_first_who_says_one() -> None:
    captions = Captions(make_window())
    captions.add(said("one", 0.5))
    captions.add(said("zwei", 0.5, language="de"))
    captions.add(said("three", 0.5, language="en"))
    assert captions.language == "de"


def test_too_many_are_refused() -> None:
    captions = Captions(make_window())
    taken = [captions.add(said(str(number), 0.5)) for number in range(MAX_WAITING + 2)]
    assert taken == [True] * MAX_WAITING + [False] * 2
    add_segments(captions, 0, 1)
    assert captions.add(said("again", 4.5))


def test_what_is_settled_is_told_once_and_shown_again_by_another_process() -> None:
    captions = Captions(make_window())
    captions.add(said("hello", 1.5, 1.0, language="de"))
    window = captions.lead
    for msn in range(3):
        window.apply(Part("video", msn, 0, msn * 2.0, 2.0, True, b"x"))
        window.apply(SegmentEnd("video", msn, 2.0))
    settled = dict(captions.settle())
    assert set(settled) == {0, 1}
    assert captions.settle() == []
    again = Captions(window)
    again.resume(settled, "de")
    assert again.language == "de"
    assert [again.find(msn) for msn in range(4)] == [captions.find(msn) for msn in range(4)]
    assert again.settle() == []
