"""One avcC for several streams."""

import pytest

from media.hls.boxes import init_section
from media.mp4.atoms import BadMedia
from media.mp4.avcc import free_ids, joined, read_record
from media.mp4.configs import config_of
from media.mp4.segments import TrackInit, read_init
from media.packets import CodecConfig, TrackKind
from tests.media.material import VIDEO_CONFIG, aac, h264
from tests.media.transcode import clips


def init_of(config: CodecConfig) -> TrackInit:
    return read_init(init_section(config))


def numbered(number: int) -> CodecConfig:
    return clips.video(frames=1, options={"x264-params": f"sps-id={number}"}).config


def test_a_record_is_written_as_it_was_read() -> None:
    for config in (VIDEO_CONFIG, h264().config, numbered(3)):
        assert read_record(config.record).written() == config.record


def test_numbers_of_both_kinds_of_sets_are_taken() -> None:
    assert read_record(numbered(0).record).ids == {0}
    assert read_record(numbered(3).record).ids == {3}
    assert free_ids(numbered(3).record)[:4] == [0, 1, 2, 4]


def test_streams_with_different_numbers_share_an_entry() -> None:
    first, second = init_of(numbered(0)), init_of(numbered(1))
    both = joined([first, second, first])
    assert both is not None
    record = read_record(config_of(both).record)
    assert record.sps == read_record(numbered(0).record).sps + read_record(numbered(1).record).sps
    assert len(record.pps) == 2
    assert config_of(both).width == 320


def test_streams_whose_numbers_collide_do_not_go_together() -> None:
    other = clips.video(frames=1, options={"preset": "medium"}).config
    assert joined([init_of(numbered(0)), init_of(other)]) is None


def test_other_sizes_and_codecs_do_not_go_together() -> None:
    small = clips.video(frames=1, size="160x96", options={"x264-params": "sps-id=1"}).config
    assert joined([init_of(numbered(0)), init_of(small)]) is None
    assert joined([init_of(numbered(0)), init_of(aac(3).config)]) is None


@pytest.mark.parametrize("size", range(40))
def test_a_record_cut_anywhere_is_bad_media_or_still_one(size: int) -> None:
    record = h264().config.record[:size]
    try:
        found = read_record(record)
    except BadMedia:
        return
    assert found.written() == record


@pytest.mark.parametrize("sound", ["aac", "libopus", "flac", "ac3", "eac3"])
def test_configurations_come_back_out_of_initialization_sections(sound: str) -> None:
    for config in (h264().config, clips.sound(sound, length_s=0.2).config):
        found = config_of(init_of(config))
        assert (found.kind, found.fourcc, found.record) == (config.kind, config.fourcc, config.record)
        assert (found.width, found.height) == (config.width, config.height)
        assert found.channels == config.channels or config.kind is TrackKind.VIDEO
