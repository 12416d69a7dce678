"""Viewers for tests: what a playlist lists, what FFmpeg decodes of a rendition, what Chromium shows of a channel."""

import io
import re
import subprocess
from urllib.parse import urljoin

import av
import m3u8
import msgspec
from playwright.sync_api import Browser

from tests.encoder import ffmpeg
from tests.product import Product, wait_until

MASTER = "/hls/demo/playlist.m3u8"
DECODE_S = 4
WATCH_MS = 7_000
_READ = """(() => {
  const video = document.querySelector('video')
  const frames = video.getVideoPlaybackQuality().totalVideoFrames
  return [video.currentTime, frames, video.webkitAudioDecodedByteCount, video.videoWidth, video.videoHeight]
})()"""


class Seen(msgspec.Struct, frozen=True):
    """What a browser showed in `WATCH_MS`."""

    played_s: float
    frames: int
    audio_bytes: int
    width: int
    height: int

    @property
    def words(self) -> str:
        """In a cell of a table."""
        return f"{self.played_s:.1f} s of {WATCH_MS / 1000:.0f}, {self.frames} frames, {self.width}x{self.height}"


def master(product: Product) -> m3u8.M3U8:
    """The multivariant playlist, read by a library."""
    return m3u8.loads(product.get(MASTER)[2].decode())


def rendition_uris(product: Product) -> dict[str, str]:
    """Media playlists by rendition name, in the order of the multivariant playlist: variants, then sound."""
    lists = master(product)
    uris = [playlist.uri for playlist in lists.playlists] + [media.uri for media in lists.media if media.uri]
    return {uri.rpartition("/")[2].removesuffix(".m3u8"): urljoin(MASTER, uri) for uri in uris}


def renditions(product: Product) -> list[str]:
    """Names of the renditions that are listed."""
    return list(rendition_uris(product))


def media_playlist(product: Product, name: str) -> m3u8.M3U8:
    """A rendition's playlist, read by a library."""
    return m3u8.loads(product.get(rendition_uris(product)[name])[2].decode())


def first_sample(product: Product, name: str, msn: int) -> tuple[float, bool]:
    """Presentation time in seconds of a segment's first sample, and whether it is a keyframe."""
    uri = rendition_uris(product)[name]
    listed = media_playlist(product, name)
    segment = listed.segments[msn - listed.media_sequence]
    data = b"".join(product.get(urljoin(uri, part))[2] for part in (segment.init_section.uri, segment.uri))
    with av.open(io.BytesIO(data), "r") as container:
        packet = next(packet for packet in container.demux() if packet.pts is not None)
        assert packet.pts is not None
        assert packet.time_base is not None
        return float(packet.pts * packet.time_base), packet.is_keyframe


def decode(product: Product, name: str) -> str:
    """Let FFmpeg play a rendition for `DECODE_S`; return the frames it decoded, or what it complained of."""
    url = product.url + rendition_uris(product)[name]
    # It knows no parts: a rendition without a segment is nothing to it.
    wait_until(lambda: any(each.uri for each in media_playlist(product, name).segments), 15, f"{name} has a segment")
    result = subprocess.run(
        [ffmpeg(), "-hide_banner", "-loglevel", "warning", "-i", url, "-t", str(DECODE_S), "-f", "null", "-", "-stats"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    faults = [line for line in result.stderr.splitlines() if re.search(r"error|invalid|corrupt|non-mono", line, re.I)]
    if result.returncode or faults:
        return f"FAULT {faults[0] if faults else result.returncode}"
    frames = re.findall(r"frame=\s*(\d+)", result.stderr)
    times = re.findall(r"time=(\S+)", result.stderr)
    return str(frames[-1] if frames and frames[-1] != "0" else times[-1])


def play(browser: Browser, product: Product) -> Seen:
    """Open the channel's page and watch; the first frame may take its time."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True).new_page()
    try:
        page.goto(f"{product.url}/demo")
        page.wait_for_function(
            "document.querySelector('video') && document.querySelector('video').currentTime > 0.3", timeout=25_000
        )
        before = page.evaluate(_READ)
        page.wait_for_timeout(WATCH_MS)
        after = page.evaluate(_READ)
    finally:
        page.context.close()
    return Seen(after[0] - before[0], after[1] - before[1], after[2] - before[2], after[3], after[4])
