"""Records as ffmpeg 9.0.2 wrote them (aac, libopus, flac, ac3, eac3, libmp3lame), and hand-made ones for HE-AAC."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codecs import BadConfig, access_unit_samples, audio_config, flac, opus, rfc6381

OPUS_HEAD = bytes.fromhex("4f70757348656164 01 02 3801 80bb0000 0000 00")
STREAMINFO = bytes.fromhex("04000400000000000000 0bb800f00000000000000000000000000000000000000000")
AC3_FRAME = bytes.fromhex("0b77480d0c402f842bc1c77aaf5e1be7ef9f3e86")
EAC3_FRAME = bytes.fromhex("0b77037f3f87c00020f820000200400004001fcc")
MP3_FRAME = bytes.fromhex("fffb50c40000074c0165b430")


@pytest.mark.parametrize(
    ("record", "rate", "channels", "samples", "name"),
    [
        ("118856e500", 48_000, 1, 1024, "mp4a.40.2"),
        ("121056e500", 44_100, 2, 1024, "mp4a.40.2"),
        ("11b056e500", 48_000, 6, 1024, "mp4a.40.2"),
        ("1190", 48_000, 2, 1024, "mp4a.40.2"),
        ("1194", 48_000, 2, 960, "mp4a.40.2"),
        ("0a10", 44_100, 2, 1024, "mp4a.40.1"),
        ("2b118800", 48_000, 2, 2048, "mp4a.40.5"),  # hierarchical SBR: 24 kHz core
        ("131056e598", 48_000, 2, 2048, "mp4a.40.5"),  # backward compatible SBR
        ("130856e59d4880", 48_000, 2, 2048, "mp4a.40.29"),  # and parametric stereo
        ("eb098800", 48_000, 2, 2048, "mp4a.40.29"),
    ],
)
def test_aac_gives_rate_channels_frame_and_name(record: str, rate: int, channels: int, samples: int, name: str) -> None:
    config = audio_config("mp4a", bytes.fromhex(record))
    assert (config.sample_rate, config.channels) == (rate, channels)
    assert access_unit_samples(config, b"") == samples
    assert rfc6381(config) == name


def test_aac_with_an_escaped_sample_rate_is_read() -> None:
    bits = "00010" + "1111" + f"{44_000:024b}" + "0010" + "000"
    record = int(bits.ljust(40, "0"), 2).to_bytes(5, "big")
    assert audio_config("mp4a", record).sample_rate == 44_000


def test_aac_counts_the_channels_of_a_program_config() -> None:
    # element tag, object type, rate; 2 front, 0 side, 1 back, 1 lfe; no mixdowns; single + pair, pair, lfe; comment
    bits = "00010" + "0011" + "0000" + "000"
    bits += "0000" + "01" + "0011" + "0010" + "0000" + "0001" + "01" + "000" + "0000" + "000"
    bits += "00000" + "10000" + "10001" + "0000"
    bits += "0" * (-len(bits) % 8) + "0" * 8
    record = int(bits, 2).to_bytes(len(bits) // 8, "big")
    assert audio_config("mp4a", record).channels == 6


@pytest.mark.parametrize("record", ["", "11", "0010", "16 90", "1180", "1198 00 00".replace("98", "c0")])
def test_a_bad_audio_specific_config_is_refused(record: str) -> None:
    with pytest.raises(BadConfig):
        audio_config("mp4a", bytes.fromhex(record))


def test_opus_head_becomes_dops_and_back() -> None:
    dops = opus.dops_from_head(OPUS_HEAD)
    assert dops == bytes.fromhex("00 02 0138 0000bb80 0000 00")
    assert opus.head_from_dops(dops) == OPUS_HEAD
    config = audio_config("Opus", dops)
    assert (config.sample_rate, config.channels, rfc6381(config)) == (48_000, 2, "opus")
    assert opus.parse_dops(dops).pre_skip == 312


def test_opus_surround_keeps_its_mapping_table() -> None:
    head = bytes.fromhex("4f70757348656164 01 06 3801 80bb0000 00ff 01 04 02 000401020305")
    dops = opus.dops_from_head(head)
    assert dops == bytes.fromhex("00 06 0138 0000bb80 ff00 01 04 02 000401020305")
    assert opus.head_from_dops(dops) == head


@pytest.mark.parametrize(
    "head",
    [b"", b"OpusHead", OPUS_HEAD[:-1], b"OpusTags" + OPUS_HEAD[8:], OPUS_HEAD[:9] + b"\x00" + OPUS_HEAD[10:],
     OPUS_HEAD[:9] + b"\x06" + OPUS_HEAD[10:], OPUS_HEAD[:-1] + b"\x01", OPUS_HEAD[:8] + b"\x11" + OPUS_HEAD[9:]],
)  # fmt: skip
def test_a_bad_opus_head_is_refused(head: bytes) -> None:
    with pytest.raises(BadConfig):
        opus.dops_from_head(head)


@pytest.mark.parametrize(
    ("toc", "samples"),
    [("fc", 960), ("18", 2880), ("60", 480), ("81", 240), ("fb03", 2880), ("1b3f", 5760), ("fb", 0), ("", 0)],
)
def test_opus_packets_last_what_their_first_bytes_say(toc: str, samples: int) -> None:
    assert opus.packet_samples(bytes.fromhex(toc)) == samples


def test_flac_header_of_every_sender_is_one_record() -> None:
    record = flac.metadata_blocks(STREAMINFO)
    assert record == b"\x80\0\0\x22" + STREAMINFO
    assert flac.metadata_blocks(b"fLaC" + record) == record
    config = audio_config("fLaC", record)
    assert (config.sample_rate, config.channels, rfc6381(config)) == (48_000, 1, "fLaC")
    assert access_unit_samples(config, bytes.fromhex("fff8a8")) == 0  # not even a header


def test_flac_header_that_comes_again_at_the_end_of_a_stream_changes_nothing() -> None:
    first = bytes.fromhex("1200120000000000 0000 0ac44ef0 00000000" + "00" * 16)
    last = bytes.fromhex("12001200 000010 003a2f 0ac44ef0 00345678" + "ab" * 16)
    picture = b"\x06\0\0\2xx"
    assert flac.metadata_blocks(b"fLaC" + b"\0\0\0\x22" + last + picture) == b"\0\0\0\x22" + first + picture
    assert flac.metadata_blocks(last) == flac.metadata_blocks(first)
    config = audio_config("fLaC", flac.metadata_blocks(last))
    assert (config.sample_rate, config.channels) == (44_100, 8)


def test_ac3_config_is_made_of_the_first_frame() -> None:
    config = audio_config("ac-3", AC3_FRAME)
    assert (config.sample_rate, config.channels, rfc6381(config)) == (48_000, 1, "ac-3")
    assert config.record == bytes.fromhex("1008c0")  # fscod 0, bsid 8, acmod 1, bit rate code 6: 96 kb/s
    assert access_unit_samples(config, AC3_FRAME) == 1536


def test_ac3_surround_counts_its_low_frequency_channel() -> None:
    config = audio_config("ac-3", bytes.fromhex("0b77 0000 14 40 eb 00"))
    assert config.channels == 6
    assert config.record == bytes.fromhex("103d40")


def test_eac3_config_is_made_of_the_first_frame() -> None:
    config = audio_config("ec-3", EAC3_FRAME)
    assert (config.sample_rate, config.channels, rfc6381(config)) == (48_000, 6, "ec-3")
    assert int.from_bytes(config.record[:2], "big") >> 3 == 448  # kb/s: ffmpeg's default for 5.1
    assert access_unit_samples(config, EAC3_FRAME) == 1536


def test_mp3_config_is_made_of_the_first_frame() -> None:
    config = audio_config(".mp3", MP3_FRAME)
    assert (config.sample_rate, config.channels, config.record) == (44_100, 1, b"")
    assert rfc6381(config) == "mp4a.40.34"
    assert access_unit_samples(config, MP3_FRAME) == 1152


@pytest.mark.parametrize(("fourcc", "good"), [("ec-3", EAC3_FRAME), (".mp3", MP3_FRAME)])
def test_a_broken_frame_has_no_length(fourcc: str, good: bytes) -> None:
    config = audio_config(fourcc, good)
    assert access_unit_samples(config, b"\0" + good) == 0


@pytest.mark.parametrize("fourcc", ["mp4a", "Opus", "fLaC", "ac-3", "ec-3", ".mp3", "spex"])
@given(cut=st.integers(0, 40), junk=st.binary(max_size=48))
def test_any_bytes_give_a_config_or_bad_config(fourcc: str, cut: int, junk: bytes) -> None:
    good = {"Opus": opus.dops_from_head(OPUS_HEAD), "fLaC": flac.metadata_blocks(STREAMINFO), "ac-3": AC3_FRAME}
    good |= {"ec-3": EAC3_FRAME, ".mp3": MP3_FRAME, "mp4a": bytes.fromhex("118856e500")}
    for data in (junk, good.get(fourcc, b"")[:cut] + junk):
        try:
            config = audio_config(fourcc, data)
        except BadConfig:
            continue
        assert config.sample_rate > 0
        assert config.channels > 0
        assert rfc6381(config)
