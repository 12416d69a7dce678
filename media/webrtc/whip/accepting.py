"""What we take of a publisher's offer: one H.264 and one Opus. Errors: `NotAcceptable` (406, with a sentence)."""

from media.webrtc.answers import AcceptedMedia
from media.webrtc.offers import Offer, OfferedCodec, OfferedMedia
from media.webrtc.whip import arrivals

VIDEO_FEEDBACK = ("nack", "nack pli", "ccm fir", "transport-cc", "goog-remb")
SOUND_FEEDBACK = ("nack", "transport-cc")
START_KBPS = 2_500
"""What Chromium begins with, instead of 300: 720p from its first picture on. What the way carries it finds out soon."""
SOUND_BPS = 128_000
"""What Opus may take for stereo; browsers take 32 kb/s unless told."""
LEVEL = "34"
"""5.2, hexadecimal as in profile-level-id: what we take is up to 4K, whatever the client takes itself."""


class NotAcceptable(Exception):
    """Nothing of the offer can be taken, or not all of it (RFC 9725, section 4.2)."""


def accept(offer: Offer, *, bitrate_kbps: int = 0) -> list[AcceptedMedia]:
    """Return what is accepted of an offer; `bitrate_kbps` is the most it may send, 0 is no limit.

    Raises `NotAcceptable`.
    """
    accepted = []
    for kind, choose in (("video", _video), ("audio", _sound)):
        offered = [each for each in offer.of_kind(kind) if each.direction in {"sendonly", "sendrecv"}]
        if len(offered) > 1:
            raise NotAcceptable(f"One {kind} track can be sent, {len(offered)} are offered.")
        accepted += [choose(each, bitrate_kbps) for each in offered]
    if not accepted:
        raise NotAcceptable("The offer sends neither video nor audio.")
    return accepted


def _video(offered: OfferedMedia, bitrate_kbps: int) -> AcceptedMedia:
    """Take the first H.264 in the client's order that fragments its pictures (packetization-mode 1)."""
    able = [each for each in offered.codecs if each.name == "H264" and each.clock_rate == 90_000]
    able = [each for each in able if each.parameters.get("packetization-mode", "0") in {"0", "1"}]
    if not able:
        raise NotAcceptable("Video has to be H.264, which is not in the offer.")
    codec = next((each for each in able if each.parameters.get("packetization-mode") == "1"), able[0])
    return AcceptedMedia(
        offered=offered,
        codec=codec,
        direction="recvonly",
        parameters=_h264_parameters(codec),
        feedback=VIDEO_FEEDBACK,
        extensions=_extensions(offered),
        bitrate_kbps=bitrate_kbps,
    )


def _h264_parameters(codec: OfferedCodec) -> dict[str, str]:
    parameters = {
        name: value
        for name, value in codec.parameters.items()
        if name in {"level-asymmetry-allowed", "packetization-mode", "profile-level-id"}
    }
    if parameters.get("level-asymmetry-allowed") == "1" and len(parameters.get("profile-level-id", "")) == 6:
        parameters["profile-level-id"] = parameters["profile-level-id"][:4] + LEVEL
    return parameters | {"x-google-start-bitrate": str(START_KBPS)}


def _sound(offered: OfferedMedia, _bitrate_kbps: int) -> AcceptedMedia:
    able = [each for each in offered.codecs if each.name == "OPUS" and each.clock_rate == 48_000]
    if not able:
        raise NotAcceptable("Audio has to be Opus, which is not in the offer.")
    return AcceptedMedia(
        offered=offered,
        codec=able[0],
        direction="recvonly",
        parameters={
            "minptime": "10",
            "useinbandfec": "1",
            "stereo": "1",
            "maxaveragebitrate": str(SOUND_BPS),
        },
        feedback=SOUND_FEEDBACK,
        extensions=_extensions(offered),
    )


def _extensions(offered: OfferedMedia) -> dict[str, int]:
    return {uri: number for uri, number in offered.extensions.items() if uri == arrivals.URI}
