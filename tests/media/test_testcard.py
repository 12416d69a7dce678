"""Claims of media.testcard: real packets of a picture whose clock a program can read."""

from fractions import Fraction

import av
import pytest
from av.video.frame import VideoFrame

from media.packets import Packet, TrackKind
from media.testcard import STRIP_CELLS, CardSettings, TestCard

NOW_MS = 1_795_500_123_457
SMALL = CardSettings(width=640, height=360, frame_rate=25, keyframe_interval_s=0.4)


@pytest.fixture(scope="module")
def coded() -> list[Packet]:
    card = TestCard(SMALL, clock=lambda: NOW_MS / 1000)
    return [packet for _ in range(25) for packet in card.packets()]


def decoded(packets: list[Packet]) -> list[VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = TestCard(SMALL).configs[0].record
    frames: list[VideoFrame] = []
    for packet in packets:
        coded = av.Packet(packet.data)
        coded.dts, coded.pts, coded.time_base = packet.dts, packet.pts, Fraction(1, 1000)
        frames += decoder.decode(coded)
    return frames + decoder.decode(None)


def strip_ms(frame: VideoFrame) -> int:
    luma, cell = frame.planes[0], frame.width // (STRIP_CELLS + 2)
    pixels, row = bytes(luma), frame.height - 2 * cell + cell // 2
    cells = [pixels[row * luma.line_size + (n + 1) * cell + cell // 2] > 128 for n in range(STRIP_CELLS)]
    assert sum(cells[:-1]) % 2 == cells[-1]
    return int("".join("01"[lit] for lit in cells[:-1]), 2)


def test_every_frame_decodes_and_says_the_time(coded: list[Packet]) -> None:
    frames = decoded([packet for packet in coded if packet.kind is TrackKind.VIDEO])
    assert len(frames) == 25
    assert {strip_ms(frame) for frame in frames} == {NOW_MS % 2**32}


def test_keyframes_come_at_the_interval(coded: list[Packet]) -> None:
    keys = [packet.dts for packet in coded if packet.kind is TrackKind.VIDEO and packet.is_keyframe]
    assert keys == [1000, 1400, 1800]


def test_sound_runs_as_long_as_the_picture(coded: list[Packet]) -> None:
    sound = [packet for packet in coded if packet.kind is TrackKind.AUDIO]
    assert 44 <= len(sound) <= 47  # 46.875 frames of 1024 samples in a second
    assert min(packet.dts for packet in sound) >= 900


def test_b_frames_reorder_but_never_go_below_zero() -> None:
    card = TestCard(CardSettings(width=320, height=180, frame_rate=25, b_frames=2, preset="veryfast"))
    video = [p for _ in range(60) for p in card.packets() if p.kind is TrackKind.VIDEO]
    assert any(packet.pts > packet.dts for packet in video)
    assert all(packet.pts >= packet.dts >= 0 for packet in video)
    assert [packet.dts for packet in video] == sorted(packet.dts for packet in video)
