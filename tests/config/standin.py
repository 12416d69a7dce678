"""Stands in for the media and web processes: opens their ports, writes the first-run file, says what it was given."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import asyncpg

PORTS = {
    "web": ("TALLY_HTTP_PORT", "TALLY_INTERNAL_PORT", "TALLY_IRC_PORT"),
    "storage": ("TALLY_STORAGE_PORT",),
    "webrtc": ("TALLY_WEBRTC_PORT",),
    "relay": ("TALLY_RELAY_PORT",),
    "ingest": ("TALLY_ORIGIN_PORT", "TALLY_RTMP_PORT"),
}
FIRST_RUN = {
    "watchUrl": "http://localhost/demo",
    "rtmpUrl": "rtmp://localhost/live/live_standin",
    "channel": "demo",
    "streamKey": "live_standin",
    "adminUser": "admin",
    "adminPassword": "correct horse",
}


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if (await reader.readline()).startswith(b"GET /readyz "):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    writer.close()


async def listen(kind: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    for name in PORTS[kind]:
        await asyncio.start_server(answer, "127.0.0.1", int(os.environ[name]), reuse_port=True)
    if kind == "ingest":
        place = ("127.0.0.1", int(os.environ["TALLY_SRT_PORT"]))
        await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, place)
    print(f"{kind} has {os.environ['TALLY_DATABASE_URL']} and {os.environ['TALLY_REDIS_URL']}")
    await stop.wait()
    print(f"{kind} ends")


async def add_account() -> None:
    connection = await asyncpg.connect(os.environ["TALLY_DATABASE_URL"])
    await connection.execute(
        "INSERT INTO users (id, username, display_name, password_hash) VALUES ('1', 'a_b', '', '')"
    )
    await connection.close()


def main(kind: str) -> None:
    path = Path(os.environ["TALLY_DATA"], "first-run.json")
    if kind != "first-run":
        asyncio.run(listen(kind))
    else:
        path.write_text(json.dumps(FIRST_RUN))
        asyncio.run(add_account())


if __name__ == "__main__":
    main(sys.argv[1])
