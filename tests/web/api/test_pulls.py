"""Streams fetched from elsewhere, as owner, relay and ingest see them."""

import time

import pytest

from config.sealing import Seal
from schemas.ids import NodeId, SessionId, make_id
from schemas.ingest import PublishRequest
from schemas.relay import JOB_LEASE_S, JobReport, RelayHeartbeat, job_key
from tests.web.site import NODE, Json, Person, Site, health
from web.api import jobs
from web.store import streams

pytestmark = pytest.mark.services
SOURCE = "https://user:secret@tv.example/live/a.m3u8?token=secret"
SHOWN = "https://tv.example/live/a.m3u8"


async def _puller(site: Site, *, is_admin: bool = False) -> Person:
    alice = await site.person("alice", is_admin=is_admin)
    await site.channel("news", alice)
    await site.running.services.pool.execute("UPDATE users SET may_pull = true WHERE username = 'alice'")
    return alice


async def beat(site: Site, *jobs: JobReport, node: str = "r1", room: int = 10) -> Json:
    report = RelayHeartbeat(make_id(), NodeId(node), list(jobs), room)
    status, envelope = await site.callback("heartbeat", report, subject="relay")
    assert status == 200, envelope
    data: Json = envelope["data"]
    return data


def report_of(job: str, state: str = "running", **more: object) -> JobReport:
    return JobReport(id=job, state=state, since_ms=1_800_000_000_000, **more)  # type: ignore[arg-type]  # one of three


async def publish(site: Site, ticket: str, protocol: str = "pull") -> tuple[int, Json]:
    request = PublishRequest(make_id(), 1, NODE, protocol, ticket, {}, "127.0.0.1", "pull")  # type: ignore[arg-type]
    return await site.callback("publish", request)


async def grant(site: Site, ticket: str) -> tuple[str, SessionId]:
    status, envelope = await publish(site, ticket)
    assert status == 200, envelope
    return envelope["data"]["channelId"], SessionId(envelope["data"]["sessionId"])


async def test_an_account_needs_an_administrators_word(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    assert (await site.data("GET", "/me", who=alice))["mayPull"] is False
    assert await site.data("GET", "/channels/news/pull", who=alice) == {"pull": None, "mayPull": False}
    status, envelope = await site.call("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN")
    await site.running.services.pool.execute("UPDATE users SET may_pull = true")
    assert (await site.data("GET", "/me", who=alice))["mayPull"] is True
    set_up = await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    assert set_up["mayPull"] is True
    assert (set_up["pull"]["url"], set_up["pull"]["isEnabled"]) == (SHOWN, True)
    bob = await site.person("bob")
    for method in ("GET", "PUT", "DELETE"):
        body = {"isEnabled": False} if method == "PUT" else None
        assert (await site.call(method, "/channels/news/pull", body, who=bob))[0] == 403
        assert (await site.call(method, "/channels/news/pull", body))[0] == 401


async def test_administrators_may_always_and_from_everywhere(site: Site) -> None:
    alice = await site.person("alice", is_admin=True)
    await site.channel("news", alice)
    assert (await site.data("GET", "/me", who=alice))["mayPull"] is True
    for url in ("udp://239.1.2.3:5000", "file:films/night.mp4"):
        await site.data("PUT", "/channels/news/pull", {"url": url}, who=alice)
        (order,) = (await beat(site))["pulls"]
        assert order["isTrusted"] is True
    bob = await site.person("bob")
    await site.channel("bobs", bob)
    await site.running.services.pool.execute("UPDATE users SET may_pull = true")
    for url in ("udp://239.1.2.3:5000", "file:films/night.mp4"):
        assert (await site.call("PUT", "/channels/bobs/pull", {"url": url}, who=bob))[0] == 403


@pytest.mark.parametrize("url", ["http://127.0.0.1/a", "ftp://tv.example/a", "https://", "http://tv.example/a b", ""])
async def test_bad_addresses_are_refused_by_field(site: Site, url: str) -> None:
    alice = await _puller(site)
    status, envelope = await site.call("PUT", "/channels/news/pull", {"url": url}, who=alice)
    assert (status, list(envelope["error"]["fields"])) == (400, ["url"])


async def test_the_address_is_sealed_and_never_shown(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    alice = await _puller(site)
    answers = [await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)]
    answers += [await site.data("GET", "/channels/news/pull", who=alice), await beat(site)]
    row = await site.running.services.pool.fetchrow("SELECT * FROM pulls")
    assert row is not None
    said = capsys.readouterr()
    for text in (str(answers), str(dict(row)), said.out + said.err):
        assert "secret" not in text
    (order,) = answers[-1]["pulls"]
    assert Seal(site.settings.secret).open(order["url"]) == SOURCE
    assert order["ticket"] not in str(dict(row)) + said.out + said.err


async def test_a_relay_gets_a_ticket_that_publishes_to_this_channel_only_as_a_pull(site: Site) -> None:
    alice = await _puller(site)
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    (order,) = (await beat(site))["pulls"]
    assert (order["channelName"], order["isTrusted"]) == ("news", False)
    assert (await publish(site, order["ticket"], "rtmp"))[0] == 403
    assert (await publish(site, await site.key("news", alice)))[0] == 403
    channel, session = await grant(site, order["ticket"])
    assert channel == order["channelId"]
    assert await site.heartbeat(health(channel, session)) == []
    assert (await site.data("GET", "/channels/news"))["isLive"] is True


async def test_a_pull_that_is_off_publishes_nothing(site: Site) -> None:
    alice = await _puller(site)
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    (order,) = (await beat(site))["pulls"]
    off = await site.data("PUT", "/channels/news/pull", {"isEnabled": False}, who=alice)
    assert (off["pull"]["isEnabled"], off["pull"]["state"]["state"]) == (False, "idle")
    assert (await beat(site, report_of(order["id"])))["pulls"] == []
    assert (await publish(site, order["ticket"]))[0] == 403
    await site.data("PUT", "/channels/news/pull", {"isEnabled": True}, who=alice)
    assert (await beat(site))["pulls"] == [order]
    await site.data("DELETE", "/channels/news/pull", who=alice)
    assert (await beat(site))["pulls"] == []
    assert (await publish(site, order["ticket"]))[0] == 403
    status, _ = await site.call("PUT", "/channels/news/pull", {"isEnabled": True}, who=alice)
    assert status == 404


async def test_another_address_is_another_job_and_the_same_one_is_not(site: Site) -> None:
    alice = await _puller(site)
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    (first,) = (await beat(site))["pulls"]
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    assert (await beat(site))["pulls"] == [first]
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE + "2"}, who=alice)
    (second,) = (await beat(site, report_of(first["id"])))["pulls"]
    assert second["id"] != first["id"]
    assert (await publish(site, first["ticket"]))[0] == 403
    assert (await publish(site, second["ticket"]))[0] == 200


async def test_an_owner_may_switch_what_an_administrator_set_up_but_not_change_it(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    root = await site.person("bigboss", is_admin=True)
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=root)
    for is_enabled in (False, True):
        changed = await site.data("PUT", "/channels/news/pull", {"isEnabled": is_enabled}, who=alice)
        assert changed["pull"]["isEnabled"] is is_enabled
    assert (await site.call("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice))[0] == 403
    assert len((await beat(site))["pulls"]) == 1


async def test_who_may_no_longer_is_not_served(site: Site) -> None:
    alice = await _puller(site)
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    (order,) = (await beat(site))["pulls"]
    await site.running.services.pool.execute("UPDATE users SET may_pull = false")
    assert (await beat(site, report_of(order["id"])))["pulls"] == []
    assert (await publish(site, order["ticket"]))[0] == 403
    state = (await site.data("GET", "/channels/news/pull", who=alice))["pull"]["state"]
    assert (state["state"], "administrator" in state["reason"]) == ("waiting", True)


async def test_going_offline_turns_the_pull_off(site: Site) -> None:
    alice = await _puller(site)
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    (order,) = (await beat(site))["pulls"]
    channel, session = await grant(site, order["ticket"])
    await site.heartbeat(health(channel, session))
    await site.data("POST", "/channels/news/go-offline", who=alice)
    assert (await site.data("GET", "/channels/news/pull", who=alice))["pull"]["isEnabled"] is False
    assert (await beat(site, report_of(order["id"])))["pulls"] == []
    assert (await site.call("POST", "/channels/news/go-offline", who=alice))[0] == 409
    await site.data("PUT", "/channels/news/pull", {"isEnabled": True}, who=alice)
    await site.data("POST", "/channels/news/go-offline", who=alice)  # it was only about to be fetched


async def test_a_pulled_stream_that_was_given_up_comes_back_while_it_is_wanted(site: Site) -> None:
    alice = await _puller(site)
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    (order,) = (await beat(site))["pulls"]
    channel, session = await grant(site, order["ticket"])
    await site.heartbeat(health(channel, session))
    pool = site.running.services.pool
    give_up = f"UPDATE streams SET ended_at = now(), end_reason = '{streams.LOST}'"
    await pool.execute(give_up)
    assert await site.heartbeat(health(channel, session)) == []
    await pool.execute(give_up)
    await site.data("PUT", "/channels/news/pull", {"isEnabled": False}, who=alice)
    assert [cut["sessionId"] for cut in await site.heartbeat(health(channel, session))] == [session]


async def test_a_job_has_one_process_until_that_is_silent(site: Site) -> None:
    alice = await _puller(site)
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    assert (await beat(site, room=0))["pulls"] == []
    (order,) = (await beat(site))["pulls"]
    assert (await beat(site, node="r2"))["pulls"] == []
    assert (await beat(site, report_of(order["id"]), node="r2"))["pulls"] == []
    assert (await beat(site, report_of(order["id"])))["pulls"] == [order]
    assert (await beat(site))["pulls"] == [order]  # the answer that gave it may have been lost
    await _pass(site, JOB_LEASE_S + 1)
    assert (await beat(site, node="r2"))["pulls"] == [order]
    assert (await beat(site, report_of(order["id"])))["pulls"] == []


async def test_a_process_that_leaves_leaves_its_jobs_at_once(site: Site) -> None:
    alice = await _puller(site)
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    (order,) = (await beat(site))["pulls"]
    assert await beat(site, room=0) == {"pulls": [], "restreams": []}
    assert (await beat(site, node="r2"))["pulls"] == [order]


async def test_no_process_gets_more_than_it_has_room_for(site: Site) -> None:
    alice = await _puller(site, is_admin=True)
    await site.running.services.pool.execute("UPDATE users SET max_channels = 9")
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    for number in range(3):
        await site.channel(f"news{number}", alice)
        await site.data("PUT", f"/channels/news{number}/pull", {"url": SOURCE}, who=alice)
    first = (await beat(site, room=1))["pulls"]
    assert len(first) == 1
    assert len((await beat(site, report_of(first[0]["id"]), room=2))["pulls"]) == 3
    assert len((await beat(site, node="r2", room=9))["pulls"]) == 1


async def _pass(site: Site, seconds: int) -> None:
    await site.running.services.pool.execute(
        "UPDATE pulls SET seen_at = seen_at - make_interval(secs => $1)", float(seconds)
    )


async def test_the_owner_sees_how_it_goes(site: Site) -> None:
    alice = await _puller(site)

    async def state() -> Json:
        shown: Json = (await site.data("GET", "/channels/news/pull", who=alice))["pull"]["state"]
        return shown

    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    assert ((await state())["state"], "relay" in (await state())["reason"]) == ("waiting", True)
    await beat(site, room=0)
    assert (await state())["state"] == "waiting"
    (order,) = (await beat(site))["pulls"]
    assert (await state())["state"] == "connecting"
    await site.running.services.redis.delete(jobs.RELAY_HAS_ROOM)
    assert (await state())["state"] == "connecting"
    await site.running.services.redis.set(jobs.RELAY_HAS_ROOM, b"1")
    report = report_of(
        order["id"], "waiting", reason="It does not answer.", retry_at_ms=1_800_000_005_000, moved_bytes=7, failures=2
    )
    await beat(site, report)
    assert await state() == {
        "state": "waiting",
        "reason": "It does not answer.",
        "since": "2027-01-15T08:00:00Z",
        "retryAt": "2027-01-15T08:00:05Z",
        "bitrateBps": 0,
        "sentBytes": 7,
        "failures": 2,
    }
    await beat(site, report_of(order["id"], reason="of another process"), node="r2")
    assert (await state())["reason"] == "It does not answer."
    assert 0 < await site.running.services.redis.ttl(job_key(order["id"])) <= JOB_LEASE_S


async def test_a_relay_that_is_not_signed_learns_nothing(site: Site) -> None:
    alice = await _puller(site)
    await site.data("PUT", "/channels/news/pull", {"url": SOURCE}, who=alice)
    report = RelayHeartbeat(make_id(), NodeId("r1"), [], 5)
    for headers in ({}, site.signature(b"something else"), {"Tally-Timestamp": str(int(time.time()))}):
        status, envelope = await site.callback("heartbeat", report, headers=headers, subject="relay")
        assert (status, envelope["error"]["code"]) == (401, "UNAUTHORIZED")
        status, _ = await site.callback("heartbeat", report, headers=headers, subject="webrtc")
        assert status == 401
    async with site.client.post(f"{site.base}/internal/relay/heartbeat", data=b"{}") as response:
        assert response.status in {404, 405}
