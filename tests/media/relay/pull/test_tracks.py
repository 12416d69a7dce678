"""Claims of media.relay.pull.tracks, without a container."""

from media.relay.pull.tracks import DecodeTimes


def test_decoding_times_rise_and_are_never_behind_what_is_shown() -> None:
    shown = [0, 4, 2, 1, 3, 8, 6, 5, 7, 12]  # I P B b b ..., two pictures reordered
    times = DecodeTimes(2)
    decoded = [times.of(pts * 3000, 3000) for pts in shown]
    assert decoded == sorted(set(decoded))
    assert all(dts <= pts * 3000 for dts, pts in zip(decoded, shown, strict=True))
    assert decoded[:4] == [-6000, -3000, 0, 3000]


def test_pictures_in_order_are_decoded_when_they_are_shown() -> None:
    times = DecodeTimes(0)
    assert [times.of(pts, 0) for pts in (5, 10, 15)] == [5, 10, 15]
