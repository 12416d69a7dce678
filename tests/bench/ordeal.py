"""Sixty seconds in which everything is killed in turn and the object store fails, and what the recording has of it."""

import tempfile
from pathlib import Path

from tests.encoder import make_clip
from tests.ordeal import Blow, Outcome, endure
from tests.product import Product
from tests.rclone import S3Server

LENGTH_S = 62
BLOWS = [
    Blow(8, "ingest"),
    Blow(16, "store off"),
    Blow(20, "storage"),
    Blow(24, "ingest"),
    Blow(31, "store on"),
    Blow(35, "web"),
    Blow(42, "postgres"),
    Blow(48, "valkey"),
    Blow(54, "storage"),
]


def main() -> None:
    """Print what happened and the table."""
    with tempfile.TemporaryDirectory(prefix="tally-ordeal-") as folder:
        path = Path(folder)
        clip = make_clip(path / "clip.flv", seconds=120)
        with S3Server(path / "s3") as store:
            product = Product(path, TALLY_S3_URL=store.url, TALLY_LADDER="360p")
            product.start()
            try:
                outcome = endure(product, clip, BLOWS, LENGTH_S, lambda on: store.start() if on else store.stop())
            finally:
                product.stop()
    print("\n## An ordeal of a minute")
    print("killed or switched: " + ", ".join(f"{blow.what} at {blow.at_s:g} s" for blow in BLOWS))
    for line in table(outcome):
        print(line)


def table(outcome: Outcome) -> list[str]:
    """What was announced and what is recorded, by rendition, and the rest."""
    lines = ["rendition  announced  in the recording"]
    lines += [
        f"{name:9}  {count:9}  {outcome.recorded.get(name, 0):16}" for name, count in sorted(outcome.announced.items())
    ]
    return [
        *lines,
        f"of them with a SHA-256 taken live: {outcome.hashed}; other bytes in the recording: {len(outcome.different)}",
        f"missing: {outcome.missing or 'none'}; segments that are not their parts: {len(outcome.torn)}",
        f"sessions: {outcome.sessions}; media sequence that fell: {outcome.went_back or 'never'}",
        f"discontinuities: {outcome.discontinuities}; what viewers met meanwhile: {outcome.troubles}",
        f"recording ready {outcome.ready_after_s:.1f} s after the end",
    ]
