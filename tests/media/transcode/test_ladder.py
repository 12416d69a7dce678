"""The ladder: which rungs a source gets."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from config.rungs import NAME_PATTERN, ConfiguredRung
from config.settings import load
from media.transcode.ladder import MAX_RUNGS, choose, source_of
from media.transcode.rungs import Rung, Source
from tests.media.transcode import clips

TABLE = load({"TALLY_SECRET": "0123456789abcdef"}, bare=True).settings.rungs


def source(text: str, kbps: int = 0, *, fourcc: str = "avc1") -> Source:
    """`1920x1080@30` as a source."""
    size, _, rate = text.partition("@")
    width, _, height = size.partition("x")
    return Source(fourcc, int(width), int(height), float(rate), kbps * 1000)


def shown(rungs: list[Rung]) -> list[str]:
    return [f"{one.name} {one.width}x{one.height}@{one.frame_rate:g} {one.bitrate_bps // 1000}" for one in rungs]


@pytest.mark.parametrize(
    ("given", "rungs"),
    [
        (
            source("1920x1080@30", 6000),
            ["720p 1280x720@30 3000", "480p 854x480@30 1400", "360p 640x360@30 800"],
        ),
        (source("1280x720@30", 3500), ["480p 854x480@30 1400", "360p 640x360@30 800"]),
        (
            source("1920x1080@60", 8000),
            ["720p60 1280x720@60 4354", "480p 854x480@30 1400", "360p 640x360@30 800"],
        ),
        (
            source("1920x1080@50", 12000),
            ["720p60 1280x720@50 4500", "480p 854x480@25 1400", "360p 640x360@25 800"],
        ),
        (
            source("3840x2160@60", 30000),
            [
                "1080p60 1920x1080@60 7500",
                "720p60 1280x720@60 4500",
                "480p 854x480@30 1400",
                "360p 640x360@30 800",
            ],
        ),
        # half the height needs 0.35 of the bits: nothing larger than the source can fill
        (source("1920x1080@30", 1500), ["720p 1280x720@30 816", "480p 854x480@30 444", "360p 640x360@30 288"]),
        # less than 80 kb/s is no picture
        (source("1920x1080@30", 350), ["720p 1280x720@30 190", "480p 854x480@30 103"]),
        (source("1280x720@60", 0), ["480p 854x480@30 1400", "360p 640x360@30 800"]),
        # a phone held upright: the shorter side counts
        (
            source("1080x1920@30", 6000),
            ["720p 720x1280@30 3000", "480p 480x854@30 1400", "360p 360x640@30 800"],
        ),
        # four to three, and wider than a screen
        (source("1440x1080@25", 6000), ["720p 960x720@25 3000", "480p 640x480@25 1400", "360p 480x360@25 800"]),
        (source("2560x1080@30", 6000), ["720p 1706x720@30 3000", "480p 1138x480@30 1400", "360p 854x360@30 800"]),
        (source("640x480@30", 1200), ["360p 480x360@30 779"]),
        (source("640x360@30", 800), []),
        (source("320x240@15", 300), []),
        (source("800x394@30", 1200), []),  # 360 lines of 394: too near
        (source("800x402@30", 1200), ["360p 716x360@30 800"]),
        # every browser gets the best picture
        (
            source("1920x1080@30", 4000, fourcc="hvc1"),
            [
                "1080p 1920x1080@30 5000",
                "720p 1280x720@30 3000",
                "480p 854x480@30 1400",
                "360p 640x360@30 800",
            ],
        ),
        (
            source("2560x1440@60", 9000, fourcc="av01"),
            [
                "1080p60 1920x1080@60 7500",
                "720p60 1280x720@60 4500",
                "480p 854x480@30 1400",
                "360p 640x360@30 800",
            ],
        ),
        (
            source("1600x900@60", 8000, fourcc="hvc1"),
            [
                "900p60 1600x900@60 5705",
                "720p60 1280x720@60 4500",
                "480p 854x480@30 1400",
                "360p 640x360@30 800",
            ],
        ),
        (source("640x360@60", 1000, fourcc="vp09"), ["360p 640x360@30 800"]),
        (source("320x180@60", 400, fourcc="av01"), ["180p 320x180@30 283"]),
        (source("0x0@0"), []),
    ],
)
def test_a_source_gets_the_rungs_that_are_worth_it(given: Source, rungs: list[str]) -> None:
    assert shown(choose(given, "auto", TABLE)) == rungs


def test_a_picture_that_does_not_move_yet_does_not_starve_its_rungs() -> None:
    assert [one.bitrate_bps for one in choose(source("1920x1080@30", 40), "auto", TABLE)] == [
        3_000_000,
        1_400_000,
        800_000,
    ]


def test_frames_are_left_out_evenly() -> None:
    def rate(given: float) -> float:
        return choose(source(f"1920x1080@{given}"), "480p", TABLE)[0].frame_rate

    assert [rate(given) for given in (29.97, 59.94, 24, 48, 33, 120, 144)] == [29.97, 29.97, 24, 24, 33, 30, 36]
    assert rate(0) == 30  # nobody knows: the most that the rung shows


def test_a_wish_chooses_from_the_table_best_first() -> None:
    assert [one.name for one in choose(source("1920x1080@30"), "360p,720p,360p", TABLE)] == ["720p", "360p"]
    assert [one.name for one in choose(source("1920x1080@30"), "1080p", TABLE)] == [
        "1080p"
    ]  # asked for is not too near
    assert choose(source("1280x720@30"), "1080p", TABLE) == []
    assert choose(source("1920x1080@30"), "off", TABLE) == []


def test_a_wish_that_is_older_than_the_table_is_left_out_with_a_warning() -> None:
    with capture_logs() as lines:
        rungs = choose(source("1920x1080@30"), "240p,480p", TABLE)
    assert [one.name for one in rungs] == ["480p"]
    assert [(line["event"], line["log_level"]) for line in lines] == [("rung unknown", "warning")]
    assert "no rung '240p': did you mean" in lines[0]["reason"]


def test_a_large_table_is_thinned_where_rungs_are_nearest() -> None:
    table = {
        f"{height}p": ConfiguredRung(height=height, bitrate_kbps=height * height // 200)
        for height in (1080, 1000, 900, 720, 540, 480, 360, 240)
    }
    rungs = choose(source("3840x2160@30"), "auto", table)
    assert [one.name for one in rungs] == ["1080p", "720p", "540p", "360p", "240p"]


def test_an_empty_table_offers_nothing() -> None:
    assert choose(source("1920x1080@30", fourcc="hvc1"), "auto", {}) == []


def test_a_name_of_the_table_is_not_given_to_the_sources_own_rung() -> None:
    table = {"900p": ConfiguredRung(height=360, bitrate_kbps=800)}
    rungs = choose(source("1600x900@30", fourcc="hvc1"), "auto", table)
    assert [(one.name, one.height) for one in rungs] == [("own900p", 900), ("900p", 360)]


@pytest.mark.parametrize(("pixels", "has_own"), [("yuv420p", False), ("yuv420p10le", True), ("yuv444p", True)])
def test_a_picture_that_browsers_do_not_take_is_repeated_for_them(pixels: str, has_own: bool) -> None:
    config = clips.video(size="640x360", frames=2, pixels=pixels).config
    rungs = choose(source_of(config, 30.0, 2_000_000), "auto", TABLE)
    assert shown(rungs) == (["360p 640x360@30 800"] if has_own else [])


sources = st.builds(
    Source,
    fourcc=st.sampled_from(["avc1", "hvc1", "av01", "vp09"]),
    width=st.integers(16, 8192),
    height=st.integers(16, 8192),
    frame_rate=st.one_of(st.just(0.0), st.floats(1, 240)),
    bitrate_bps=st.one_of(st.just(0), st.integers(0, 100_000_000)),
)
tables = st.dictionaries(
    st.from_regex(NAME_PATTERN, fullmatch=True),
    st.builds(
        ConfiguredRung,
        height=st.integers(64, 4320),
        bitrate_kbps=st.integers(50, 100_000),
        frame_rate=st.floats(1, 240),
    ),
    max_size=16,
)


@given(sources, st.one_of(st.just(TABLE), tables))
def test_no_rung_is_more_than_its_source(given: Source, table: dict[str, ConfiguredRung]) -> None:
    rungs = choose(given, "auto", table)
    assert len(rungs) <= MAX_RUNGS
    assert len({one.name for one in rungs}) == len(rungs)
    for one in rungs:
        assert re.fullmatch(NAME_PATTERN, one.name)
        assert 2 <= one.width <= given.width
        assert 2 <= one.height <= given.height
        assert one.width % 2 == one.height % 2 == 0
        assert given.frame_rate == 0 or one.frame_rate <= given.frame_rate + 0.001
        assert one.frame_rate > 0
        # the aspect ratio is kept to within the rounding of both sides to even numbers
        assert abs(one.width * given.height - one.height * given.width) <= 2 * max(given.width, given.height)
        still = 0.005 * given.width * given.height * (given.frame_rate or 30)
        if given.fourcc == "avc1" and given.bitrate_bps >= still:
            assert one.bitrate_bps < 0.9 * given.bitrate_bps
            assert min(one.width, one.height) <= 0.9 * min(given.width, given.height) + 1


@given(sources)
def test_rungs_come_best_first_with_falling_rates(given: Source) -> None:
    rungs = choose(given, "auto", TABLE)
    assert rungs == sorted(rungs, key=lambda one: -one.bitrate_bps)
    assert rungs == sorted(rungs, key=lambda one: -one.height)
