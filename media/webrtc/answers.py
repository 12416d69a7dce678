"""Write the answer to an offer: what is accepted of each m-line, where we are, who we are (RFC 8829, section 5.3)."""

import secrets
from typing import Literal

import msgspec

from media.webrtc.offers import Offer, OfferedCodec, OfferedMedia

STREAM = "tallylight"
"""Name of the media stream that what we send belongs to: players show its tracks in step."""


class Candidate(msgspec.Struct, frozen=True):
    """A host candidate of ours (RFC 8445, section 5.1.2): the earlier ones are preferred."""

    address: str
    port: int


class Credentials(msgspec.Struct, frozen=True):
    """What a side's connectivity checks are signed with."""

    ufrag: str
    pwd: str

    @classmethod
    def make(cls) -> "Credentials":
        """Return new ones; a username of 16 letters finds one peer of the process."""
        return cls(secrets.token_hex(8), secrets.token_hex(16))


class AcceptedMedia(msgspec.Struct, frozen=True):
    """What becomes of an m-line of the offer: one codec, in our words' direction.

    `parameters` are the answer's fmtp (what is offered, unless told otherwise); `extensions` those header extensions
    that both sides use (URI -> id); `bitrate_kbps` the most that we want to be sent, 0 says nothing. `ssrc`,
    `rtx_ssrc`: what we send with (sendonly).
    """

    offered: OfferedMedia
    codec: OfferedCodec
    direction: Literal["recvonly", "sendonly"]
    parameters: dict[str, str] | None = None
    feedback: tuple[str, ...] = ()
    extensions: dict[str, int] = {}
    bitrate_kbps: int = 0
    ssrc: int = 0
    rtx_ssrc: int = 0
    cname: str = STREAM


class Ours(msgspec.Struct, frozen=True):
    """Our side of the transport. `fingerprint` is SHA-256's."""

    credentials: Credentials
    fingerprint: str
    setup: Literal["active", "passive"]
    candidates: tuple[Candidate, ...]


def write_answer(offer: Offer, accepted: list[AcceptedMedia], ours: Ours) -> str:
    """Return the SDP. Each of `accepted` is of another m-line; those without are refused."""
    by_index = {each.offered.index: each for each in accepted}
    mids = [each.mid for each in offer.media if each.index in by_index]
    lines = [
        "v=0",
        f"o=- {secrets.randbits(62)} 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(mids)}",
        "a=ice-lite",
        *(["a=extmap-allow-mixed"] if offer.allows_mixed_extensions else []),
        f"a=msid-semantic: WMS {STREAM if any(each.direction == 'sendonly' for each in accepted) else '*'}",
    ]
    for offered in offer.media:
        taken = by_index.get(offered.index)
        lines += _refused(offered) if taken is None else _media(taken, ours, has_address=offered.mid == mids[0])
    return "\r\n".join(lines) + "\r\n"


def _refused(offered: OfferedMedia) -> list[str]:
    return [
        f"m={offered.kind} 0 {offered.protocol} {offered.formats}",
        "c=IN IP4 0.0.0.0",
        *([f"a=mid:{offered.mid}"] if offered.mid else []),
        "a=inactive",
    ]


def _media(media: AcceptedMedia, ours: Ours, *, has_address: bool) -> list[str]:
    codec, number = media.codec, media.codec.payload_type
    formats = f"{number} {codec.rtx}" if codec.rtx is not None else str(number)
    channels = f"/{codec.channels}" if media.offered.kind == "audio" and codec.channels > 1 else ""
    parameters = codec.parameters if media.parameters is None else media.parameters
    lines = [
        f"m={media.offered.kind} 9 {media.offered.protocol} {formats}",
        "c=IN IP4 0.0.0.0",
        *([f"b=AS:{media.bitrate_kbps}", f"b=TIAS:{media.bitrate_kbps * 1000}"] if media.bitrate_kbps else []),
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{ours.credentials.ufrag}",
        f"a=ice-pwd:{ours.credentials.pwd}",
        f"a=fingerprint:sha-256 {ours.fingerprint}",
        f"a=setup:{ours.setup}",
        f"a=mid:{media.offered.mid}",
        *(f"a=extmap:{number} {uri}" for uri, number in media.extensions.items()),
        f"a={media.direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=rtpmap:{number} {_spelled(codec)}/{codec.clock_rate}{channels}",
        *(f"a=rtcp-fb:{number} {each}" for each in media.feedback if each in codec.feedback),
        *([f"a=fmtp:{number} {_joined(parameters)}"] if parameters else []),
    ]
    if codec.rtx is not None:
        lines += [f"a=rtpmap:{codec.rtx} rtx/{codec.clock_rate}", f"a=fmtp:{codec.rtx} apt={number}"]
    if media.direction == "sendonly":
        lines += _sent(media)
    if has_address:
        lines += [candidate_line(index, each) for index, each in enumerate(ours.candidates)] + ["a=end-of-candidates"]
    return lines


def _sent(media: AcceptedMedia) -> list[str]:
    lines = [f"a=msid:{STREAM} {media.offered.kind}"]
    if media.codec.rtx is not None and media.rtx_ssrc:
        lines.append(f"a=ssrc-group:FID {media.ssrc} {media.rtx_ssrc}")
    return lines + [f"a=ssrc:{each} cname:{media.cname}" for each in (media.ssrc, media.rtx_ssrc) if each]


def _spelled(codec: OfferedCodec) -> str:
    return "opus" if codec.name == "OPUS" else codec.name


def _joined(parameters: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" if value else name for name, value in parameters.items())


def candidate_line(index: int, candidate: Candidate) -> str:
    """Return a candidate's attribute (RFC 8839, section 5.1); the priority is RFC 8445's for one of a host."""
    priority = (126 << 24) | ((65535 - index) << 8) | 255
    return f"a=candidate:{index + 1} 1 udp {priority} {candidate.address} {candidate.port} typ host"
