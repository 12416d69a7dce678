"""Claims of media.feeds: who comes gets the running GOP, then everything; what is kept is bounded."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media import feeds as module
from media.feeds import Feeds
from media.links.messages import Break, Configure, Ended, FromFeed, Media, Shown, Tracks
from media.packets import CodecConfig, Packet, TrackKind
from media.publication import Unavailable
from schemas.ids import ChannelId
from tests.media.material import AUDIO_CONFIG, SESSION, VIDEO_CONFIG, audio_packets, interleaved, video_packets

OPUS = CodecConfig(TrackKind.AUDIO, "Opus", b"\0\2", sample_rate=48_000, channels=2)
SMALL = CodecConfig(TrackKind.VIDEO, "avc1", VIDEO_CONFIG.record + b"\0", width=640, height=360)


def made(*, length_s: float = 0.0) -> Feeds:
    """Feeds with pictures (a keyframe every 2 s, 30 a second) and sound, that have run for so long."""
    feeds = Feeds(SESSION, ChannelId("c1"), "demo")
    feeds.configure("video", VIDEO_CONFIG)
    feeds.configure("sound", AUDIO_CONFIG)
    for packet in stream(length_s):
        feeds.push("video" if packet.kind is TrackKind.VIDEO else "sound", packet)
    return feeds


def stream(length_s: float, start_s: float = 0.0) -> list[Packet]:
    return interleaved(video_packets(length_s, start_s=start_s), audio_packets(length_s, start_s=start_s))


class Listener:
    """Remembers what it is told."""

    def __init__(self, feeds: Feeds, *tracks: str) -> None:
        self.said: list[FromFeed] = []
        self.leave: Callable[[], None] = feeds.subscribe(tracks, self.said.append)

    def media(self, track: str = "video") -> list[Packet]:
        return [each.packet for each in self.said if isinstance(each, Media) and each.track == track]

    def take(self) -> list[FromFeed]:
        said, self.said[:] = list(self.said), []
        return said


def test_who_comes_gets_tracks_who_may_watch_configurations_and_the_running_gop() -> None:
    listener = Listener(made(length_s=5), "video", "sound")
    tracks, shown, *rest = listener.said
    assert isinstance(tracks, Tracks)
    assert [(track.name, track.config) for track in tracks.tracks] == [("video", VIDEO_CONFIG), ("sound", AUDIO_CONFIG)]
    assert shown == Shown("public")
    assert rest[:2] == [Configure("video", VIDEO_CONFIG), Configure("sound", AUDIO_CONFIG)]
    past = rest[2:]
    assert all(isinstance(each, Media) and each.is_past for each in past)
    pictures, heard = listener.media(), listener.media("sound")
    assert (pictures[0].is_keyframe, pictures[0].dts) == (True, 4 * 90_000)
    assert len(pictures) == 30
    assert heard[0].dts / 48_000 == pytest.approx(4, abs=0.03)
    assert heard[0].dts >= 4 * 48_000
    times = [p.packet.dts / (90_000 if p.track == "video" else 48_000) for p in past if isinstance(p, Media)]
    assert times == sorted(times)


def test_only_the_tracks_that_were_asked_for_come() -> None:
    feeds = made(length_s=3)
    nothing, sound = Listener(feeds), Listener(feeds, "sound", "360p")
    for packet in stream(1, start_s=3):
        feeds.push("video" if packet.kind is TrackKind.VIDEO else "sound", packet)
    assert [type(each) for each in nothing.said] == [Tracks, Shown]
    assert {each.track for each in sound.said if isinstance(each, Media | Configure)} == {"sound"}


def test_a_track_that_comes_later_begins_with_its_configuration_and_a_keyframe() -> None:
    feeds = made(length_s=1)
    listener = Listener(feeds, "360p")
    listener.take()
    feeds.configure("360p", SMALL)
    rung = video_packets(3)
    for packet in rung[5:]:
        feeds.push("360p", packet)
    tracks, configure, first, *_ = listener.said
    assert isinstance(tracks, Tracks)
    assert [track.name for track in tracks.tracks] == ["video", "sound", "360p"]
    assert configure == Configure("360p", SMALL)
    assert first == Media("360p", rung[60])


def test_a_new_configuration_waits_for_its_keyframe_and_a_repeated_one_is_nothing() -> None:
    feeds = made(length_s=1)
    listener = Listener(feeds, "video")
    listener.take()
    feeds.configure("video", VIDEO_CONFIG)
    assert listener.take() == []
    feeds.configure("video", SMALL)
    assert listener.take()[1:] == [Configure("video", SMALL)]
    late = Listener(feeds, "video")
    for packet in video_packets(3)[30:]:
        feeds.push("video", packet)
    for each in (listener, late):
        assert each.media()[0].dts == 2 * 90_000


def test_a_break_is_said_and_a_keyframe_comes_next() -> None:
    feeds = made(length_s=1)
    listener = Listener(feeds, "video", "sound")
    listener.take()
    feeds.break_("time stamps jumped")
    late = Listener(feeds, "video", "sound")
    for packet in stream(2, start_s=1.5)[1:]:
        feeds.push("video" if packet.kind is TrackKind.VIDEO else "sound", packet)
    assert listener.said[0] == Break("time stamps jumped")
    assert listener.media() == late.media() == []  # its only keyframe was the first packet
    assert len(listener.media("sound")) == len(late.media("sound")) > 90
    for packet in video_packets(1, start_s=4):
        feeds.push("video", packet)
    assert listener.media()[0].is_keyframe


def test_pictures_that_are_not_shown_as_decoded_are_told_once() -> None:
    feeds = made()
    listener = Listener(feeds, "video")
    listener.take()
    for number, pts in enumerate([2, 5, 3, 4, 8, 6, 7]):
        feeds.push("video", Packet(TrackKind.VIDEO, number * 3000, pts * 3000, number == 0, b"x"))
    [tracks] = [each for each in listener.said if isinstance(each, Tracks)]
    assert [track.is_reordered for track in tracks.tracks] == [True, False]
    assert len(listener.media()) == 7
    feeds.configure("video", SMALL)
    assert isinstance(told := listener.said[-2], Tracks)
    assert not told.tracks[0].is_reordered


def test_pictures_late_by_a_constant_are_not_reordered() -> None:
    feeds = made()
    listener = Listener(feeds)
    for packet in video_packets(3, delay=6006):
        feeds.push("video", packet)
    assert len(listener.said) == 2


def test_a_measured_frame_rate_is_told() -> None:
    feeds = made(length_s=1)
    listener = Listener(feeds)
    listener.take()
    for _ in range(2):
        feeds.expect_rate("video", 29.97)
    feeds.expect_rate("360p", 30.0)  # is not there yet
    [tracks] = listener.said
    assert isinstance(tracks, Tracks)
    assert [track.frame_rate for track in tracks.tracks] == [29.97, 0.0]


def test_a_rung_that_is_lost_for_ever_is_no_track_any_more() -> None:
    feeds = made()
    feeds.configure("360p", SMALL)
    listener = Listener(feeds, "360p")
    feeds.lose("360p")
    feeds.push("360p", video_packets(1)[0])
    assert isinstance(told := listener.said[-1], Tracks)
    assert [track.name for track in told.tracks] == ["video", "sound"]


def test_the_end_is_said_and_nobody_comes_after_it() -> None:
    feeds = made(length_s=1)
    listener = Listener(feeds, "video")
    feeds.end("over")
    feeds.end("again")
    assert listener.said[-1] == Ended("over")
    assert (feeds.subscribers, feeds.kept_bytes) == (0, 0)
    with pytest.raises(Unavailable):
        feeds.subscribe(["video"], print)


def test_who_leaves_hears_nothing_more() -> None:
    feeds = made(length_s=1)
    one, two = Listener(feeds, "video"), Listener(feeds, "video")
    for each in (one, two, two):
        each.take()
        each.leave()
    feeds.push("video", video_packets(1)[0])
    assert one.said == two.said == []
    assert feeds.subscribers == 0


def test_packets_are_urgent_while_somebody_says_so() -> None:
    feeds = made()
    seen = [feeds.is_urgent]
    leave = feeds.subscribe(["video"], list[FromFeed]().append, is_urgent=True)
    Listener(feeds, "video").leave()
    seen.append(feeds.is_urgent)
    leave()
    assert [*seen, feeds.is_urgent] == [False, True, False]


def test_a_subscriber_that_fails_is_left_out_and_no_other() -> None:
    feeds = made(length_s=1)

    def fail(message: FromFeed) -> None:
        if isinstance(message, Media) and not message.is_past:
            raise RuntimeError("boom")

    feeds.subscribe(["video"], fail)
    listener = Listener(feeds, "video")
    count = len(listener.media())
    for packet in video_packets(2):
        feeds.push("video", packet)
    assert feeds.subscribers == 1
    assert len(listener.media()) == count + 60


def test_only_so_many_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SUBSCRIBERS", 2)
    feeds = made()
    one, _two = Listener(feeds), Listener(feeds)
    with pytest.raises(Unavailable):
        Listener(feeds)
    one.leave()
    Listener(feeds)


def test_a_gop_without_an_end_is_not_kept_but_still_handed_on() -> None:
    feeds = made()
    listener = Listener(feeds, "video")
    for packet in video_packets(module.MAX_GOP_S + 5, gop=10_000):
        feeds.push("video", packet)
    assert len(listener.media()) == (module.MAX_GOP_S + 5) * 30
    assert Listener(feeds, "video").media() == []
    assert feeds.kept_bytes == 0


def test_what_is_kept_has_a_limit_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_GOP_BYTES", 5_000)
    feeds = made(length_s=1.9)  # 57 pictures of 100 bytes, 90 pieces of sound
    assert feeds.kept_bytes < 5_000
    assert Listener(feeds, "video").media() == []


def test_sound_without_pictures_is_kept_for_a_second() -> None:
    feeds = Feeds(SESSION, ChannelId("c1"), "demo")
    feeds.configure("sound", AUDIO_CONFIG)
    for packet in audio_packets(30):
        feeds.push("sound", packet)
    heard = Listener(feeds, "sound").media("sound")
    assert len(heard) * 1024 / 48_000 == pytest.approx(1, abs=0.05)
    assert heard[-1].dts == audio_packets(30)[-1].dts


def test_sound_is_kept_for_the_rung_that_is_behind() -> None:
    feeds = made(length_s=4)
    feeds.configure("360p", SMALL)
    for packet in stream(2.5, start_s=4):
        feeds.push("video" if packet.kind is TrackKind.VIDEO else "sound", packet)
        if packet.kind is TrackKind.VIDEO and packet.dts >= 5 * 90_000:
            behind = packet.dts - 90_000
            feeds.push("360p", Packet(TrackKind.VIDEO, behind, behind, behind % 180_000 == 0, b"rung"))
    listener = Listener(feeds, "360p", "sound")
    assert listener.media("360p")[0].dts == 4 * 90_000
    assert 4 <= listener.media("sound")[0].dts / 48_000 < 4.03
    assert 6 <= Listener(feeds, "video", "sound").media("sound")[0].dts / 48_000 < 6.03


STEPS = st.lists(
    st.sampled_from(["key", "picture", "sound", "join", "break", "configure", "rung key", "rung"]), max_size=80
)


@settings(deadline=None)
@given(STEPS)
def test_whatever_happens_pictures_begin_with_a_keyframe_and_nothing_comes_twice(steps: list[str]) -> None:
    feeds = Feeds(SESSION, ChannelId("c1"), "demo")
    listeners: list[Listener] = []
    for number, step in enumerate(steps):
        match step:
            case "join":
                listeners.append(Listener(feeds, "video", "sound", "360p"))
            case "break":
                feeds.break_("broken")
            case "configure":
                record = bytes([number])
                feeds.configure("video", CodecConfig(TrackKind.VIDEO, "vp09", record))
                feeds.configure("360p", CodecConfig(TrackKind.VIDEO, "vp09", record))
                feeds.configure("sound", OPUS)
            case "sound":
                feeds.push("sound", Packet(TrackKind.AUDIO, number * 960, number * 960, True, b"s"))
            case _:
                track = "360p" if step.startswith("rung") else "video"
                feeds.push(track, Packet(TrackKind.VIDEO, number * 1800, number * 1800, step.endswith("key"), b"p"))
    for listener in listeners:
        for track in ("video", "360p"):
            is_begun = False
            for message in listener.said:
                match message:
                    case Break():
                        is_begun = False
                    case Configure(name) if name == track:
                        is_begun = False
                    case Media(name, packet) if name == track:
                        assert is_begun or packet.is_keyframe
                        is_begun = True
            times = [packet.dts for packet in listener.media(track)]
            assert all(earlier < later for earlier, later in pairwise(times))
