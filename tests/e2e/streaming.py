"""One publisher on the demo channel, from an empty air to an empty air."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from tests.encoder import end, publish
from tests.product import Product, wait_until

PLAYLIST = "/hls/demo/playlist.m3u8"
EMPTY_S = 50
"""For a stream to end: at once after a goodbye, after the grace when a busy machine has lost it."""


def is_playable(product: Product) -> bool:
    """Whether the demo channel's stream can be fetched; not, while web is away."""
    try:
        return product.get(PLAYLIST)[0] == 200
    except OSError:
        return False


def await_empty_air(product: Product) -> None:
    """Wait until what a test before this one published is gone."""
    wait_until(lambda: not is_playable(product), EMPTY_S, "the last stream is off the air")


@contextmanager
def streaming(product: Product, clip: Path, key: str | None = None) -> Iterator[Popen[bytes]]:
    """Publish until the context is left; the stream can be played inside it."""
    await_empty_air(product)
    publisher = publish(clip, product.publish_url(key))
    try:
        wait_until(lambda: is_playable(product), 15, "the stream can be played")
        yield publisher
    finally:
        end(publisher)
