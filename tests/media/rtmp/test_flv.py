"""FLV and Enhanced RTMP tags: bytes of ffmpeg 9.0.2 and OBS 30, what nobody sends yet, and any bytes at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.packets import CodecConfig, Packet, TrackKind
from media.rtmp.errors import Unsupported
from media.rtmp.flv import AUDIO_FOURCCS, VIDEO_FOURCCS, BadTag, FlvReader, Media

AVCC = bytes.fromhex("0164000dffe1001a6764000dacd941519e226c0440000003004000000f03c50a658001000668ebe3cb22c0fdf8f800")
AV1C = bytes.fromhex("81010c000a0c0200000d6627fb3805f00080")
AV1C_SHORT = AV1C[:4]
AV1_KEYFRAME = bytes.fromhex("12000a0c0200000d6627fb38d5f30080328345")
VPCC = bytes.fromhex("0015820202020000")
VP9_KEYFRAME = bytes.fromhex("824983420027f016760438241c184a10")
HVCC = bytes.fromhex(
    "0101600000009000000000003ff000fcfdf8f800000f01 21 0001 002a"
    "42010101600000030090000003000003003fa00502016965959a4932bc05a020000003002000000303c1"
)
OPUS_HEAD = bytes.fromhex("4f7075734865616401023801 80bb0000 000000")
AC3_FRAME = bytes.fromhex("0b77480d0c402f842bc1c77aaf5e1be7ef9f3e86")
FRAME = bytes.fromhex("00000002 6588")


def video(*tags: bytes | str, timestamp: int = 40) -> list[Media]:
    reader = FlvReader()
    return [
        media
        for tag in tags
        for media in reader.video(timestamp, tag if isinstance(tag, bytes) else bytes.fromhex(tag))
    ]


def audio(*tags: bytes) -> list[Media]:
    reader = FlvReader()
    return [media for tag in tags for media in reader.audio(40, tag)]


def config(media: Media) -> CodecConfig:
    assert isinstance(media, CodecConfig)
    return media


def packet(media: Media) -> Packet:
    assert isinstance(media, Packet)
    return media


def test_legacy_avc_header_and_frames() -> None:
    header, key, inter = video(
        b"\x17\x00\0\0\0" + AVCC, b"\x17\x01\x00\x00\x43" + FRAME, b"\x27\x01\xff\xff\xff" + FRAME
    )
    assert config(header) == CodecConfig(TrackKind.VIDEO, "avc1", AVCC, 322, 182)
    assert packet(key) == Packet(TrackKind.VIDEO, 40, 107, True, FRAME)
    assert packet(inter) == Packet(TrackKind.VIDEO, 40, 39, False, FRAME)  # composition time is signed


def test_legacy_end_of_sequence_is_nothing() -> None:
    assert video("1702000000") == []


def test_time_stamps_pass_unchanged_up_to_32_bits() -> None:
    media = video(b"\x17\0\0\0\0" + AVCC, b"\x17\1\0\0\x10" + FRAME, timestamp=0xFFFFFFFF)
    assert packet(media[1]).dts == 0xFFFFFFFF
    assert packet(media[1]).pts == 0xFFFFFFFF + 16  # the difference is what counts; `Timeline` unwraps


def test_hevc_under_the_unofficial_codec_id_12() -> None:
    header, frame = video(b"\x1c\0\0\0\0" + HVCC, b"\x1c\1\0\0\0" + FRAME)
    assert (config(header).fourcc, config(header).width) == ("hvc1", 640)
    assert packet(frame).is_keyframe


def test_legacy_aac_header_and_frame() -> None:
    header, frame = audio(b"\xaf\0" + bytes.fromhex("1190"), b"\xaf\x01\x21\x10")
    assert config(header) == CodecConfig(TrackKind.AUDIO, "mp4a", b"\x11\x90", sample_rate=48_000, channels=2)
    assert packet(frame) == Packet(TrackKind.AUDIO, 40, 40, True, b"\x21\x10")


@pytest.mark.parametrize(
    ("fourcc", "record", "body", "offset"),
    [("avc1", AVCC, FRAME, 3), ("hvc1", HVCC, FRAME, 3)],
)
def test_enhanced_frames_with_and_without_composition_time(
    fourcc: str, record: bytes, body: bytes, offset: int
) -> None:
    name = fourcc.encode()
    media = video(
        b"\x90" + name + record, b"\x91" + name + b"\0\0\x43" + body, b"\xa1" + name + b"\0\0\0" + body,
        b"\x93" + name + body, b"\x92" + name,
    )  # fmt: skip
    assert config(media[0]).record == record
    assert [(packet(p).pts - packet(p).dts, packet(p).is_keyframe, packet(p).data) for p in media[1:]] == [
        (0x43, True, FRAME),
        (0, False, FRAME),
        (0, True, FRAME),
    ]


def test_av1_has_no_composition_time_and_loses_its_temporal_delimiter() -> None:
    header, key, inter = video(b"\x90av01" + AV1C, b"\x91av01" + AV1_KEYFRAME, b"\xa1av01" + b"\x32\x01\x10")
    assert config(header).width == 640
    assert packet(key).data == AV1_KEYFRAME[2:]
    assert packet(inter) == Packet(TrackKind.VIDEO, 40, 40, False, b"\x32\x01\x10")


def test_av1_config_without_a_sequence_header_waits_for_the_keyframe() -> None:
    inter, header, key = video(
        b"\x90av01" + AV1C_SHORT, b"\xa1av01" + b"\x32\x01\x10", b"\x91av01" + AV1_KEYFRAME, b"\x90av01" + AV1C_SHORT
    )[:3]
    assert not packet(inter).is_keyframe
    assert (config(header).width, config(header).height, config(header).record) == (640, 360, AV1C_SHORT)
    assert packet(key).is_keyframe


def test_av1_descriptor_of_mpeg_ts_is_a_config() -> None:
    header, _ = video(b"\x95av01" + bytes.fromhex("8004") + AV1C[:3] + b"\xc0", b"\x91av01" + AV1_KEYFRAME)
    assert config(header).record == AV1C_SHORT


def test_vp9_size_comes_from_keyframes_and_may_change() -> None:
    header, first, second = video(
        b"\x90vp09" + bytes.fromhex("01000000") + VPCC, b"\x91vp09" + VP9_KEYFRAME, b"\x91vp09" + VP9_KEYFRAME
    )
    assert config(header) == CodecConfig(TrackKind.VIDEO, "vp09", VPCC, 640, 360)
    assert packet(first) == packet(second)
    smaller = bytes.fromhex("8249834200 13f0 0b36 0438241c184a10")
    reader = FlvReader()
    reader.video(0, b"\x90vp09" + VPCC)
    reader.video(0, b"\x91vp09" + VP9_KEYFRAME)
    assert config(reader.video(0, b"\x91vp09" + smaller)[0]).width == 320


def test_metadata_packet_of_ffmpeg_is_left_out() -> None:
    # d4: frame type 5 would be a command, but the packet type is Metadata, whose frame type means nothing
    reader = FlvReader()
    assert reader.video(0, bytes.fromhex("d468766331020009636f6c6f72496e666f")) == ()
    assert reader.ignored == {"video metadata": 1}


def test_command_frames_are_left_out() -> None:
    reader = FlvReader()
    assert reader.video(0, b"\x57\x00") == ()
    assert reader.video(0, b"\xd1\x00") == ()
    assert reader.ignored == {"command frame": 2}


def test_mod_ex_is_skipped_through_to_the_real_type() -> None:
    nanoseconds = b"\x97" + b"\x02" + b"\0\1\2" + b"\x01"
    twice = b"\x97" + b"\x00" + b"\0" + b"\x07" + b"\x02" + b"\0\1\2" + b"\x03"
    long = b"\x97" + b"\xff" + b"\x01\x2b" + bytes(300) + b"\x01"
    media = video(
        b"\x90avc1" + AVCC, nanoseconds + b"avc1" + b"\0\0\5" + FRAME, twice + b"avc1" + FRAME,
        long + b"avc1" + b"\0\0\0" + FRAME,
    )  # fmt: skip
    assert [packet(p).pts - packet(p).dts for p in media[1:]] == [5, 0, 0]
    (_, sound) = audio(b"\x90mp4a\x11\x90", b"\x97\x02\0\1\2\x01" + b"mp4a" + b"\x21")
    assert packet(sound).data == b"\x21"


@pytest.mark.parametrize("tag", ["97", "9702", "97020001", "9702000102", "97ff"])
def test_a_broken_mod_ex_is_refused(tag: str) -> None:
    with pytest.raises(BadTag):
        FlvReader().video(0, bytes.fromhex(tag).ljust(2, b"\xff"))


def sized(track: int, body: bytes) -> bytes:
    return bytes([track]) + len(body).to_bytes(3, "big") + body


def test_multitrack_gives_track_0_and_counts_the_others() -> None:
    reader = FlvReader()
    one = reader.video(0, b"\x96\x00avc1\x00" + AVCC)
    assert config(one[0]).record == AVCC
    assert reader.video(0, b"\x96\x00avc1\x01" + AVCC) == []
    many = reader.video(0, b"\x96\x11avc1" + sized(1, b"\0\0\0x") + sized(0, b"\0\0\2" + FRAME) + sized(2, b"\0\0\0y"))
    assert packet(many[0]) == Packet(TrackKind.VIDEO, 0, 2, True, FRAME)
    mixed = reader.video(0, b"\x96\x23" + b"av01" + sized(3, b"z") + b"avc1" + sized(0, FRAME))
    assert packet(mixed[0]).data == FRAME
    assert reader.ignored == {"other track": 4}


def test_multitrack_audio() -> None:
    reader = FlvReader()
    assert config(reader.audio(0, b"\x95\x00mp4a\x00\x11\x90")[0]).channels == 2
    assert reader.audio(0, b"\x95\x00mp4a\x01\x11\x90") == []
    assert packet(reader.audio(0, b"\x95\x11mp4a" + sized(0, b"a") + sized(1, b"b"))[0]).data == b"a"


@pytest.mark.parametrize("tag", ["9600", "961161766331 00 000009 00", "9621 61766331", "9621 617663"])
def test_a_broken_multitrack_tag_is_refused(tag: str) -> None:
    with pytest.raises(BadTag):
        FlvReader().video(0, bytes.fromhex(tag))


def test_a_multitrack_tag_without_tracks_is_nothing() -> None:
    assert video("960061766331") == []


def test_opus_header_becomes_dops() -> None:
    header, frame = audio(b"\x90Opus" + OPUS_HEAD, b"\x91Opus\xfc\x7e")
    assert config(header).record == bytes.fromhex("00020138 0000bb80 000000")
    assert packet(frame).data == b"\xfc\x7e"


def test_flac_header_becomes_metadata_blocks() -> None:
    info = bytes.fromhex("04000400000000000000 0bb800f000000000") + bytes(16)
    for sent in (info, b"fLaC\x80\0\0\x22" + info):
        (header,) = audio(b"\x90fLaC" + sent)
        assert config(header).record == b"\x80\0\0\x22" + info


def test_dolby_and_mp3_frames_bring_their_config() -> None:
    header, first, second = audio(
        b"\x90ac-3", b"\x94ac-3\x01\x01\0\0\0\4", b"\x91ac-3" + AC3_FRAME, b"\x91ac-3" + AC3_FRAME
    )
    assert (config(header).fourcc, config(header).record) == ("ac-3", bytes.fromhex("1008c0"))
    assert packet(first).data == packet(second).data == AC3_FRAME
    (mp3, _) = audio(b"\x91.mp3" + bytes.fromhex("fffb50c40000"))
    assert config(mp3).sample_rate == 44_100


def test_broken_dolby_frames_are_counted_not_fatal() -> None:
    reader = FlvReader()
    assert reader.audio(0, b"\x91ac-3nonsense") == ()
    assert reader.ignored == {"frame with a broken header": 1}


@pytest.mark.parametrize(
    ("tag", "name"),
    [("2400", "VP6"), ("2200", "Sorenson H.263"), ("2f00", "FLV video codec 15"), ("907670303800", "video 'vp08'"),
     ("90767663 3100", "video 'vvc1'")],
)  # fmt: skip
def test_other_video_codecs_are_named_in_the_refusal(tag: str, name: str) -> None:
    with pytest.raises(Unsupported) as caught:
        FlvReader().video(0, bytes.fromhex(tag))
    assert caught.value.codec == name


MP3_FRAME = bytes.fromhex("fffb50c40000074c0165b430")


@pytest.mark.parametrize("first", [0x2F, 0xEE])
def test_legacy_mp3_describes_itself(first: int) -> None:
    header, frame, again = audio(bytes([first]) + MP3_FRAME, bytes([first]) + MP3_FRAME)
    assert config(header) == CodecConfig(TrackKind.AUDIO, ".mp3", b"", sample_rate=44_100, channels=1)
    assert packet(frame) == packet(again) == Packet(TrackKind.AUDIO, 40, 40, True, MP3_FRAME)


def test_what_is_no_mp3_frame_is_left_out() -> None:
    reader = FlvReader()
    assert reader.audio(0, b"\x2fID3\x04") == ()
    assert reader.ignored == {"frame with a broken header": 1}


@pytest.mark.parametrize(
    ("tag", "name"), [("1e00", "ADPCM"), ("be00", "Speex"), ("5600", "Nellymoser"), ("9073706578", "audio 'spex'")]
)
def test_other_audio_codecs_are_named_in_the_refusal(tag: str, name: str) -> None:
    with pytest.raises(Unsupported) as caught:
        FlvReader().audio(0, bytes.fromhex(tag))
    assert caught.value.codec == name


@pytest.mark.parametrize("tag", ["1701", "1700000000ffff", "9061766331", "9161766331 0000", "906176"])
def test_broken_video_tags(tag: str) -> None:
    with pytest.raises(BadTag):
        FlvReader().video(0, bytes.fromhex(tag))


def test_frames_before_their_config_are_left_out() -> None:
    reader = FlvReader()
    assert reader.video(0, b"\x17\1\0\0\0" + FRAME) == ()
    assert reader.audio(0, b"\xaf\1\x21") == ()
    reader.video(0, b"\x17\0\0\0\0" + AVCC)
    assert reader.video(0, b"\x91hvc1\0\0\0" + FRAME) == ()  # another codec than configured
    assert reader.ignored == {"frame before its configuration": 3}


def test_empty_tags_and_frames_are_left_out() -> None:
    reader = FlvReader()
    for tag in (b"", b"\xaf"):
        assert reader.audio(0, tag) == ()
        assert reader.video(0, tag) == ()
    reader.audio(0, b"\xaf\0\x11\x90")
    assert reader.audio(0, b"\xaf\1") == ()
    assert reader.video(0, b"\x17\1\0\0\0") == ()
    assert reader.ignored == {"empty tag": 4, "empty frame": 2}


FIRST = st.sampled_from([0x17, 0x27, 0x57, 0x80, 0x90, 0x91, 0x93, 0x95, 0x96, 0x97, 0xA1, 0xD4, 0xAF, 0x94])
NAMES = st.sampled_from([*VIDEO_FOURCCS, *AUDIO_FOURCCS, "xxxx"]).map(str.encode)
TAGS = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda first, name, rest: bytes([first]) + name + rest, FIRST, NAMES, st.binary(max_size=60)),
    st.builds(
        lambda first, layout, name, rest: bytes([first, layout]) + name + rest,
        st.sampled_from([0x95, 0x96, 0x97]),
        st.integers(0, 255),
        NAMES,
        st.binary(max_size=60),
    ),
)


@given(st.lists(st.tuples(st.booleans(), TAGS), max_size=6))
def test_any_tags_give_media_or_a_protocol_error(tags: list[tuple[bool, bytes]]) -> None:
    reader = FlvReader()
    reader.video(0, b"\x17\0\0\0\0" + AVCC)
    for is_video, tag in tags:
        try:
            media = reader.video(0, tag) if is_video else reader.audio(0, tag)
        except (BadTag, Unsupported):
            continue
        for unit in media:
            assert unit.kind is (TrackKind.VIDEO if is_video else TrackKind.AUDIO)
            assert not isinstance(unit, Packet) or unit.data
            assert not isinstance(unit, CodecConfig) or unit.width or unit.sample_rate
