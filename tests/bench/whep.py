"""WHEP: what viewers cost, and glass to glass in headless Chromium with our own page on loopback.

The test card carries the time at which it was drawn in its pixels; the page's frames are read back when the browser
presents them, so the figure holds encoder, RTMP, packetising, network, jitter buffer and decoder.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import msgspec

from tests.bench.processes import cpu_s, rss_mb, table
from tests.browser import chromium, open_page
from tests.demo import demo
from tests.encoder import end, make_clip, publish
from tests.product import Product, wait_until

MANY = 30
SETTLE_S = 8.0
WINDOW_S = 20.0
WARM_UP_S = 5.0
GLASS_S = 25.0
OVER_S = 50.0
KBPS = 2_370
"""With sound 2.5 Mb/s."""


def main() -> None:
    """Measure CPU without viewers, with one and with `MANY`; then latency."""
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as name:
        folder = Path(name)
        video = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "0")
        clip = make_clip(folder / "clip.flv", size="1280x720", seconds=10, video_kbps=KBPS, noise=12, video=video)
        product = Product(folder, TALLY_LADDER="off").start()
        try:
            print(table(f"WHEP: {KBPS / 1000} Mb/s of pictures, CPU in % of a core", COLUMNS, _costs(product, clip)))
            wait_until(lambda: not _is_on(product), OVER_S, "the clip is off the air")
            glass = _glass(product)
            print(table("WHEP: glass to glass, headless Chromium, with sound", ("figure", "measured", "target"), glass))
        finally:
            product.stop()


def _is_on(product: Product) -> bool:
    return product.get("/hls/demo/playlist.m3u8")[0] == 200


COLUMNS = ("viewers", "webrtc", "per viewer", "target", "ingest", "children", "RSS MB of webrtc", "Mb/s arrived")


class Cost(msgspec.Struct, frozen=True):
    """CPU-seconds per second of each process, and what arrived."""

    webrtc: float
    ingest: float
    children: float
    rss_mb: float
    mbps: float


def _costs(product: Product, clip: Path) -> list[tuple[str, ...]]:
    publisher = publish(clip, product.publish_url())
    try:
        wait_until(lambda: _is_on(product), 20, "the stream is playable")
        found = {count: _cost(product, count) for count in (0, 1, MANY)}
    finally:
        end(publisher)
    rows: list[tuple[str, ...]] = []
    for count, cost in found.items():
        each = (cost.webrtc - found[1].webrtc) / (count - 1) if count > 1 else 0.0
        rows.append(
            (
                str(count),
                f"{cost.webrtc:.1%}",
                f"{each:.2%}" if each else "",
                "1.30%" if each else "",
                f"{cost.ingest:.1%}",
                f"{cost.children:.1%}",
                f"{cost.rss_mb:.0f}",
                f"{cost.mbps:.1f}",
            )
        )
    return rows


def _cost(product: Product, count: int) -> Cost:
    command = [sys.executable, "-m", "tests.bench.whep_viewers", f"{product.url}/whep/demo", str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as viewers:
        assert viewers.stdin is not None
        assert viewers.stdout is not None
        try:
            assert viewers.stdout.readline() == "ready\n"
            time.sleep(SETTLE_S)
            [webrtc], [ingest] = product.pids("media", "webrtc"), product.pids("media", "ingest")
            watched = [webrtc, ingest, *product.pids("media", "transcode")]
            _said(viewers)
            before, since = [cpu_s(pid) for pid in watched], time.monotonic()
            time.sleep(WINDOW_S)
            passed = time.monotonic() - since
            used = [(cpu_s(pid) - earlier) / passed for pid, earlier in zip(watched, before, strict=True)]
            mbps = _said(viewers) * 8 / passed / 1e6
            return Cost(used[0], used[1], sum(used[2:]), rss_mb(webrtc), mbps)
        finally:
            viewers.stdin.close()


def _said(viewers: "subprocess.Popen[str]") -> int:
    assert viewers.stdin is not None
    assert viewers.stdout is not None
    viewers.stdin.write("\n")
    viewers.stdin.flush()
    return int(viewers.stdout.readline())


def _glass(product: Product) -> list[tuple[str, ...]]:
    publisher = demo(product, "--width", "854", "--height", "480")
    try:
        wait_until(lambda: _is_on(product), 20, "the demo is on")
        with chromium() as browser:
            page = open_page(browser, f"{product.url}/healthz")
            page.evaluate(WATCH, f"{product.url}/whep/demo")
            page.wait_for_function("window.tallyFrames.length > 0", timeout=20_000)
            page.wait_for_timeout(WARM_UP_S * 1000)
            page.evaluate("window.tallyFrames.length = 0")
            before = page.evaluate("tallyStats()")
            page.wait_for_timeout(GLASS_S * 1000)
            frames: list[tuple[int, int]] = page.evaluate("window.tallyFrames")
            after = page.evaluate("tallyStats()")
            first = page.evaluate("window.tallyFirstFrame - window.tallyAsked")
    finally:
        end(publisher)
    return _glass_rows([shown - drawn for shown, drawn in frames], before, after, float(first))


def _glass_rows(latencies: list[int], before: Any, after: Any, first_ms: float) -> list[tuple[str, ...]]:
    def grown(kind: str, name: str) -> float:
        return float(after[kind].get(name, 0) - before[kind].get(name, 0))

    concealed = grown("audio", "concealedSamples") / max(1.0, grown("audio", "totalSamplesReceived"))
    held_ms = {
        kind: 1000 * grown(kind, "jitterBufferDelay") / max(1.0, grown(kind, "jitterBufferEmittedCount"))
        for kind in ("video", "audio")
    }
    return [
        ("latency, median", f"{median(latencies):.0f} ms", "120 ms"),
        ("latency, p95", f"{quantiles(latencies, n=20)[-1]:.0f} ms", "250 ms"),
        ("frames read", str(len(latencies)), ""),
        ("first frame after the offer", f"{first_ms:.0f} ms", ""),
        ("concealed samples", f"{concealed:.2%}", "5%"),
        ("freezes", f"{grown('video', 'freezeCount'):.0f}", "0"),
        ("frames dropped", f"{grown('video', 'framesDropped'):.0f}", ""),
        ("jitter buffer of pictures", f"{held_ms['video']:.0f} ms", ""),
        ("jitter buffer of sound", f"{held_ms['audio']:.0f} ms", ""),
    ]


WATCH = """async (url) => {
  const pc = new RTCPeerConnection();
  const stream = new MediaStream();
  const video = document.body.appendChild(document.createElement('video'));
  video.autoplay = video.muted = true;
  video.srcObject = stream;
  for (const kind of ['video', 'audio']) pc.addTransceiver(kind, { direction: 'recvonly' });
  pc.ontrack = ({ track, receiver }) => { receiver.jitterBufferTarget = 0; stream.addTrack(track); };
  window.tallyStats = async () => {
    const found = {};
    for (const each of (await pc.getStats()).values()) if (each.type === 'inbound-rtp') found[each.kind] = each;
    return found;
  };
  await pc.setLocalDescription(await pc.createOffer());
  window.tallyAsked = performance.now();
  const headers = { 'Content-Type': 'application/sdp' };
  const answer = await fetch(url, { method: 'POST', body: pc.localDescription.sdp, headers });
  if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
  window.tallyPeer = pc;
  window.tallyResource = answer.headers.get('Location');
  await pc.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
}"""
"""Run in a page of the product: watch, with what a player for the lowest latency asks for."""


if __name__ == "__main__":
    main()
