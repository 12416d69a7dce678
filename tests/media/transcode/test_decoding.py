from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.packets import CodecConfig, Packet, TrackKind
from media.transcode.decoding import MAX_PIXELS, CannotDecode, Picture, VideoDecoder
from tests.media.material import Material
from tests.media.transcode.clips import video

VIDEO = TrackKind.VIDEO


def decode(material: Material, decoder: VideoDecoder | None = None) -> list[Picture]:
    decoder = decoder or VideoDecoder()
    pictures = decoder.configure(material.config)
    for packet in material.packets:
        pictures += decoder.decode(packet)
    return pictures + decoder.drain()


def stamps(items: Iterable[Packet | Picture]) -> list[int]:
    return [item.pts for item in items]


@pytest.mark.parametrize(
    ("encoder", "options", "pixels"),
    [
        ("libx264", {"preset": "veryfast", "x264-params": "bframes=2:open-gop=0"}, "yuv420p"),
        ("libx264", {"preset": "veryfast", "x264-params": "bframes=3:open-gop=1"}, "yuv420p"),
        ("libx264", {"profile": "high10"}, "yuv420p10le"),
        ("libx264", {"profile": "high444"}, "yuv444p"),
        ("libx265", {}, "yuv420p"),
        ("libx265", {}, "yuv420p10le"),
        ("libsvtav1", {}, "yuv420p"),
        ("libsvtav1", {}, "yuv420p10le"),
        ("libvpx-vp9", {}, "yuv420p"),
        ("libvpx-vp9", {}, "yuv444p"),
    ],
)
def test_every_picture_of_every_codec_comes_out_once_in_order(
    encoder: str, options: dict[str, str], pixels: str
) -> None:
    material = video(encoder, options=options, pixels=pixels)
    decoder = VideoDecoder()
    pictures = decode(material, decoder)
    assert stamps(pictures) == sorted(stamps(material.packets))
    assert decoder.corrupt_packets == 0
    assert {picture.frame.format.name for picture in pictures} == {pixels}
    keys = [packet.pts for packet in material.packets if packet.is_keyframe]
    assert [picture.pts for picture in pictures if picture.is_source_key] == keys
    assert len(keys) == 2


def test_a_repeated_configuration_costs_no_picture() -> None:
    material = video()
    decoder = VideoDecoder()
    pictures = decoder.configure(material.config)
    for packet in material.packets:
        pictures += decoder.configure(material.config)
        pictures += decoder.decode(packet)
    assert len(pictures + decoder.drain()) == len(material.packets)


def test_another_size_takes_over_in_the_middle() -> None:
    decoder = VideoDecoder()
    small, large = video(), video(size="640x360")
    later = [msgspec.structs.replace(p, dts=p.dts + 900_000, pts=p.pts + 900_000) for p in large.packets]
    pictures = decode(small, decoder) + decode(Material(large.config, later), decoder)
    assert [picture.frame.width for picture in pictures] == [320] * 60 + [640] * 60


def test_damage_skips_to_the_next_keyframe_and_is_counted() -> None:
    material = video()
    damaged = [
        msgspec.structs.replace(packet, data=b"\x00\x00\x00\x05\xff\xff") if number == 10 else packet
        for number, packet in enumerate(material.packets)
    ]
    decoder = VideoDecoder()
    pictures = decode(Material(material.config, damaged), decoder)
    keys = [packet.pts for packet in material.packets if packet.is_keyframe]
    assert decoder.corrupt_packets == 20  # number 10 and all up to the keyframe, number 30
    assert not [picture for picture in pictures if material.packets[10].pts <= picture.pts < keys[1]]
    assert len([picture for picture in pictures if picture.pts >= keys[1]]) == 30


def test_a_stream_that_begins_in_the_middle_of_a_gop_waits_for_its_keyframe() -> None:
    material = video()
    decoder = VideoDecoder()
    pictures = decode(Material(material.config, material.packets[5:]), decoder)
    assert len(pictures) == 30
    assert pictures[0].is_source_key


def test_stamps_always_rise() -> None:
    material = video()
    for packet in material.packets[40:45]:
        packet.pts = packet.dts = material.packets[20].pts
    pictures = decode(material)
    assert stamps(pictures) == sorted(set(stamps(pictures)))


def test_a_codec_without_a_decoder_is_refused_and_the_next_one_works() -> None:
    decoder = VideoDecoder()
    with pytest.raises(CannotDecode):
        decoder.configure(CodecConfig(VIDEO, "mp4v", b""))
    assert decoder.decode(Packet(VIDEO, 0, 0, True, b"\0\0\0\1\x65")) == []
    assert len(decode(video(), decoder)) == 60


def test_a_senseless_configuration_gives_nothing_and_the_next_one_works() -> None:
    material = video()
    decoder = VideoDecoder()
    broken = CodecConfig(VIDEO, "avc1", b"\x01\x64\x00\x1f\xff\xe1\x00\x08garbage!")
    assert decode(Material(broken, material.packets), decoder) == []
    assert decoder.corrupt_packets == 60
    assert len(decode(material, decoder)) == 60


def test_a_picture_over_the_limit_is_not_decoded() -> None:
    """The limit is held by the decoder itself: a forged SPS allocates nothing."""
    small = video("libvpx-vp9", frames=2)
    frame = bytearray(small.packets[0].data)
    assert frame[1:4] == bytes.fromhex("498342")
    # 16 bits of width minus 1 and height minus 1 begin 4 bits into the fifth byte (VP9, section 6.2)
    bits = int.from_bytes(frame[4:9], "big")
    mask = 0xFFFFFFFF << 4
    assert (bits >> 4 & 0xFFFFFFFF) == 319 << 16 | 179
    frame[4:9] = ((bits & ~mask) | (16_383 << 16 | 8_191) << 4).to_bytes(5, "big")
    assert MAX_PIXELS < 16_384 * 8_192
    decoder = VideoDecoder()
    decoder.configure(small.config)
    assert decoder.decode(msgspec.structs.replace(small.packets[0], data=bytes(frame))) == []
    assert decoder.corrupt_packets == 1


CODECS = ("libx264", "libx265", "libsvtav1", "libvpx-vp9")
CLIPS = {codec: video(codec, size="64x64", frames=8, gop=4) for codec in CODECS}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(CODECS),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 10_000), st.binary(max_size=40)), max_size=8),
    st.booleans(),
)
def test_any_damage_gives_pictures_or_is_counted(codec: str, damages: list[tuple[int, int, bytes]], cuts: bool) -> None:
    material = CLIPS[codec]
    packets = [msgspec.structs.replace(packet) for packet in material.packets]
    for number, place, data in damages:
        whole = packets[number].data
        at = place % (len(whole) + 1)
        packets[number].data = whole[:at] + data + (b"" if cuts else whole[at + len(data) :])
    decoder = VideoDecoder()
    pictures = decode(Material(material.config, packets), decoder)
    assert len(pictures) <= len(packets)
    assert stamps(pictures) == sorted(set(stamps(pictures)))
    pictures += decode(
        Material(
            material.config,
            [msgspec.structs.replace(p, dts=p.dts + 900_000, pts=p.pts + 900_000) for p in material.packets],
        ),
        decoder,
    )
    assert stamps(pictures)[-len(packets) :] == [pts + 900_000 for pts in sorted(stamps(material.packets))]
