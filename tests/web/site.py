"""A whole web process on loopback, with real PostgreSQL and Redis, and a client that speaks its API."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from config.settings import Settings, load
from schemas.ids import ChannelId, NodeId, SessionId, make_id
from schemas.ingest import Heartbeat, PublisherHealth, PublishRequest, SessionHealth, TrackHealth, Unpublish
from schemas.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from web.server import Running

PASSWORD = "a-good-enough-password"
NODE = NodeId("node-1")
Json = dict[str, Any]


def make_settings(database_url: str, redis_url: str, data: Path, **more: object) -> Settings:
    environ = {
        "TALLY_DATA": str(data),
        "TALLY_DATABASE_URL": database_url,
        "TALLY_REDIS_URL": redis_url,
        "TALLY_SECRET": "a secret for tests only",
        "TALLY_HTTP_HOST": "127.0.0.1",
        "TALLY_IRC_PORT": "0",
        **{f"TALLY_{name.upper()}": str(value) for name, value in more.items()},
    }
    return load(environ, cwd=data).settings


@dataclass
class Person:
    """A signed-in account; `headers` carry its token."""

    id: str
    username: str
    token: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    running: Running
    client: aiohttp.ClientSession
    settings: Settings
    node: NodeId = NODE

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.running.public_port}"

    @property
    def internal(self) -> str:
        return f"http://127.0.0.1:{self.running.internal_port}"

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        who: Person | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> tuple[int, Json]:
        """Ask the API and return the status and the envelope."""
        async with self.client.request(
            method,
            f"{self.base}/api{path}",
            json=body,
            data=data,
            headers={**(who.headers if who else {}), **(headers or {})},
        ) as response:
            return response.status, await response.json()

    async def data(self, method: str, path: str, body: object = None, *, who: Person | None = None) -> Any:
        """Ask the API and return the data of an answer that must be good."""
        status, envelope = await self.call(method, path, body, who=who)
        assert envelope["success"] is True, (status, envelope)
        return envelope["data"]

    async def person(self, username: str, *, is_admin: bool = False) -> Person:
        """Register an account."""
        made = await self.data("POST", "/auth/register", {"username": username, "password": PASSWORD})
        if is_admin:
            await self.running.services.pool.execute("UPDATE users SET is_admin = true WHERE username = $1", username)
        token = made["token"]
        return Person(made["user"]["id"], username, token, {"Authorization": f"Bearer {token}"})

    async def channel(self, name: str, who: Person, **more: object) -> Json:
        """Make a channel."""
        made: Json = await self.data("POST", "/channels", {"name": name, **more}, who=who)
        return made

    async def key(self, channel: str, who: Person) -> str:
        """Make a stream key."""
        made = await self.data("POST", f"/channels/{channel}/stream-key", who=who)
        return str(made["streamKey"])

    # --- what ingest says ---

    async def callback(
        self, name: str, message: object, *, headers: Mapping[str, str] | None = None, subject: str = "ingest"
    ) -> tuple[int, Json]:
        """Send a signed callback, or one with other headers."""
        body = msgspec.json.encode(message)
        signed = self.signature(body) if headers is None else headers
        url = f"{self.internal}/internal/{subject}/{name}"
        async with self.client.post(url, data=body, headers=signed) as response:
            return response.status, await response.json()

    def signature(self, body: bytes, *, age_s: int = 0) -> dict[str, str]:
        at = int(time.time()) - age_s
        return {TIMESTAMP_HEADER: str(at), SIGNATURE_HEADER: sign(self.settings.secret, at, body)}

    async def publish(
        self,
        key: str,
        *,
        node: NodeId | None = None,
        request_id: str = "",
        attempt: int = 1,
        params: Mapping[str, str] | None = None,
    ) -> tuple[int, Json]:
        request = PublishRequest(
            request_id=request_id or make_id(),
            attempt=attempt,
            node_id=node or self.node,
            protocol="rtmp",
            key=key,
            params=dict(params or {}),
            remote_address="203.0.113.9",
            encoder="OBS",
        )
        return await self.callback("publish", request)

    async def grant(
        self, key: str, *, node: NodeId | None = None, params: Mapping[str, str] | None = None
    ) -> tuple[str, SessionId]:
        """Publish, and return the ids of channel and session."""
        status, envelope = await self.publish(key, node=node, params=params)
        assert status == 200, envelope
        return envelope["data"]["channelId"], SessionId(envelope["data"]["sessionId"])

    async def heartbeat(
        self, *sessions: SessionHealth, node: NodeId | None = None, origin_url: str = "http://10.0.0.1:8082"
    ) -> list[Json]:
        """Report sessions and return those that are to be cut."""
        beat = Heartbeat(make_id(), node or self.node, origin_url, list(sessions))
        status, envelope = await self.callback("heartbeat", beat)
        assert status == 200, envelope
        cut: list[Json] = envelope["data"]["cut"]
        return cut

    async def unpublish(self, session: SessionId, reason: str = "publisher left") -> int:
        status, _ = await self.callback("unpublish", Unpublish(make_id(), 1, self.node, session, reason))
        return status

    async def go_live(self, key: str, *, priority: int = 0) -> tuple[str, SessionId]:
        """Publish and become playable."""
        channel, session = await self.grant(key, params={"priority": str(priority)})
        assert await self.heartbeat(health(channel, session, priority=priority)) == []
        return channel, session


def health(
    channel: str,
    session: SessionId,
    *,
    is_playable: bool = True,
    is_waiting: bool = False,
    returns_until_ms: int | None = None,
    priority: int = 0,
    is_test: bool = False,
) -> SessionHealth:
    publisher = PublisherHealth(
        protocol="rtmp",
        encoder="OBS",
        priority=priority,
        is_on_air=True,
        connected_at_ms=1,
        received_bytes=1_000_000,
        bitrate_bps=4_000_000,
        jitter_ms=3,
        silent_ms=0,
    )
    return SessionHealth(
        session_id=session,
        channel_id=ChannelId(channel),
        protocol="rtmp",
        encoder="OBS",
        started_at_ms=1,
        is_playable=is_playable,
        duration_ms=2_000,
        received_bytes=1_000_000,
        dropped_packets=0,
        discontinuities=0,
        video=TrackHealth(codec="avc1.64001f", bitrate_bps=4_000_000, width=1280, height=720),
        is_waiting=is_waiting,
        returns_until_ms=returns_until_ms,
        publishers=[] if is_waiting else [publisher],
        is_test=is_test,
    )
