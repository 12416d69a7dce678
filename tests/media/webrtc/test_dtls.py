"""Claims of media.webrtc.dtls and srtp: two ends joined in memory."""

import time

import pytest

from media.webrtc.dtls import MTU_BYTES, Dtls, DtlsClosed, DtlsFailed, Identity
from media.webrtc.offers import Fingerprint
from media.webrtc.srtp import BadPacket, Srtp

CLIENT, SERVER = Identity.make(), Identity.make()
PACKET = b"\x80\x60\x00\x01\x00\x00\x00\x01\x00\x00\x00\x07" + bytes(100)
REPORT = b"\x80\xc9\x00\x01\x00\x00\x00\x07"


def ends(fingerprint: str = SERVER.fingerprint) -> tuple[Dtls, Dtls]:
    client = Dtls(CLIENT, (Fingerprint("sha-256", fingerprint),), is_client=True)
    return client, Dtls(SERVER, (Fingerprint("sha-256", CLIENT.fingerprint),), is_client=False)


def shake(client: Dtls, server: Dtls) -> list[bytes]:
    """Carry datagrams until nobody says anything; return them all."""
    to_server, to_client, seen = client.start(), server.start(), list[bytes]()
    while to_server or to_client:
        seen += to_server + to_client
        answers = [each for datagram in to_server for each in server.receive(datagram)]
        to_server = [each for datagram in to_client for each in client.receive(datagram)]
        to_client = answers
    return seen


def test_both_ends_have_the_same_keys_the_other_way_round() -> None:
    client, server = ends()
    datagrams = shake(client, server)
    assert client.keys is not None
    assert server.keys is not None
    assert (client.keys.ours, client.keys.theirs) == (server.keys.theirs, server.keys.ours)
    assert client.keys.profile.name == b"SRTP_AEAD_AES_128_GCM"
    assert max(map(len, datagrams)) <= MTU_BYTES


def test_what_one_end_encrypts_the_other_reads_once() -> None:
    client, server = ends()
    shake(client, server)
    assert client.keys is not None
    assert server.keys is not None
    here, there = Srtp(client.keys), Srtp(server.keys)
    protected = here.protect(PACKET)
    assert there.unprotect(protected) == PACKET
    assert there.unprotect_rtcp(here.protect_rtcp(REPORT)) == REPORT
    with pytest.raises(BadPacket):
        there.unprotect(protected)
    with pytest.raises(BadPacket):
        there.unprotect(here.protect(PACKET[:3] + b"\x02" + PACKET[4:])[:-1] + b"x")
    with pytest.raises(BadPacket):
        there.unprotect(b"\x80" * 1600)


def test_another_certificate_than_the_offers_fails() -> None:
    client, server = ends(fingerprint=Identity.make().fingerprint)
    with pytest.raises(DtlsFailed, match="another certificate"):
        shake(client, server)
    assert client.keys is None


def test_a_lost_flight_is_repeated_when_its_time_has_come() -> None:
    client, server = ends()
    client.start()
    assert client.repeat() == []
    waited_s = client.timeout_s()
    assert waited_s is not None
    assert 0 < waited_s <= 1
    time.sleep(waited_s)  # the clock is OpenSSL's own
    while client.timeout_s():
        time.sleep(0.01)
    again = client.repeat()
    answers = [each for datagram in again for each in server.receive(datagram)]
    assert answers, "the server has only heard the repetition"


def test_a_goodbye_is_heard() -> None:
    client, server = ends()
    shake(client, server)
    with pytest.raises(DtlsClosed):
        [server.receive(each) for each in client.close()]


def test_bytes_that_are_no_dtls_change_nothing() -> None:
    client, server = ends()
    assert server.receive(b"\x16\xfe\xff" + bytes(30)) == []
    shake(client, server)
    assert server.keys is not None
