"""Admission: rungs are refused before a node is full, streams never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import load
from media.transcode.admission import Admission, decode_cores, encode_cores
from media.transcode.ladder import choose
from media.transcode.rungs import Rung, Source

TABLE = load({"TALLY_SECRET": "0123456789abcdef"}, bare=True).settings.rungs
FULL_HD = Source("avc1", 1920, 1080, 30.0, 6_000_000)
HD = Source("avc1", 1280, 720, 30.0, 3_500_000)
TWO_CORES = 2.0


def names(rungs: list[Rung]) -> list[str]:
    return [rung.name for rung in rungs]


def ladder(source: Source) -> list[Rung]:
    return choose(source, "auto", TABLE)


@pytest.mark.parametrize(("source", "measured"), [(FULL_HD, 0.97), (HD, 0.39)])
def test_the_estimate_is_what_was_measured(source: Source, measured: float) -> None:
    cores = decode_cores(source) + sum(encode_cores(rung, "libx264", "veryfast") for rung in ladder(source))
    assert cores == pytest.approx(measured, rel=0.05)


def test_two_cores_make_a_ladder_of_three_from_1080p() -> None:
    lease = Admission(TWO_CORES).admit(FULL_HD, ladder(FULL_HD), "libx264", "veryfast")
    assert names(lease.rungs) == ["720p", "480p", "360p"]
    assert lease.refused == []


def test_two_cores_make_the_ladders_of_two_720p_streams() -> None:
    admission = Admission(TWO_CORES)
    for _ in range(2):
        lease = admission.admit(HD, ladder(HD), "libx264", "veryfast")
        assert names(lease.rungs) == ["480p", "360p"]
    assert admission.used == pytest.approx(0.81, abs=0.01)


def test_the_dearest_rungs_are_refused_first_with_the_numbers() -> None:
    admission = Admission(TWO_CORES)
    admission.admit(FULL_HD, ladder(FULL_HD), "libx264", "veryfast")
    second = admission.admit(FULL_HD, ladder(FULL_HD), "libx264", "veryfast")
    assert names(second.rungs) == ["480p", "360p"]
    assert [refusal.rung.name for refusal in second.refused] == ["720p"]
    assert second.refused[0].reason == (
        "it needs 0.40 cores besides 0.30 for decoding, and 0.63 of 1.60 are free (TALLY_TRANSCODE_CORES)"
    )


def test_a_full_node_refuses_every_rung_and_takes_no_cores_for_it() -> None:
    admission = Admission(TWO_CORES, capacity=0.2)
    lease = admission.admit(FULL_HD, ladder(FULL_HD), "libx264", "veryfast")
    assert lease.rungs == []
    assert [refusal.rung.name for refusal in lease.refused] == ["720p", "480p", "360p"]
    assert admission.used == 0
    assert not admission.leases


def test_what_is_measured_replaces_the_estimate_but_a_still_picture_may_move_again() -> None:
    admission = Admission(TWO_CORES)
    lease = admission.admit(FULL_HD, ladder(FULL_HD), "libx264", "veryfast")
    lease.measured(1.2)
    assert admission.used == 1.2
    lease.measured(0.1)
    assert admission.used == pytest.approx(0.485, abs=0.01)
    lease.measured(None)
    assert admission.used == pytest.approx(0.97, abs=0.01)


def test_released_cores_are_free_again() -> None:
    admission = Admission(TWO_CORES)
    lease = admission.admit(FULL_HD, ladder(FULL_HD), "libx264", "veryfast")
    lease.release()
    lease.release()
    lease.measured(1.0)
    assert admission.used == 0
    assert admission.admit(FULL_HD, ladder(FULL_HD), "libx264", "veryfast").refused == []


def test_newer_codecs_are_dearer_to_decode() -> None:
    h264, hevc, av1 = (decode_cores(Source(fourcc, 1920, 1080, 30.0, 0)) for fourcc in ("avc1", "hvc1", "av01"))
    assert h264 < hevc < av1
    assert decode_cores(Source("avc1", 1920, 1080, 60.0, 0)) == 2 * h264
    assert decode_cores(Source("avc1", 1920, 1080, 0.0, 0)) == h264  # nobody knows: as usual


def test_presets_and_cards_change_the_price() -> None:
    rung = ladder(FULL_HD)[0]
    prices = [
        encode_cores(rung, *how)
        for how in (
            ("h264_nvenc", "p4"),
            ("libx264", "ultrafast"),
            ("libx264", "veryfast"),
            ("libsvtav1", "10"),
            ("libx264", "slow"),
        )
    ]
    assert prices == sorted(prices)
    assert len(set(prices)) == len(prices)


@given(
    st.floats(0.05, 16),
    st.lists(st.tuples(st.sampled_from([FULL_HD, HD]), st.booleans()), max_size=12),
)
def test_no_node_promises_more_than_it_has(capacity: float, streams: list[tuple[Source, bool]]) -> None:
    admission = Admission(1.0, capacity)
    for source, ends in streams:
        wanted = ladder(source)
        lease = admission.admit(source, wanted, "libx264", "veryfast")
        refused = [refusal.rung for refusal in lease.refused]
        assert sorted(names(lease.rungs + refused)) == sorted(names(wanted))
        assert lease.rungs == wanted[len(refused) :]  # what stays is the cheaper end, in its order
        assert admission.used <= capacity + 1e-9
        if ends:
            lease.release()


def test_what_another_process_promised_is_made_whatever_is_free() -> None:
    admission = Admission(TWO_CORES)
    admission.admit(FULL_HD, ladder(FULL_HD), "libx264", "veryfast")
    used = admission.used
    lease = admission.readmit(FULL_HD, ladder(FULL_HD), "libx264", "veryfast")
    assert (names(lease.rungs), lease.refused) == (["720p", "480p", "360p"], [])
    assert admission.used == pytest.approx(2 * used)
    lease.release()
    assert admission.used == pytest.approx(used)
