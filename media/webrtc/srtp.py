"""SRTP both ways with the keys of one DTLS handshake (RFC 3711, RFC 7714), by libsrtp."""

import msgspec
import pylibsrtp
from pylibsrtp import Policy, Session

REPLAY_WINDOW = 1024
"""Packets; a retransmission comes that late at most."""


class Profile(msgspec.Struct, frozen=True):
    """A protection profile (RFC 5764, section 4.1.2; RFC 7714, section 14.2) by OpenSSL's and libsrtp's names."""

    name: bytes
    number: int
    key_bytes: int
    salt_bytes: int


_ALL = (
    Profile(b"SRTP_AEAD_AES_128_GCM", Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    Profile(b"SRTP_AES128_CM_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
)


def _is_supported(profile: Profile) -> bool:
    try:
        Policy(srtp_profile=profile.number)
    except pylibsrtp.Error:
        return False
    return True


PROFILES = tuple(filter(_is_supported, _ALL))
"""Those that libsrtp was built with, best first."""


class Keys(msgspec.Struct, frozen=True):
    """Master keys with their salts: what we encrypt with, and what the other side does."""

    profile: Profile
    ours: bytes
    theirs: bytes


class BadPacket(Exception):
    """Not encrypted by the peer, or a repetition."""


class Srtp:
    """Encrypts and decrypts."""

    def __init__(self, keys: Keys) -> None:
        self._out = _session(keys.profile, keys.ours, Policy.SSRC_ANY_OUTBOUND)
        self._in = _session(keys.profile, keys.theirs, Policy.SSRC_ANY_INBOUND)

    def protect(self, packet: bytes) -> bytes:
        """Encrypt an RTP packet. Raises `BadPacket`."""
        try:
            return self._out.protect(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise BadPacket(str(error)) from error

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Encrypt a compound RTCP packet. Raises `BadPacket`."""
        try:
            return self._out.protect_rtcp(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise BadPacket(str(error)) from error

    def unprotect(self, packet: bytes) -> bytes:
        """Decrypt an RTP packet. Raises `BadPacket`."""
        try:
            return self._in.unprotect(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise BadPacket(str(error)) from error

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Decrypt a compound RTCP packet. Raises `BadPacket`."""
        try:
            return self._in.unprotect_rtcp(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise BadPacket(str(error)) from error


def _session(profile: Profile, key: bytes, direction: int) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile.number)
    policy.allow_repeat_tx = True  # retransmissions without RTX have the same number
    policy.window_size = REPLAY_WINDOW
    return Session(policy)
