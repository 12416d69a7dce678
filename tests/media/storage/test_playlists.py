"""The playlists that make a bucket playable by itself."""

import m3u8

from media.storage.catalog import Catalog
from media.storage.playlists import BYTES_PER_S, EVERY_S, Playlists
from schemas.ids import SessionId
from schemas.storage import InitStored, SegmentStored

SESSION = SessionId("s1")


def init(rendition: str, number: int = 0) -> InitStored:
    if rendition == "audio":
        return InitStored(SESSION, rendition, number, "audio", "mp4a.40.2", 10, sample_rate=48000, channels=2)
    return InitStored(SESSION, rendition, number, "video", "avc1.64001f", 10, 1280, 720, 30.0)


def segment(rendition: str, msn: int, *, size: int = 1000, map_number: int = 0, is_gap: bool = False) -> SegmentStored:
    return SegmentStored(SESSION, rendition, msn, map_number, msn * 2.0, 2.0, msn * 2000, size, "", is_gap=is_gap)


def filled() -> Playlists:
    playlists = Playlists(Catalog())
    for event in (init("source"), init("audio"), segment("source", 3), segment("audio", 3, size=100)):
        playlists.add(event)
    return playlists


def texts(found: list[tuple[str, bytes]]) -> dict[str, str]:
    return {name: body.decode() for name, body in found}


def test_a_media_playlist_lists_what_is_stored() -> None:
    playlists = filled()
    playlists.add(segment("source", 4, is_gap=True))
    playlists.add(init("source", 1))
    playlists.add(segment("source", 5, map_number=1))
    text = texts(playlists.due(0.0, is_ended=False))["source.m3u8"]
    parsed = m3u8.loads(text)
    assert (parsed.playlist_type, parsed.media_sequence, parsed.target_duration) == ("event", 3, 2)
    assert [one.uri for one in parsed.segments] == ["source-3.m4s", "source-4.m4s", "source-5.m4s"]
    assert [one.gap_tag for one in parsed.segments] == [None, True, None]
    assert [one.init_section.uri for one in parsed.segments] == ["source-init-0.mp4"] * 2 + ["source-init-1.mp4"]
    assert not parsed.is_endlist


def test_the_multivariant_playlist_says_what_was_measured() -> None:
    text = texts(filled().due(0.0, is_ended=False))["playlist.m3u8"]
    (variant,) = m3u8.loads(text).playlists
    assert variant.uri == "source.m3u8"
    assert variant.stream_info.bandwidth == (1000 + 100) * 8 // 2
    assert variant.stream_info.codecs == "avc1.64001f,mp4a.40.2"
    assert variant.stream_info.resolution == (1280, 720)
    (media,) = m3u8.loads(text).media
    assert media.uri == "audio.m3u8"


def test_sound_alone_is_a_variant() -> None:
    playlists = Playlists(Catalog())
    playlists.add(init("audio"))
    playlists.add(segment("audio", 0))
    (variant,) = m3u8.loads(texts(playlists.due(0.0, is_ended=False))["playlist.m3u8"]).playlists
    assert (variant.uri, variant.stream_info.codecs) == ("audio.m3u8", "mp4a.40.2")


def test_only_what_has_changed_is_due_and_not_at_once() -> None:
    playlists = filled()
    assert set(texts(playlists.due(0.0, is_ended=False))) == {"source.m3u8", "audio.m3u8", "playlist.m3u8"}
    playlists.add(segment("source", 4))
    assert playlists.due(EVERY_S - 0.1, is_ended=False) == []
    assert set(texts(playlists.due(EVERY_S, is_ended=False))) == {"source.m3u8", "playlist.m3u8"}


def test_a_long_one_is_stored_less_often() -> None:
    playlists = filled()
    for msn in range(4, 10_000):
        playlists.add(segment("source", msn))
    size = len(texts(playlists.due(0.0, is_ended=False))["source.m3u8"])
    playlists.add(segment("source", 10_000))
    assert size / BYTES_PER_S > EVERY_S
    assert "source.m3u8" not in texts(playlists.due(EVERY_S, is_ended=False))
    assert "source.m3u8" in texts(playlists.due(size / BYTES_PER_S, is_ended=False))


def test_at_the_end_all_are_stored_once_more() -> None:
    playlists = filled()
    playlists.due(0.0, is_ended=False)
    found = texts(playlists.due(0.0, is_ended=True))
    assert set(found) == {"source.m3u8", "audio.m3u8", "playlist.m3u8"}
    assert found["source.m3u8"].endswith("#EXT-X-ENDLIST\n")


def test_one_that_could_not_be_stored_is_due_again() -> None:
    playlists = filled()
    playlists.due(0.0, is_ended=False)
    playlists.again("source.m3u8")
    assert set(texts(playlists.due(EVERY_S, is_ended=False))) == {"source.m3u8"}
