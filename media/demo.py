"""`tally demo`: publishes the test card through the real RTMP port, as an encoder would."""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

import structlog

from config.settings import Settings
from config.stopping import stop_event
from media.rtmp.amf import AmfValue
from media.rtmp.client import PublishFailed, RtmpPublisher
from media.testcard import CardSettings, TestCard

log = structlog.get_logger()

MAX_LAG_S = 2.0
"""When the machine cannot draw in real time, the card skips ahead instead of falling further behind."""


def add_arguments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "demo",
        help="publish a moving test picture with a clock and a tone",
        epilog="example: tally demo --width 1920 --height 1080 --bitrate 6000",
    )
    default = CardSettings()
    parser.add_argument("--url", help="where to publish (default: this machine's RTMP port)")
    parser.add_argument("--key-file", type=Path, help="file with the stream key (default: the first run's key)")
    parser.add_argument("--width", type=int, default=default.width)
    parser.add_argument("--height", type=int, default=default.height)
    parser.add_argument("--fps", type=int, default=default.frame_rate)
    parser.add_argument("--gop", type=float, default=default.keyframe_interval_s, metavar="SECONDS")
    parser.add_argument("--bitrate", type=int, default=default.video_bitrate_bps // 1000, metavar="KBIT/S")
    parser.add_argument("--seconds", type=float, help="stop after this long (default: at Ctrl-C)")


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    """Publish until told to stop; exit with a line that says what went wrong."""
    try:
        key = _key(arguments, settings)
    except OSError as error:
        sys.exit(f"no stream key: {error}. Start `tally serve` first, or give --key-file")
    card = CardSettings(
        width=arguments.width,
        height=arguments.height,
        frame_rate=arguments.fps,
        keyframe_interval_s=arguments.gop,
        video_bitrate_bps=arguments.bitrate * 1000,
    )
    url = arguments.url or f"rtmp://127.0.0.1:{settings.rtmp_port}/live"
    try:
        asyncio.run(_until_signal(card, url, key, arguments.seconds))
    except (PublishFailed, OSError) as error:
        sys.exit(f"publishing to {url} failed: {error}")


def _key(arguments: argparse.Namespace, settings: Settings) -> str:
    if arguments.key_file:
        return str(arguments.key_file.read_text().strip())
    return str(json.loads((settings.data / "first-run.json").read_text())["streamKey"])


async def _until_signal(card: CardSettings, url: str, key: str, seconds: float | None) -> None:
    await publish(card, url, key, seconds=seconds, stop=stop_event())


async def publish(card: CardSettings, url: str, key: str, *, seconds: float | None, stop: asyncio.Event) -> None:
    """Publish the card in real time. Raises `PublishFailed` when refused or cut, `OSError` when not reached."""
    source = await asyncio.to_thread(TestCard, card)
    async with await RtmpPublisher.connect(f"{url}/{key}") as publisher:
        log.info("demo on the air", url=url, width=card.width, height=card.height, fps=card.frame_rate)
        await publisher.send_metadata(_metadata(card))
        for config in source.configs:
            await publisher.send_config(config)
        started = time.monotonic()
        while not stop.is_set() and (seconds is None or source.position_s < seconds):
            for packet in await asyncio.to_thread(lambda: list(source.packets())):
                await publisher.send_packet(packet)
            ahead_s = started + source.position_s - time.monotonic()
            if ahead_s < -MAX_LAG_S:
                log.warning("this machine draws too slowly, skipping ahead", lag_s=round(-ahead_s, 1))
                started -= ahead_s
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)


def _metadata(card: CardSettings) -> dict[str, AmfValue]:
    return {
        "width": float(card.width),
        "height": float(card.height),
        "framerate": float(card.frame_rate),
        "videodatarate": card.video_bitrate_bps / 1000,
        "audiodatarate": card.audio_bitrate_bps / 1000,
        "encoder": "Tallylight demo",
    }
