"""`tally doctor`: can this machine do it, do the servers answer, and what is set where."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal

import asyncpg
import msgspec
from redis.exceptions import RedisError

from config import encoders, libsrt, ports
from config.embedded import running_urls
from config.embedded.binaries import find_postgres, find_valkey
from config.embedded.runtime import CannotStart, is_locked, prepare_data
from config.limits import LADDER_SHARE, usable_cores
from config.migrations import MigrationRefused, pending, shipped
from config.objects.opening import OBJECTS, open_stores
from config.objects.store import ObjectStore, StoreError
from config.postgres import Connection, DatabaseUnavailable, connect
from config.probes import NotReady, accepts, wait_until
from config.redis import connect as connect_redis
from config.settings import Loaded, Settings, masked, reachable
from config.version import VERSION

LOW_DISK_BYTES, NO_DISK_BYTES = 5 << 30, 200 << 20
DATABASE_S = 3.0
STORE_S = 20.0
SPOOL_WARN_SHARE = 0.8
CLOCK_WARN_S, CLOCK_FAIL_S = 1.0, 30.0
"""Callbacks between processes of different machines are refused at 60 s."""
OLDEST_REDIS = (6, 2)
OLDEST_POSTGRES = 14
ENCODERS = ("libx264", "aac")

Outcome = Literal["ok", "warning", "failed"]


class Check(msgspec.Struct, frozen=True):
    """What was looked at and what was found."""

    name: str
    outcome: Outcome
    detail: str


class Shown(msgspec.Struct, frozen=True):
    """A setting: its value as it may be seen, and where that comes from."""

    name: str
    value: str | int | float | None
    source: str


class Report(msgspec.Struct, frozen=True):
    """All of it. `failed`: something that is needed does not work."""

    version: str
    failed: bool
    checks: list[Check]
    settings: list[Shown]


async def examine(loaded: Loaded) -> Report:
    """Look at everything; change nothing."""
    settings = loaded.settings
    checks = [_check_data(settings), _check_disk(settings)]
    checks += [check async for check in _check_ports(settings)]
    urls = running_urls(settings)
    database_url = settings.database_url or (urls.database_url if urls else None)
    redis_url = settings.redis_url or (urls.redis_url if urls else None)
    checks += await _check_database(settings, database_url)
    checks.append(await _check_redis(redis_url))
    checks += [*await check_stores(settings), check_spool(settings)]
    checks += [_check_ffmpeg(), await _check_encoder(settings), _check_cores(settings), _check_srt()]
    values = masked(settings)
    shown = [Shown(name, value, loaded.sources[name.partition(".")[0]]) for name, value in values.items()]
    return Report(VERSION, any(check.outcome == "failed" for check in checks), checks, shown)


def as_json(report: Report) -> str:
    """Return the report for scripts."""
    return msgspec.json.format(msgspec.json.encode(report)).decode()


def as_text(report: Report) -> str:
    """Return the report for people."""
    marks = {"ok": "ok     ", "warning": "WARNING", "failed": "FAILED "}
    lines = [f"Tallylight {report.version}", ""]
    lines += [f"{marks[check.outcome]}  {check.name:<13} {check.detail}" for check in report.checks]
    lines += ["", f"{'setting':<16} {'value':<34} from"]
    for one in report.settings:
        value = "-" if one.value in (None, "") else str(one.value)
        lines.append(f"{one.name:<16} {value:<34} {one.source}")
    return "\n".join(lines)


# --- this machine ------------------------------------------------------------------------------------------


def _check_data(settings: Settings) -> Check:
    if not settings.data.exists():
        place = _existing(settings.data)
        if place.is_dir() and os.access(place, os.W_OK):
            return Check("data", "ok", f"{settings.data} does not exist yet and can be made")
        return Check("data", "failed", f"{settings.data} cannot be made in {place}: fix it, or set TALLY_DATA")
    try:
        prepare_data(settings.data)
    except CannotStart as error:
        return Check("data", "failed", str(error))
    return Check("data", "ok", f"{settings.data} is writable")


def _check_disk(settings: Settings) -> Check:
    place = _existing(settings.data)
    free = shutil.disk_usage(place).free
    outcome: Outcome = "failed" if free < NO_DISK_BYTES else "warning" if free < LOW_DISK_BYTES else "ok"
    advice = "" if outcome == "ok" else ": free some, or set TALLY_DATA to a place with more"
    return Check("disk", outcome, f"{free / (1 << 30):.1f} GiB free at {place}{advice}")


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


async def _check_ports(settings: Settings) -> AsyncIterator[Check]:
    is_ours = is_locked(settings.data)
    for listener in ports.listeners(settings):
        name = f"port {listener.port}"
        reason = ports.trouble(listener)
        if listener.is_udp and isinstance(libsrt.find(), str):
            continue  # `_check_srt` says that nobody will listen
        if reason is None and is_ours:
            yield Check(name, "warning", f"nobody listens ({listener.variable}), but `tally serve` runs: see its lines")
        elif reason is None:
            yield Check(name, "ok", f"free ({listener.variable})")
        elif is_ours and (listener.is_udp or await _answers(reachable(listener.host), listener.port)):
            yield Check(name, "ok", f"used by the running `tally serve` ({listener.variable})")
        else:
            yield Check(name, "failed", str(reason))


async def _answers(host: str, port: int) -> bool:
    try:
        await wait_until(accepts(host, port), 0)
    except NotReady:
        return False
    return True


def _check_ffmpeg() -> Check:
    try:
        import av
        from av.codec import Codec
    except ImportError as error:
        return Check("ffmpeg", "failed", f"PyAV cannot be loaded ({error}): run `make run` again to install it")
    versions = ", ".join(f"{name} {'.'.join(map(str, v))}" for name, v in sorted(av.library_versions.items()))
    missing = []
    for name in ENCODERS:
        try:
            Codec(name, "w")
        except ValueError:
            missing.append(name)
    if missing:
        return Check("ffmpeg", "failed", f"these libraries cannot encode {' and '.join(missing)}: {versions}")
    return Check("ffmpeg", "ok", f"PyAV {av.__version__}, encoders {' and '.join(ENCODERS)}, {versions}")


async def _check_encoder(settings: Settings) -> Check:
    wanted = f"{settings.encoder} {settings.encoder_preset}"
    if settings.ladder == "off":
        return Check("encoder", "ok", f"{wanted} for channels that ask for a ladder: TALLY_LADDER is off")
    reason = await encoders.trial(settings.encoder)
    if not reason:
        return Check("encoder", "ok", f"{wanted} works here")
    if settings.encoder == encoders.SOFTWARE:
        return Check("encoder", "failed", f"{wanted} does not work here ({reason}): no ladder can be made")
    return Check("encoder", "warning", f"{wanted} does not work here ({reason}): {encoders.SOFTWARE} is used")


def _check_cores(settings: Settings) -> Check:
    usable = usable_cores()
    if settings.transcode_cores > usable:
        detail = (
            f"TALLY_TRANSCODE_CORES is {settings.transcode_cores:g}, but there are {usable:g}: ladders will be late"
        )
        return Check("cores", "warning", detail)
    share = settings.transcode_cores or usable * LADDER_SHARE
    return Check("cores", "ok", f"ladders may use {share:g} of {usable:g} (TALLY_TRANSCODE_CORES)")


def _check_srt() -> Check:
    found = libsrt.find()
    if isinstance(found, str):
        return Check("srt", "warning", f"unavailable: {found}")
    return Check("srt", "ok", f"libsrt {found.version} ({found.path})")


# --- servers -----------------------------------------------------------------------------------------------


async def _check_database(settings: Settings, url: str | None) -> list[Check]:
    if url is None:
        return [_check_embedded("postgres", lambda: _describe_postgres(settings.data / "postgres"))]
    try:
        connection = await connect(url, wait_s=DATABASE_S)
    except DatabaseUnavailable as error:
        return [Check("postgres", "failed", str(error))]
    try:
        major = connection.get_server_version().major
        outcome: Outcome = "ok" if major >= OLDEST_POSTGRES else "failed"
        advice = "" if outcome == "ok" else f": version {OLDEST_POSTGRES} or later is needed"
        checks = [Check("postgres", outcome, f"PostgreSQL {major} answers{advice}")]
        checks.append(await _check_migrations(connection))
        before = time.time()
        theirs = float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())"))
        checks.append(_check_clock(theirs - (before + time.time()) / 2))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        checks = [Check("postgres", "failed", f"it answers with an error: {error}")]
    finally:
        await connection.close()
    return checks


async def _check_migrations(connection: Connection) -> Check:
    try:
        missing = await pending(connection, shipped())
    except MigrationRefused as error:
        return Check("migrations", "failed", str(error))
    if missing:
        names = " and ".join(migration.name for migration in missing)
        return Check("migrations", "failed", f"{names} not applied: run `tally migrate`")
    return Check("migrations", "ok", f"the database has {shipped()[-1].name}")


def _check_clock(ahead_s: float) -> Check:
    off = abs(ahead_s)
    outcome: Outcome = "failed" if off > CLOCK_FAIL_S else "warning" if off > CLOCK_WARN_S else "ok"
    advice = "" if outcome == "ok" else ": let both machines follow a time server"
    return Check("clock", outcome, f"{off:.3f} s from the database server's{advice}")


async def check_stores(settings: Settings) -> list[Check]:
    """Write, read and delete in every store; plain files are looked at only where there are some."""
    if settings.s3_url is None and settings.recordings_s3_url is None and not (settings.data / OBJECTS).exists():
        return [Check("storage", "ok", f"files in {settings.data / OBJECTS}, when there are some")]
    async with open_stores(settings) as stores:
        return [await _check_store(store) for store in stores.each()]


async def _check_store(store: ObjectStore) -> Check:
    try:
        async with asyncio.timeout(STORE_S):
            return Check("storage", "ok", f"{await store.check()}: written, read and deleted")
    except TimeoutError:
        return Check("storage", "failed", f"it does not answer within {STORE_S:g} s")
    except StoreError as error:
        return Check("storage", "failed", str(error))


def check_spool(settings: Settings) -> Check:
    """Look at how much waits for storage; what a live playlist needs is in there too."""
    spool = settings.data / "spool"
    used = sum(_size(path) for path in spool.glob("*/*"))
    total = shutil.disk_usage(_existing(settings.data)).total
    limit = settings.spool_max_gb * 1e9 or total / 2
    detail = f"{used / 1e9:.2f} GB of {limit / 1e9:.1f} GB (TALLY_SPOOL_MAX_GB)"
    if used > limit * SPOOL_WARN_SHARE:
        return Check("spool", "warning", f"{detail}: storage is away or too slow, soon segments are given up")
    if limit > total:
        return Check("spool", "warning", f"{detail}: the disk has only {total / 1e9:.1f} GB")
    return Check("spool", "ok", detail)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # removed meanwhile
        return 0


def _describe_postgres(data: Path) -> str:
    written = data / "PG_VERSION"
    major = written.read_text("ascii").strip() if written.exists() else ""
    return f"PostgreSQL {find_postgres(int(major) if major.isdigit() else None).major}"


def _check_embedded(name: str, describe: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", f"embedded {describe()}, not running: `tally serve` starts it")
    except CannotStart as error:
        return Check(name, "failed", str(error))


async def _check_redis(url: str | None) -> Check:
    if url is None:
        return _check_embedded("redis", lambda: find_valkey().name)
    client = connect_redis(url)
    try:
        about = await client.info("server")
    except (RedisError, OSError) as error:
        return Check("redis", "failed", f"it does not answer: {error}: check TALLY_REDIS_URL")
    finally:
        await client.aclose()
    text = str(about.get("valkey_version") or about["redis_version"])
    is_old = tuple(int(part) for part in str(about["redis_version"]).split(".")[:2]) < OLDEST_REDIS
    advice = ": version 6.2 or later is needed" if is_old else ""
    kind = "Valkey" if "valkey_version" in about else "Redis"
    return Check("redis", "failed" if is_old else "ok", f"{kind} {text} answers{advice}")
