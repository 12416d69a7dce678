"""Commands of an administrator at a terminal: first accounts, channels, keys."""

import asyncio
import json
import os
import re
import secrets
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from config import banner
from config.banner import FIRST_RUN_FILE
from config.settings import Settings
from schemas.api import NAME_PATTERN, PATTERN_WORDS, SOURCE_URL_PATTERN
from schemas.errors import ApiError
from schemas.ids import ChannelId
from web import access
from web.api import pulls as pulled
from web.api.streaming import as_urls, publish_urls, rotate
from web.calls import find_channel
from web.names import refuse_reserved
from web.server import open_services
from web.services import Services
from web.store import channels, keys, pulls, users
from web.tokens import digest, make_stream_key

ADMIN, DEMO = "admin", "demo"
PASSWORD_BYTES = 12
Shown = Mapping[str, object]
Work = Callable[[Services, Namespace], Awaitable[Shown]]


class Failed(Exception):
    """A command that could not be done; the text is the one line to print."""


def run(work: Work, settings: Settings, arguments: Namespace) -> None:
    """Do the command and print what it returns: as lines for people or, with --json, as JSON. Raises `Failed`."""
    shown = asyncio.run(_with_services(work, settings, arguments))
    if work is first_run and shown and not arguments.json:
        # `tally serve` runs this with its output in the log, where no password may be.
        shown = {"made": f"{ADMIN}, {DEMO}", "file": str(settings.data / FIRST_RUN_FILE)}
    if arguments.json:
        print(json.dumps(shown))
        return
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        print(f"{name:<{width}}  {'-' if value is None else value}")


async def _with_services(work: Work, settings: Settings, arguments: Namespace) -> Shown:
    if settings.database_url is None or settings.redis_url is None:
        raise Failed("no database: start `tally serve`, or set TALLY_DATABASE_URL and TALLY_REDIS_URL")
    async with open_services(settings) as services:
        try:
            return await work(services, arguments)
        except ApiError as error:
            raise Failed(error.body.message) from None


async def add_user(services: Services, arguments: Namespace) -> Shown:
    """`user add`: the password is made here and shown this once."""
    _check_name(arguments.name)
    if not arguments.admin:
        refuse_reserved(arguments.name, field="name")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    account = await users.create(
        services.pool,
        username=arguments.name,
        password_hash=await services.passwords.hash(password),
        is_admin=arguments.admin,
    )
    return {"userId": account.id, "username": account.username, "password": password, "isAdmin": account.is_admin}


async def add_channel(services: Services, arguments: Namespace) -> Shown:
    """`channel add`: with its first stream key, shown this once."""
    _check_name(arguments.name)
    refuse_reserved(arguments.name, field="name")
    owner = await users.by_name(services.pool, arguments.owner)
    if owner is None:
        raise Failed(f"there is no user {arguments.owner!r}: `tally user add {arguments.owner}` makes one")
    key = make_stream_key()
    async with services.pool.acquire() as connection, connection.transaction():
        # The limit on channels binds accounts, not the administrator at the terminal.
        await users.allow_one_more_channel(connection, owner.id)
        channel = await channels.create(connection, owner.id, arguments.name)
        await keys.replace(connection, channel, digest(key), key[-4:])
    await services.events.keys_changed([channel])
    return {"channelId": channel, "channel": arguments.name, "streamKey": key, **await _urls(services, arguments.name)}


async def allow_pulls(services: Services, arguments: Namespace) -> Shown:
    """`user may-pull`: whether an account may have its channels fetched from elsewhere; what runs ends in seconds."""
    account = await users.by_name(services.pool, arguments.name)
    if account is None:
        raise Failed(f"there is no user {arguments.name!r}: `tally user add {arguments.name}` makes one")
    await users.set_may_pull(services.pool, account.id, may_pull=arguments.answer == "yes")
    return {"username": account.username, "mayPull": arguments.answer == "yes"}


async def pull(services: Services, arguments: Namespace) -> Shown:
    """`pull`: fetch a channel from an address (again), or with --off no more."""
    channel = await find_channel(services, arguments.channel)
    if arguments.url is not None:
        await _pull_from(services, channel.id, arguments.url, is_enabled=not arguments.off)
    elif await pulls.find(services.pool, channel.id) is None:
        raise Failed(f"{channel.name} is not fetched from anywhere: give an address before its name")
    else:
        await pulls.switch(services.pool, channel.id, is_enabled=not arguments.off)
    row = await pulls.find(services.pool, channel.id)
    assert row is not None
    state = (await pulled.present(services, row)).state
    return {
        "channel": channel.name,
        "url": row.shown_url,
        "isEnabled": row.is_enabled,
        "state": state.state,
        "reason": state.reason,
    }


async def _pull_from(services: Services, channel: ChannelId, url: str, *, is_enabled: bool) -> None:
    if not services.settings.secret:
        raise Failed("TALLY_SECRET is not set and `tally serve` has made none here: the address cannot be sealed")
    if not re.match(SOURCE_URL_PATTERN, url):
        raise Failed(f"the address {PATTERN_WORDS[SOURCE_URL_PATTERN]}")
    await pulled.put(services, channel, url, is_enabled=is_enabled, is_trusted=True)


async def limit_channel(services: Services, arguments: Namespace) -> Shown:
    """`channel limit`: what is given is changed, 0 takes a limit away; the next publisher is bound by it."""
    channel = await find_channel(services, arguments.channel)
    given = {name: getattr(arguments, name) for name in channels.Limits.__struct_fields__}
    await channels.set_limits(services.pool, channel.id, channels.Limits(**given))
    own = await channels.limits(services.pool, channel.id)
    return {
        "channel": channel.name,
        "maxBitrateKbps": own.max_bitrate_kbps,
        "maxHeight": own.max_height,
        "maxFrameRate": own.max_frame_rate,
        "maxDurationS": own.max_duration_s,
    }


async def show_key(services: Services, arguments: Namespace) -> Shown:
    """`key show`: what is known of a key that is stored hashed."""
    channel = await find_channel(services, arguments.channel)
    known = await keys.info(services.pool, channel.id)
    if known is None:
        raise Failed(f"{channel.name} has no stream key: `tally key rotate {channel.name}` makes one")
    return {
        "channel": channel.name,
        "lastFour": known.last_four,
        "createdAt": known.created_at.isoformat(),
        **await _urls(services, channel.name),
    }


async def rotate_key(services: Services, arguments: Namespace) -> Shown:
    """`key rotate`: the old key stops working at once and its publisher is cut."""
    channel = await find_channel(services, arguments.channel)
    key = await rotate(services, channel.id)
    return {"channel": channel.name, "streamKey": key, **await _urls(services, channel.name)}


async def rotate_access(services: Services, arguments: Namespace) -> Shown:
    """`access rotate`: a new key signs; with --now what the old ones signed opens nothing any more."""
    key_id = await access.rotate(services.pool, at_once=arguments.now)
    return {"keyId": key_id, "takesEffectWithinS": round(access.REFRESH_S)}


async def first_run(services: Services, _arguments: Namespace) -> Shown:
    """`first-run`: on an empty database make the administrator and the demo channel, else nothing.

    The file is written before the database commits: cut off in between, the next run makes both again.
    """
    if await users.any_exists(services.pool):
        return {}
    password, key = secrets.token_urlsafe(PASSWORD_BYTES), make_stream_key()
    password_hash = await services.passwords.hash(password)
    async with services.pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE users IN EXCLUSIVE MODE")
        if await users.any_exists(connection):
            return {}
        admin = await users.create(
            connection, username=ADMIN, password_hash=password_hash, display_name="Administrator", is_admin=True
        )
        channel = await channels.create(connection, admin.id, DEMO, title="The demo channel")
        await keys.replace(connection, channel, digest(key), key[-4:])
        made = _first_run(services.settings, channel, key, password)
        _write_private(services.settings.data / FIRST_RUN_FILE, json.dumps(made, indent=2) + "\n")
    return made


def _first_run(settings: Settings, channel: ChannelId, key: str, password: str) -> dict[str, str | None]:
    urls = as_urls(banner.here(settings), DEMO)  # what will run: nothing does yet
    return {
        "watchUrl": f"{settings.public_url.rstrip('/')}/{DEMO}",
        "rtmpUrl": urls.rtmp or urls.rtmps,
        "srtUrl": urls.srt,
        "whipUrl": urls.whip,
        "channel": DEMO,
        "channelId": channel,
        "streamKey": key,
        "adminUser": ADMIN,
        "adminPassword": password,
    }


async def _urls(services: Services, channel: str) -> dict[str, str | None]:
    urls = await publish_urls(services, channel)
    return {"rtmpUrl": urls.rtmp or urls.rtmps, "srtUrl": urls.srt, "whipUrl": urls.whip}


def _check_name(name: str) -> None:
    if not re.match(NAME_PATTERN, name):
        raise Failed(f"{name!r} is no name: use 3 to 25 of a-z, 0-9 and _")


def _write_private(path: Path, content: str) -> None:
    """Write a file that only this user may read, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Failed(f"{path} can't be written ({error.strerror}): fix it, or set TALLY_DATA") from None


def complain(text: str) -> None:
    """Print the one line of a failed command."""
    print(f"tally: {text}", file=sys.stderr)
