"""Which of the payload types that a viewer offers is taken for what is sent."""

import msgspec

from media.packets import TrackKind
from media.webrtc.answers import AcceptedMedia
from media.webrtc.offers import Offer, OfferedCodec, OfferedMedia
from media.webrtc.watch.admission import NothingFits, Sending
from media.webrtc.watch.sender import PLAYOUT_DELAY

FEEDBACK = {TrackKind.VIDEO: ("nack", "nack pli"), TrackKind.AUDIO: ("nack",)}
"""Browsers do not offer to ask for lost sound by themselves; a page that adds it to the offer gets it."""
EXTENSIONS = {TrackKind.VIDEO: (PLAYOUT_DELAY,), TrackKind.AUDIO: ()}
BASELINE = 0x42


def accept(offer: Offer, sendings: list[Sending]) -> list[AcceptedMedia]:
    """Return what to answer with: of each kind the first m-line that takes it; who asks for less gets less.

    Raises `NothingFits` for an offer that takes none of it, or sound alone of what has pictures.
    """
    accepted = [each for sending in sendings if (each := _accept(offer, sending)) is not None]
    kinds = {each.offered.kind for each in accepted}
    has_pictures = any(sending.kind is TrackKind.VIDEO for sending in sendings)
    if not accepted or (has_pictures and "video" not in kinds and offer.of_kind("video")):
        wanted = "H264/90000 with packetization-mode=1" if has_pictures else "opus/48000/2"
        raise NothingFits(f"this stream is sent as {wanted}, which the offer does not take")
    return accepted


def _accept(offer: Offer, sending: Sending) -> AcceptedMedia | None:
    for media in offer.of_kind(sending.kind.value):
        if media.direction not in {"recvonly", "sendrecv"}:
            continue
        codec = _h264(media, sending.profile_level_id) if sending.kind is TrackKind.VIDEO else _opus(media)
        if codec is not None:
            return AcceptedMedia(
                media,
                codec,
                "sendonly",
                feedback=FEEDBACK[sending.kind],
                extensions={uri: media.extensions[uri] for uri in EXTENSIONS[sending.kind] if uri in media.extensions},
                ssrc=sending.ssrc,
                rtx_ssrc=sending.rtx_ssrc if codec.rtx is not None else 0,
            )
    return None


def _opus(media: OfferedMedia) -> OfferedCodec | None:
    """RFC 7587, section 7: always 48000 and 2 channels, whatever is sent. `sprop-stereo`: two are sent."""
    for codec in media.codecs:
        if (codec.name, codec.clock_rate, codec.channels) == ("OPUS", 48_000, 2):
            return msgspec.structs.replace(codec, parameters=codec.parameters | {"sprop-stereo": "1"})
    return None


def _h264(media: OfferedMedia, profile_level_id: str) -> OfferedCodec | None:
    """Prefer the profile that is sent; else the highest: who decodes Baseline alone has no chance, and most do more."""
    fitting = [
        codec
        for codec in media.codecs
        if codec.name == "H264" and codec.parameters.get("packetization-mode") == "1" and codec.clock_rate == 90_000
    ]
    wanted = _profile(profile_level_id)
    return max(fitting, key=lambda codec: _rank(codec, wanted), default=None)


def _rank(codec: OfferedCodec, wanted: tuple[int, int]) -> tuple[bool, int, int]:
    offered = _profile(codec.parameters.get("profile-level-id", ""))
    return offered[0] == wanted[0], offered[0], offered[1]


def _profile(profile_level_id: str) -> tuple[int, int]:
    """Return profile_idc and level_idc (RFC 6184, section 8.1); Baseline where nothing is said."""
    try:
        value = bytes.fromhex(profile_level_id)
    except ValueError:
        value = b""
    return (value[0], value[2]) if len(value) == 3 else (BASELINE, 10)
