"""What we write as a publisher is what we read as a server."""

import pytest

from media.codecs import audio_config, video_config
from media.packets import CodecConfig, Packet, TrackKind
from media.rtmp.flv import FlvReader
from media.rtmp.tags import config_tag, packet_tag

AVC = bytes.fromhex("0164000dffe1001a6764000dacd941519e226c0440000003004000000f03c50a658001000668ebe3cb22c0fdf8f800")
AV1 = bytes.fromhex("81010c000a0c0200000d6627fb3805f00080")
HVC = bytes.fromhex(
    "0101600000009000000000003ff000fcfdf8f800000f01 21 0001 002a"
    "42010101600000030090000003000003003fa00502016965959a4932bc05a020000003002000000303c1"
)
FLAC = bytes.fromhex("80000022 04000400000000000000 0bb800f000000000") + bytes(16)
AC3_FRAME = bytes.fromhex("0b77480d0c402f842bc1c77aaf5e1be7ef9f3e86")


@pytest.mark.parametrize(
    "config",
    [
        video_config("avc1", AVC),
        video_config("hvc1", HVC),
        video_config("av01", AV1),
        audio_config("mp4a", b"\x11\x90"),
        audio_config("Opus", bytes.fromhex("00020138 0000bb80 000000")),
        audio_config("fLaC", FLAC),
    ],
    ids=lambda config: str(config.fourcc),
)
def test_configs_and_packets_survive(config: CodecConfig) -> None:
    reader = FlvReader()
    is_video = config.kind is TrackKind.VIDEO
    read = reader.video if is_video else reader.audio
    assert list(read(5, config_tag(config))) == [config]
    has_composition = config.fourcc in {"avc1", "hvc1"}
    for is_keyframe in {True, not is_video}:
        packet = Packet(config.kind, 40, 40 - 7 * has_composition, is_keyframe, b"\0\0\0\1\x65")
        assert list(read(40, packet_tag(config.fourcc, packet))) == [packet]


def test_codecs_that_describe_themselves_have_an_empty_header() -> None:
    reader = FlvReader()
    config = audio_config("ac-3", AC3_FRAME)
    assert list(reader.audio(0, config_tag(config))) == []
    packet = Packet(TrackKind.AUDIO, 0, 0, True, AC3_FRAME)
    assert list(reader.audio(0, packet_tag("ac-3", packet))) == [config, packet]


def test_mp3_is_sent_without_a_header_and_as_every_server_reads_it() -> None:
    frame = bytes.fromhex("fffb50c40000074c0165b430")
    config = audio_config(".mp3", frame)
    packet = Packet(TrackKind.AUDIO, 0, 0, True, frame)
    assert config_tag(config) == b""
    assert packet_tag(".mp3", packet) == b"\x2f" + frame
    assert list(FlvReader().audio(0, packet_tag(".mp3", packet))) == [config, packet]
