"""How long a segment takes into storage and what that costs: the storage process before rclone's S3 server.

Twenty streams of segments of 200 kB, 100 a second. Freshness is from the line in the journal to the answer of the
store, as the process itself counts it; CPU is that of the whole process, journals, notes and events among it.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from config.embedded import EmbeddedValkey
from tests.bench.processes import cpu_s, rss_mb, table
from tests.media.storage.written import WrittenSession
from tests.product import free_ports, wait_until
from tests.rclone import S3Server

STREAMS, RATE, LENGTH_S = 20, 100, 20
SEGMENT_BYTES = 200_000
P95_TARGET_S, CPU_TARGET_MS = 1.0, 4.0


def main() -> None:
    """Print one row for a bucket and one for plain files."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="tally-bench-", dir="/tmp") as folder:
        server = EmbeddedValkey(Path(folder) / "valkey", Path(folder), durable=False)
        server.start()
        try:
            with S3Server(Path(folder) / "s3") as bucket:
                rows.append(_row("S3", _measure(Path(folder) / "a", server.url, TALLY_S3_URL=bucket.url)))
            rows.append(_row("files", _measure(Path(folder) / "b", server.url)))
        finally:
            server.stop()
    header = ("store", "puts/s", "p50", "p95", "target", "CPU per put", "target", "memory")
    print(table(f"Storage: {STREAMS} streams, {RATE} segments of {SEGMENT_BYTES // 1000} kB a second", header, rows))


def _row(name: str, found: tuple[float, float, float, float, float]) -> tuple[str, ...]:
    puts, p50, p95, cpu_ms, memory = found
    return (
        name,
        f"{puts:.0f}",
        f"{p50:.2f} s",
        f"{p95:.2f} s",
        f"{P95_TARGET_S:g} s",
        f"{cpu_ms:.2f} ms",
        f"{CPU_TARGET_MS:g} ms",
        f"{memory:.0f} MB",
    )


def _measure(data: Path, redis_url: str, **settings: str) -> tuple[float, float, float, float, float]:
    port = free_ports(1)[0]
    sessions = [WrittenSession(data, f"s{number}") for number in range(STREAMS)]
    for session in sessions:
        session.plan()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")} | settings
    environ |= {"TALLY_DATA": str(data), "TALLY_REDIS_URL": redis_url, "TALLY_STORAGE_PORT": str(port)}
    environ |= {"TALLY_SECRET": "x" * 32, "TALLY_LOG_LEVEL": "warning"}
    process = subprocess.Popen([sys.executable, "-m", "media", "storage"], env=environ)
    try:
        wait_until(lambda: _metric(port, "tally_storage_puts_total") >= 2 * STREAMS, 30, "the inits are stored")
        puts, cpu, began = _metric(port, "tally_storage_puts_total"), cpu_s(process.pid), time.monotonic()
        body = os.urandom(SEGMENT_BYTES)
        for number in range(RATE * LENGTH_S):
            sessions[number % STREAMS].segment(body=number.to_bytes(8) + body)
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        wait_until(lambda: _metric(port, "tally_storage_waiting") == 0, 60, "all is stored")
        puts, cpu = _metric(port, "tally_storage_puts_total") - puts, cpu_s(process.pid) - cpu
        delays = _buckets(_page(port), "tally_storage_delay_seconds_bucket")
        rate = puts / (time.monotonic() - began)
        return rate, _quantile(delays, 0.5), _quantile(delays, 0.95), cpu * 1000 / puts, rss_mb(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def _metric(port: int, name: str) -> float:
    try:
        found = re.search(rf"^{name} ([0-9.e+]+)$", _page(port), re.MULTILINE)
    except OSError:
        return -1.0
    return float(found[1]) if found else -1.0


def _buckets(page: str, name: str) -> list[tuple[float, float]]:
    """Upper bounds and how many are below."""
    found = re.findall(rf'^{name}{{le="([^"]+)"}} ([0-9.e+]+)$', page, re.MULTILINE)
    return [(float(bound), float(count)) for bound, count in found]


def _quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """Return the upper bound of the bucket in which it lies, refined in proportion."""
    wanted, low, below = buckets[-1][1] * share, 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted:
            return bound if count == below else low + (bound - low) * (wanted - below) / (count - below)
        low, below = bound, count
    return float("inf")
