"""When a source is known well enough to choose its ladder."""

import pytest

from media.publication import Description
from media.shape import Shape
from media.transcode.rungs import Source
from tests.media.material import VIDEO_CONFIG, video_packets

SAID = Description(frame_rate=60, video_bitrate_bps=6_000_000)


def test_a_description_is_enough_with_the_configuration_in_any_order() -> None:
    source = Source("avc1", 1280, 720, 60, 6_000_000, False)
    shape = Shape()
    assert shape.describe(SAID) is None
    assert shape.configure(VIDEO_CONFIG) == source
    shape = Shape()
    assert shape.configure(VIDEO_CONFIG) is None
    assert shape.describe(SAID) == source


@pytest.mark.parametrize("said", [Description(), Description(frame_rate=60), Description(video_bitrate_bps=1)])
def test_half_a_description_is_completed_by_half_a_second(said: Description) -> None:
    shape = Shape()
    assert shape.describe(said) is None
    assert shape.configure(VIDEO_CONFIG) is None
    found = [shape.count(packet) for packet in video_packets(1, size=1000)]
    first = next(number for number, source in enumerate(found) if source)
    assert first == 15
    source = found[first]
    assert source is not None
    assert source.frame_rate == pytest.approx(30)
    assert source.bitrate_bps == (said.video_bitrate_bps or pytest.approx(30 * 1008 * 8))


def test_the_first_keyframe_is_left_out_of_the_bit_rate() -> None:
    shape = Shape()
    shape.configure(VIDEO_CONFIG)
    frames = video_packets(1, size=1000)
    frames[0].data = bytes(500_000)
    (source, *_) = [source for frame in frames if (source := shape.count(frame))]
    assert source.bitrate_bps == pytest.approx(30 * 1008 * 8)


def test_a_break_begins_the_measurement_again() -> None:
    shape = Shape()
    shape.configure(VIDEO_CONFIG)
    for frame in video_packets(0.4):
        assert shape.count(frame) is None
    shape.begin_again()
    found = [shape.count(frame) for frame in video_packets(0.6, start_s=100, fps=50)]
    (source, *_) = [source for source in found if source]
    assert source.frame_rate == pytest.approx(50)


def test_what_is_known_is_told_on_demand() -> None:
    shape = Shape()
    assert shape.measured() is None
    shape.configure(VIDEO_CONFIG)
    assert shape.measured() == Source("avc1", 1280, 720, 30, 0, False)
    shape.count(video_packets(1)[0])
    assert shape.measured() == Source("avc1", 1280, 720, 30, 0, False)
