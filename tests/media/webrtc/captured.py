"""Offers as real clients sent them."""

from pathlib import Path

from media.webrtc.offers import Offer, read_offer

HERE = Path(__file__).parent
CHROMIUM = (HERE / "chromium_156.sdp").read_bytes()
FFMPEG = (HERE / "ffmpeg_9.sdp").read_bytes()


def chromium() -> Offer:
    """Camera, microphone and a data channel."""
    return read_offer(CHROMIUM)
