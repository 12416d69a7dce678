"""DTLS for WebRTC: certificates are known by their fingerprints, the handshake's outcome is keys for SRTP. Sans-IO.

RFC 8827, section 6.5; RFC 5764. Errors: `DtlsFailed` (the peer is not who the offer said, or speaks no DTLS).
"""

import datetime
import secrets

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from media.webrtc.offers import Fingerprint
from media.webrtc.srtp import PROFILES, Keys

MTU_BYTES = 1200
"""Of a datagram of ours: fits every path that WebRTC works on."""
CERTIFICATE_DAYS = 3650
"""Nobody looks at it (RFC 8827, section 6.5 has fingerprints only); longer than any process lives."""
RECORD_HEADER_BYTES = 13
MAX_READ_BYTES = 1 << 16
CIPHERS = b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA"
_DIGESTS = {"sha-256": hashes.SHA256(), "sha-384": hashes.SHA384(), "sha-512": hashes.SHA512()}


class DtlsFailed(Exception):
    """No keys come of this."""


class DtlsClosed(Exception):
    """The peer said goodbye."""


def is_dtls(data: bytes) -> bool:
    """Tell DTLS from STUN and SRTP (RFC 7983, section 7)."""
    return 20 <= data[0] < 64


def _digest(certificate: x509.Certificate, algorithm: str) -> str:
    return certificate.fingerprint(_DIGESTS[algorithm]).hex(":").upper()


class Identity(msgspec.Struct, frozen=True):
    """The process's certificate, made when it starts."""

    context: SSL.Context
    fingerprint: str

    @classmethod
    def make(cls) -> "Identity":
        """Return a new one: ECDSA with P-256, which every client has to know (RFC 8827, section 6.5)."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, secrets.token_hex(8))])
        now = datetime.datetime.now(tz=datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=CERTIFICATE_DAYS))
            .sign(key, hashes.SHA256())
        )
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION)
        # Any certificate will do here: it is compared with the offer's fingerprints when the handshake is done.
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(certificate)
        context.use_privatekey(key)
        context.set_cipher_list(CIPHERS)
        context.set_tlsext_use_srtp(b":".join(profile.name for profile in PROFILES))
        return cls(context, _digest(certificate, "sha-256"))


class Dtls:
    """One handshake and what follows. `keys` is set when it is done."""

    def __init__(self, identity: Identity, fingerprints: tuple[Fingerprint, ...], *, is_client: bool) -> None:
        self.keys: Keys | None = None
        self._is_client, self._fingerprints = is_client, fingerprints
        self._ssl = SSL.Connection(identity.context)
        self._ssl.set_ciphertext_mtu(MTU_BYTES)
        if is_client:
            self._ssl.set_connect_state()
        else:
            self._ssl.set_accept_state()

    def start(self) -> list[bytes]:
        """Begin, if it is on us to begin; the path has to be there."""
        return self._advance() if self._is_client else []

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram and return those to send. Raises `DtlsFailed`, `DtlsClosed`."""
        self._ssl.bio_write(datagram)
        if self.keys is None:
            return self._advance()
        try:
            self._ssl.recv(MAX_READ_BYTES)  # we negotiate no data channels: only alerts and repeated flights matter
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError as error:
            raise DtlsClosed from error
        except SSL.Error as error:
            raise DtlsFailed(f"after the handshake: {error}") from error
        return self._flight()

    def timeout_s(self) -> float | None:
        """Return in how many seconds `repeat` is due."""
        return self._ssl.DTLSv1_get_timeout() if self.keys is None else None

    def repeat(self) -> list[bytes]:
        """Return the last flight again, if its time has come. Raises `DtlsFailed`."""
        try:
            self._ssl.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise DtlsFailed(f"no answer: {error}") from error
        return self._flight()

    def close(self) -> list[bytes]:
        """Return the goodbye."""
        if self.keys is None:
            return []
        try:
            self._ssl.shutdown()
        except SSL.Error:
            return []
        return self._flight()

    def _advance(self) -> list[bytes]:
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            return self._flight()
        except SSL.Error as error:
            raise DtlsFailed(f"handshake: {error}") from error
        self._check_fingerprints()
        self.keys = self._derived()
        return self._flight()

    def _check_fingerprints(self) -> None:
        """Every fingerprint that can be computed has to match (RFC 8122, section 5)."""
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            raise DtlsFailed("no certificate")
        known = [each for each in self._fingerprints if each.algorithm in _DIGESTS]
        if not known or any(_digest(certificate, each.algorithm) != each.digest for each in known):
            raise DtlsFailed("another certificate than the offer's")

    def _derived(self) -> Keys:
        """RFC 5764, section 4.2: keys of both sides, then salts of both sides; the client's first."""
        name = self._ssl.get_selected_srtp_profile()
        profile = next((each for each in PROFILES if each.name == name), None)
        if profile is None:
            raise DtlsFailed("no SRTP profile in common")
        size, salt = profile.key_bytes, profile.salt_bytes
        made = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (size + salt))
        client = made[:size] + made[2 * size : 2 * size + salt]
        server = made[size : 2 * size] + made[2 * size + salt :]
        return Keys(profile, *((client, server) if self._is_client else (server, client)))

    def _flight(self) -> list[bytes]:
        """Return what is to be sent as datagrams of whole records (RFC 6347, section 4.1.1)."""
        try:
            data = self._ssl.bio_read(MAX_READ_BYTES)
        except SSL.WantReadError:
            return []
        datagrams: list[bytes] = []
        current = b""
        while len(data) >= RECORD_HEADER_BYTES:
            size = RECORD_HEADER_BYTES + int.from_bytes(data[11:13], "big")
            if current and len(current) + size > MTU_BYTES:
                datagrams.append(current)
                current = b""
            current += data[:size]
            data = data[size:]
        return [*datagrams, current] if current else datagrams
