"""Viewers over WHEP that take packets and show nothing: a process of its own, beside what is measured.

`python -m tests.bench.whep_viewers URL COUNT` prints "ready" once all get media, then waits for a line on stdin and
prints how many bytes of RTP came since the line before, until stdin ends.
"""

import asyncio
import sys

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcdtlstransport import RTCDtlsTransport

JOIN_S = 60.0

received = 0


async def _count(self: RTCDtlsTransport, data: bytes, arrival_time_ms: int) -> None:
    """Count a decrypted packet instead of reading it."""
    global received  # noqa: PLW0603
    received += len(data)


async def join(http: aiohttp.ClientSession, url: str) -> RTCPeerConnection:
    """Connect one viewer."""
    viewer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    viewer.addTransceiver("video", direction="recvonly")
    viewer.addTransceiver("audio", direction="recvonly")
    await viewer.setLocalDescription(await viewer.createOffer())
    headers = {"Content-Type": "application/sdp"}
    async with http.post(url, data=viewer.localDescription.sdp, headers=headers) as answer:
        text = await answer.text()
        if answer.status != 201:
            raise SystemExit(f"refused with {answer.status}: {text}")
    await viewer.setRemoteDescription(RTCSessionDescription(text, "answer"))
    return viewer


async def main(url: str, count: int) -> None:
    """Join, then answer each line."""
    global received  # noqa: PLW0603
    RTCDtlsTransport._handle_rtp_data = _count  # type: ignore[method-assign]
    async with aiohttp.ClientSession() as http:
        viewers = [await join(http, url) for _ in range(count)]
        async with asyncio.timeout(JOIN_S):
            while any(viewer.connectionState != "connected" for viewer in viewers):
                await asyncio.sleep(0.1)
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(received, flush=True)
            received = 0
        for viewer in viewers:
            await viewer.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
