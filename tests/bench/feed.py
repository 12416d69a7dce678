"""What feeds cost the ingest process, and how long a frame takes from an RTMP publisher to who reads the feed."""

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import aiohttp

from media.links.client import open_feed
from media.links.messages import Media, Tracks
from media.packets import Packet, TrackKind
from media.rtmp.client import RtmpPublisher
from schemas.ids import SessionId
from tests.bench.processes import cpu_s, table
from tests.media.transcode.clips import video
from tests.product import Product, wait_until

RATE, LENGTH_S, WINDOW_S = 60, 4, 20.0
FRAME_BYTES = 12_000
"""At 60 frames per second, 5.8 Mbit/s."""
NAMES = ("nobody", "a feed", "an urgent feed")


def main() -> None:
    """Measure one publisher of 60 frames per second, unread and read."""
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as name:
        product = Product(Path(name), TALLY_LADDER="off", TALLY_WEBRTC_PORT="0", TALLY_RELAY_PORT="0").start()
        try:
            rows = asyncio.run(_measure(product))
        finally:
            product.stop()
    head = ("reader", "CPU-s per stream-minute", "median ms to the reader", "p95 ms")
    print(table("Feeds of one 60 fps, 6 Mb/s stream over RTMP: the ingest process", head, rows))


def _packets() -> list[Packet]:
    """Real pictures, filled up by a unit of filler (H.264, 7.3.2.7) to the size of a busy stream's."""
    material = video(size="640x360", frames=RATE * LENGTH_S, rate=RATE, gop=RATE * 2)
    filled = []
    for packet in material.packets:
        size = max(FRAME_BYTES - len(packet.data) - 4, 2)
        data = packet.data + size.to_bytes(4, "big") + b"\x0c" + b"\xff" * (size - 2) + b"\x80"
        filled.append(Packet(TrackKind.VIDEO, 0, 0, packet.is_keyframe, data))
    return filled


async def _measure(product: Product) -> list[tuple[str, ...]]:
    material = video(size="640x360", frames=2, rate=RATE)
    sent: dict[int, float] = {}
    publisher = await RtmpPublisher.connect(product.publish_url())
    await publisher.send_config(material.config)
    sending = asyncio.create_task(_send(publisher, _packets(), sent))
    playlist = "/hls/demo/playlist.m3u8"
    await asyncio.to_thread(wait_until, lambda: product.get(playlist)[0] == 200, 30, "the stream is playable")
    lines = (await asyncio.to_thread(product.get, playlist))[2].decode().splitlines()
    session = SessionId(next(line for line in lines if line.endswith("video.m3u8")).partition("/")[0])
    [pid] = product.pids("media", "ingest")
    await asyncio.sleep(5)
    rows: list[tuple[str, ...]] = []
    for name in NAMES:
        delays: list[float] = []
        reading = None
        if name != "nobody":
            reading = asyncio.create_task(_read(product, session, sent, delays, is_urgent=name.startswith("an ")))
            await asyncio.sleep(2)
        before, since = cpu_s(pid), time.monotonic()
        await asyncio.sleep(WINDOW_S)
        cost = (cpu_s(pid) - before) / (time.monotonic() - since) * 60
        if reading is not None:
            reading.cancel()
            await asyncio.wait({reading})
        figures = (f"{median(delays) * 1000:.1f}", f"{quantiles(delays, n=20)[-1] * 1000:.1f}") if delays else ("", "")
        rows.append((name, f"{cost:.2f}", *figures))
    sending.cancel()
    await asyncio.wait({sending})
    await publisher.close()
    return rows


async def _send(publisher: RtmpPublisher, packets: list[Packet], sent: dict[int, float]) -> None:
    start, number = time.monotonic(), 0
    while True:
        stamp = number * 1000 // RATE
        packet = packets[number % len(packets)]
        sent[stamp] = time.monotonic()
        await publisher.send_packet(Packet(packet.kind, stamp, stamp, packet.is_keyframe, packet.data))
        number += 1
        await asyncio.sleep(max(start + number / RATE - time.monotonic(), 0))


async def _read(
    product: Product, session: SessionId, sent: dict[int, float], delays: list[float], *, is_urgent: bool
) -> None:
    origin = f"http://127.0.0.1:{product.environ['TALLY_ORIGIN_PORT']}"
    async with (
        aiohttp.ClientSession() as http,
        open_feed(http, origin, session, ["video"], is_urgent=is_urgent) as feed,
    ):
        async for message in feed:
            if isinstance(message, Tracks):
                continue
            if isinstance(message, Media) and not message.is_past:
                begun = sent.get(round(message.packet.dts / 90))  # media time begins with the first frame's stamp
                if begun is not None:
                    delays.append(time.monotonic() - begun)


if __name__ == "__main__":
    main()
