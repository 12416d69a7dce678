import pytest

from web.hls.targets import BadDirective, Kind, NoSuchTarget, is_ours, parse_target


@pytest.mark.parametrize(
    ("target", "kind", "key"),
    [
        ("/hls/demo/s1/video.m3u8", Kind.PLAYLIST, "s1/video.m3u8"),
        ("/hls/demo/s1/audio.m3u8?_HLS_msn=7", Kind.PLAYLIST, "s1/audio.m3u8?_HLS_msn=7"),
        ("/hls/demo/s1/video-init-1.mp4", Kind.INIT, "s1/video-init-1.mp4"),
        ("/hls/demo/s1/video-12.m4s", Kind.SEGMENT, "s1/video-12.m4s"),
        ("/hls/demo/s1/video-12-3.m4s", Kind.PART, "s1/video-12-3.m4s"),
        ("/hls/demo/s1/720p-12-3.m4s", Kind.PART, "s1/720p-12-3.m4s"),
        ("/hls/demo/s1/720p60.m3u8", Kind.PLAYLIST, "s1/720p60.m3u8"),
        ("/hls/demo/s1/video-iframes.m3u8?_HLS_msn=7", Kind.SIDE_PLAYLIST, "s1/video-iframes.m3u8?_HLS_msn=7"),
        ("/hls/demo/s1/720p-iframes.m3u8", Kind.SIDE_PLAYLIST, "s1/720p-iframes.m3u8"),
        ("/hls/demo/s1/captions.m3u8?_HLS_skip=v2", Kind.SIDE_PLAYLIST, "s1/captions.m3u8?_HLS_skip=v2"),
        ("/hls/demo/s1/captions-12.vtt", Kind.CAPTIONS, "s1/captions-12.vtt"),
        ("/hls/demo/s1/thumbnail.jpg?at=7", Kind.PICTURE, "s1/thumbnail.jpg"),
        ("/hls/demo/s1/storyboard.vtt", Kind.PICTURE, "s1/storyboard.vtt"),
        ("/hls/demo/s1/storyboard-3-25.jpg", Kind.PICTURE, "s1/storyboard-3-25.jpg"),
    ],
)
def test_a_file_of_a_session_has_its_kind_and_key(target: str, kind: Kind, key: str) -> None:
    wanted = parse_target(target)
    assert (wanted.name, wanted.session, wanted.kind, wanted.key) == ("demo", "s1", kind, key)


def test_the_multivariant_playlist_has_no_key_before_its_session_is_known() -> None:
    wanted = parse_target("/hls/demo/playlist.m3u8?x=1&_HLS_msn=4")
    assert (wanted.name, wanted.session, wanted.kind, wanted.key) == ("demo", None, Kind.MULTIVARIANT, None)
    assert wanted.file == "playlist.m3u8"
    assert not wanted.is_positioned


@pytest.mark.parametrize(
    "query",
    [
        "_HLS_msn=7&_HLS_part=2&_HLS_skip=YES",
        "_HLS_skip=YES&_HLS_part=2&_HLS_msn=7",
        "_HLS_msn=007&_HLS_part=02&_HLS_skip=YES",
        "t=1&_HLS_msn=7&_HLS_part=2&t=2&_HLS_skip=YES&_HLS_push=1&&=",
    ],
)
def test_equal_requests_have_equal_keys(query: str) -> None:
    wanted = parse_target(f"/hls/demo/s1/video.m3u8?{query}")
    assert wanted.key == "s1/video.m3u8?_HLS_msn=7&_HLS_part=2&_HLS_skip=YES"
    assert wanted.is_positioned


def test_a_delta_of_whatever_is_newest_asks_for_no_position() -> None:
    wanted = parse_target("/hls/demo/s1/video.m3u8?_HLS_skip=v2")
    assert wanted.key == "s1/video.m3u8?_HLS_skip=v2"
    assert not wanted.is_positioned


def test_a_query_on_media_is_ignored() -> None:
    assert parse_target("/hls/demo/s1/video-1.m4s?_HLS_msn=x&y").key == "s1/video-1.m4s"


@pytest.mark.parametrize(
    "query",
    [
        "_HLS_part=1",
        "_HLS_msn=",
        "_HLS_msn",
        "_HLS_msn=-1",
        "_HLS_msn=1.5",
        "_HLS_msn=1e3",
        "_HLS_msn=%31",
        "_HLS_msn=\u0661",
        "_HLS_msn=1234567890123456",
        "_HLS_msn=1&_HLS_msn=1",
        "_HLS_msn=1&_HLS_part=x",
        "_HLS_msn=1&_HLS_skip=no",
        "_HLS_skip=",
    ],
)
def test_a_directive_that_cannot_be_obeyed_is_refused(query: str) -> None:
    with pytest.raises(BadDirective):
        parse_target(f"/hls/demo/s1/video.m3u8?{query}")


@pytest.mark.parametrize(
    "target",
    [
        "/hls/",
        "/hls/demo",
        "/hls/demo/",
        "/hls/demo/s1",
        "/hls/demo/s1/",
        "/hls/demo/s1/x/y.m4s",
        "/hls/demo/s1/playlist.m3u8",  # its URIs hold one folder further up only
        "/hls/demo/s1/../s1/video.m3u8",
        "/hls/demo/../../etc/passwd",
        "/hls/demo/s1/.m3u8",
        "/hls/demo/s1/video.m3u8\n",
        "/hls/demo/s1/video.txt",
        "/hls/demo/s1/video%2em3u8",
        "/hls/d\u00e4mo/playlist.m3u8",
        "/hls/" + "d" * 65 + "/playlist.m3u8",
        "//hls/demo/playlist.m3u8",
    ],
)
def test_what_no_origin_serves_never_reaches_one(target: str) -> None:
    with pytest.raises(NoSuchTarget):
        parse_target(target)


@pytest.mark.parametrize(
    ("target", "kind", "key"),
    [
        ("/vods/v1/playlist.m3u8", Kind.KEPT_PLAYLIST, "vods/v1/playlist.m3u8"),
        ("/vods/v1/video.m3u8?_HLS_skip=v2&_HLS_msn=7", Kind.KEPT_PLAYLIST, "vods/v1/video.m3u8?_HLS_skip=YES"),
        ("/vods/v1/video.m3u8?_HLS_msn=7", Kind.KEPT_PLAYLIST, "vods/v1/video.m3u8"),
        ("/vods/v1/playlist.m3u8?_HLS_skip=YES", Kind.KEPT_PLAYLIST, "vods/v1/playlist.m3u8"),
        ("/vods/v1/video-12.m4s?x", Kind.KEPT_FILE, "vods/v1/video-12.m4s"),
        ("/clips/k1/thumbnail.jpg", Kind.KEPT_FILE, "clips/k1/thumbnail.jpg"),
        ("/clips/k1/access", Kind.ACCESS, "clips/k1/access"),
        ("/hls/demo/s1/rewind-video.m3u8?_HLS_skip=YES&_HLS_msn=3", Kind.REWIND, "s1/rewind-video.m3u8?_HLS_skip=YES"),
        ("/hls/demo/rewind.m3u8", Kind.REWIND, None),
        ("/hls/demo/access", Kind.ACCESS, None),
    ],
)
@pytest.mark.parametrize("token", ["", "~abcd.1.x-_/"])
def test_what_is_kept_has_a_key_without_its_token(target: str, kind: Kind, key: str | None, token: str) -> None:
    _, root, rest = target.split("/", 2)
    wanted = parse_target(f"/{root}/{token}{rest}")
    assert (wanted.root, wanted.kind, wanted.key, wanted.token) == (root, kind, key, token[1:-1])
    assert not wanted.is_positioned


@pytest.mark.parametrize(
    "target",
    [
        "/vods/v1/video-12-3.m4s",
        "/vods/v1/s1/video.m3u8",
        "/vods/v1/index.json",
        "/vods/~t/~t/v1/video.m3u8",
        "/clips/~/k1/video.m3u8",
        "/hls/demo/s1/rewind.m3u8",
        "/hls/~t/playlist.m3u8",
        "/vods/v1/../../x.mp4",
    ],
)
def test_other_shapes_name_nothing(target: str) -> None:
    with pytest.raises(NoSuchTarget):
        parse_target(target)


@pytest.mark.parametrize(
    ("target", "is_deliverys"),
    [
        ("/hls/", True),
        ("/hls/anything", True),
        ("/vods/v1/playlist.m3u8", True),
        ("/vods/~abcd.1.x/v1/playlist.m3u8", True),
        ("/clips/k1/access", True),
        ("/clips/k1", False),
        ("/clips/k1?key=~a/b", False),
        ("/clips/k1.mp4", False),
        ("/clips/~abcd.1.x/k1.mp4", False),
        ("/vods/v1.mp4", False),
        ("/vods/", False),
        ("/videos/v1/x", False),
        ("/api/vods/v1/share", False),
        ("/hlsx/", False),
        ("/", False),
    ],
)
def test_pages_and_downloads_are_not_deliverys(target: str, is_deliverys: bool) -> None:
    line = f"{target} HTTP/1.1\r\n".encode()
    assert is_ours(line) is is_deliverys
    # whatever arrives first, nothing is decided that the rest would change
    for size in range(len(line)):
        assert is_ours(line[:size]) in (None, is_deliverys)
