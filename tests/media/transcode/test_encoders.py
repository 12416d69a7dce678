import io
import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.frame import PictureType

from media.codecs import describe, video_config
from media.packets import CodecConfig, Packet, TrackKind
from media.transcode import encoders
from media.transcode.encoders import CannotEncode, Probed, RungEncoder, probe, try_one
from media.transcode.rungs import Rung
from tests.media.transcode.clips import pictures

RUNG = Rung("180p", 320, 180, 30.0, 300_000)
WORKING = ["libx264", "libsvtav1"]


def encode(encoder: RungEncoder, count: int, keys: set[int], *, marks: PictureType = PictureType.NONE) -> list[Packet]:
    packets = []
    for number, frame in enumerate(pictures("320x180", count)):
        frame.pts, frame.time_base = 900_000 + number * 3_000, Fraction(1, 90_000)
        frame.pict_type = PictureType.I if number in keys else marks
        packets += encoder.encode(frame)
    return packets + encoder.encode(None)


def decoded(config: CodecConfig, packets: list[Packet]) -> int:
    name = {"avc1": "h264", "av01": "libdav1d"}[config.fourcc]
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata, decoder.thread_count = config.record, 1
    return sum(len(decoder.decode(av.Packet(packet.data))) for packet in packets) + len(decoder.decode(None))


@pytest.mark.parametrize("name", WORKING)
def test_keyframes_are_where_they_are_asked_for_and_nowhere_else(name: str) -> None:
    encoder = RungEncoder(name, "", RUNG)
    packets = encode(encoder, 70, {0, 17, 44})
    assert [number for number, packet in enumerate(packets) if packet.is_keyframe] == [0, 17, 44]
    assert [packet.pts for packet in packets] == [900_000 + number * 3_000 for number in range(70)]
    assert all(packet.dts == packet.pts for packet in packets)


@pytest.mark.parametrize("name", WORKING)
def test_what_comes_out_decodes_with_the_configuration_alone(name: str) -> None:
    encoder = RungEncoder(name, "", RUNG)
    assert encoder.config is not None  # before the first picture
    packets = encode(encoder, 40, {0, 20})
    assert decoded(encoder.config, packets) == 40
    assert decoded(encoder.config, packets[20:]) == 20
    assert (encoder.config.width, encoder.config.height) == (320, 180)
    assert video_config(encoder.config.fourcc, encoder.config.record).width == 320
    assert describe.rfc6381(encoder.config).startswith(("avc1.64", "av01.0."))


@pytest.mark.parametrize("name", WORKING)
def test_a_picture_goes_in_and_its_packet_comes_out(name: str) -> None:
    encoder = RungEncoder(name, "", RUNG)
    for number, frame in enumerate(pictures("320x180", 12)):
        frame.pts, frame.time_base = number * 3_000, Fraction(1, 90_000)
        assert [packet.pts for packet in encoder.encode(frame)] == [number * 3_000]


def test_packets_of_every_size_decode() -> None:
    """A length prefix of 256 to 511 bytes looks like a start code."""
    encoder = RungEncoder("libx264", "", Rung("180p", 320, 180, 30.0, 90_000))
    packets = encode(encoder, 120, {0})
    assert any(packet.data.startswith(b"\0\0\1") for packet in packets)
    assert encoder.config is not None
    assert decoded(encoder.config, packets) == 120


def test_no_packet_of_av1_has_a_temporal_delimiter() -> None:
    packets = encode(RungEncoder("libsvtav1", "", RUNG), 10, {0})
    assert all(packet.data[0] >> 3 & 15 != 2 for packet in packets)
    assert packets[0].data[0] >> 3 & 15 == 1  # a keyframe brings its sequence header


@pytest.mark.parametrize("name", WORKING)
def test_the_bitrate_is_kept(name: str) -> None:
    packets = encode(RungEncoder(name, "", RUNG), 150, {0, 60, 120})
    bitrate = sum(len(packet.data) for packet in packets) * 8 / 5
    assert 0.6 * RUNG.bitrate_bps < bitrate < 1.15 * RUNG.bitrate_bps


def test_the_picture_is_tagged_bt709_in_limited_range() -> None:
    encoder = RungEncoder("libx264", "", RUNG)
    packets = encode(encoder, 2, {0})
    assert encoder.config is not None
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = encoder.config.record
    [frame] = decoder.decode(av.Packet(packets[0].data))
    assert (frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries) == (1, 1, 1, 1)


def test_a_preset_of_another_encoder_is_not_taken() -> None:
    for name in WORKING:
        assert encode(RungEncoder(name, "veryfast" if name != "libx264" else "p4", RUNG), 2, {0})


@pytest.mark.parametrize("name", ["h264_videotoolbox", "libx265", "rm -rf", ""])
def test_an_encoder_that_is_not_there_says_so(name: str) -> None:
    if sys.platform == "darwin" and name == "h264_videotoolbox":
        name = "h264_nvenc"
    with pytest.raises(CannotEncode):
        RungEncoder(name, "", RUNG)


@pytest.mark.parametrize("name", WORKING)
def test_an_encoder_that_is_there_passes_the_trial(name: str) -> None:
    try_one(name)


@pytest.mark.services
def test_the_command_prints_what_works_as_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "media", "encoders"], capture_output=True, check=True, timeout=50, text=True
    )
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert set(found) == set(encoders.CANDIDATES)
    assert [name for name in WORKING if found[name]["is_able"]] == WORKING
    assert all(one["reason"] for one in found.values() if not one["is_able"])


@pytest.mark.services
def test_a_driver_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _let_probe_run(tmp_path, monkeypatch, "sleep 30")
    began = time.monotonic()
    [found] = probe(["h264_nvenc"], wait_s=0.5)
    assert found == Probed("h264_nvenc", False, "hangs: no picture within 0.5 s")
    assert time.monotonic() - began < 5


@pytest.mark.services
def test_a_driver_that_crashes_is_told_from_one_that_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _let_probe_run(tmp_path, monkeypatch, "kill -SEGV $$")
    assert probe(["h264_nvenc"]) == [Probed("h264_nvenc", False, "crashes (signal 11)")]
    _let_probe_run(tmp_path, monkeypatch, "exit 0")
    assert probe(["h264_nvenc"]) == [Probed("h264_nvenc", True)]
    _let_probe_run(tmp_path, monkeypatch, "echo No such device >&2; exit 1")
    assert probe(["h264_nvenc"]) == [Probed("h264_nvenc", False, "No such device")]


def _let_probe_run(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_a_rung_can_be_put_into_a_file_that_ffmpeg_reads() -> None:
    encoder = RungEncoder("libsvtav1", "", RUNG)
    packets = encode(encoder, 10, {0})
    assert encoder.config is not None
    assert encoder.config.kind is TrackKind.VIDEO
    file = io.BytesIO(b"".join(b"\x12\x00" + packet.data for packet in packets))
    with av.open(file, "r", format="obu") as container:
        assert len(list(container.decode(video=0))) == 10
