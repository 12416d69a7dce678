"""Other servers that a channel is sent on to, as owner and relay see them."""

import msgspec
import pytest

from config.sealing import Seal
from schemas.ids import ChannelId, NodeId, SessionId, make_id
from schemas.ingest import LiveEntry, live_key
from schemas.relay import JobReport, RelayHeartbeat
from tests.web.site import NODE, Json, Person, Site
from web.store.restreams import MOST

pytestmark = pytest.mark.services
TARGET = {"name": "Elsewhere", "url": "rtmps://live.example/app", "key": "abc-secret"}
SHOWN = "rtmps://live.example/app"


async def _owner(site: Site) -> tuple[Person, str]:
    alice = await site.person("alice")
    channel = await site.channel("news", alice)
    return alice, channel["id"]


async def _go_live(site: Site, who: Person) -> SessionId:
    """Go live as ingest tells it: to web, and in the registry."""
    channel, session = await site.go_live(await site.key("news", who))
    live = LiveEntry(ChannelId(channel), "news", session, NODE, "http://10.0.0.1:8082", 1)
    await site.running.services.redis.set(live_key(channel), msgspec.json.encode(live))
    return session


async def beat(site: Site, *jobs: JobReport, room: int = 10) -> list[Json]:
    report = RelayHeartbeat(make_id(), NodeId("r1"), list(jobs), room)
    status, envelope = await site.callback("heartbeat", report, subject="relay")
    assert status == 200, envelope
    orders: list[Json] = envelope["data"]["restreams"]
    return orders


async def test_a_restream_is_made_shown_changed_and_deleted(site: Site) -> None:
    alice, channel = await _owner(site)
    made = await site.data("POST", "/channels/news/restreams", TARGET, who=alice)
    assert made == {
        "id": made["id"],
        "channelId": channel,
        "name": "Elsewhere",
        "url": SHOWN,
        "hasKey": True,
        "isEnabled": True,
        "createdAt": made["createdAt"],
        "state": {
            "state": "idle",
            "reason": "",
            "since": None,
            "retryAt": None,
            "bitrateBps": 0,
            "sentBytes": 0,
            "failures": 0,
        },
    }
    assert await site.data("GET", "/channels/news/restreams", who=alice) == [made]
    changed = await site.data("PATCH", f"/restreams/{made['id']}", {"name": "There", "isEnabled": False}, who=alice)
    assert changed == {**made, "name": "There", "isEnabled": False}
    await site.data("DELETE", f"/restreams/{made['id']}", who=alice)
    assert await site.data("GET", "/channels/news/restreams", who=alice) == []
    assert (await site.call("DELETE", f"/restreams/{made['id']}", who=alice))[0] == 404


async def test_nobody_else_sees_or_changes_them(site: Site) -> None:
    alice, _ = await _owner(site)
    made = await site.data("POST", "/channels/news/restreams", TARGET, who=alice)
    bob = await site.person("bob")
    for method, path, body in (
        ("GET", "/channels/news/restreams", None),
        ("POST", "/channels/news/restreams", TARGET),
        ("PATCH", f"/restreams/{made['id']}", {"name": "x"}),
        ("DELETE", f"/restreams/{made['id']}", None),
    ):
        assert (await site.call(method, path, body, who=bob))[0] == 403
        assert (await site.call(method, path, body))[0] == 401
    root = await site.person("bigboss", is_admin=True)
    assert len(await site.data("GET", "/channels/news/restreams", who=root)) == 1


async def test_there_are_only_so_many(site: Site) -> None:
    alice, _ = await _owner(site)
    for _number in range(MOST):
        await site.data("POST", "/channels/news/restreams", TARGET, who=alice)
    status, envelope = await site.call("POST", "/channels/news/restreams", TARGET, who=alice)
    assert (status, envelope["error"]["code"]) == (409, "CONFLICT")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"url": "http://live.example/app"}, "url"),
        ({"url": "rtmp://127.0.0.1/app"}, "url"),
        ({"url": "srt://live.example"}, "url"),
        ({"url": "srt://live.example:1?streamid=a"}, "key"),
        ({"key": "a b"}, "key"),
        ({"name": " "}, "name"),
    ],
)
async def test_bad_targets_are_refused_by_field(site: Site, wrong: Json, field: str) -> None:
    alice, _ = await _owner(site)
    status, envelope = await site.call("POST", "/channels/news/restreams", TARGET | wrong, who=alice)
    assert (status, list(envelope["error"]["fields"])) == (400, [field])


async def test_a_relay_is_told_while_the_channel_is_live(site: Site) -> None:
    alice, channel = await _owner(site)
    made = await site.data("POST", "/channels/news/restreams", TARGET, who=alice)
    assert await beat(site) == []
    session = await _go_live(site, alice)
    (order,) = await beat(site)
    sealed = order.pop("url")
    assert order == {
        "id": made["id"],
        "channelId": channel,
        "channelName": "news",
        "sessionId": session,
        "originUrl": "http://10.0.0.1:8082",
    }
    assert Seal(site.settings.secret).open(sealed) == "rtmps://live.example/app/abc-secret"
    running = JobReport(id=made["id"], state="running", since_ms=1, bitrate_bps=5, moved_bytes=9)
    assert [each["url"] for each in await beat(site, running)] == [sealed]  # the same text: nothing begins anew
    (shown,) = await site.data("GET", "/channels/news/restreams", who=alice)
    assert (shown["state"]["state"], shown["state"]["sentBytes"]) == ("running", 9)
    await site.unpublish(session)
    assert await beat(site, running) == []
    (shown,) = await site.data("GET", "/channels/news/restreams", who=alice)
    assert shown["state"]["state"] == "idle"


async def test_what_is_off_is_not_sent(site: Site) -> None:
    alice, _ = await _owner(site)
    made = await site.data("POST", "/channels/news/restreams", TARGET | {"isEnabled": False}, who=alice)
    await _go_live(site, alice)
    assert await beat(site) == []
    await site.data("PATCH", f"/restreams/{made['id']}", {"isEnabled": True}, who=alice)
    assert len(await beat(site)) == 1


async def test_keys_are_sealed_and_in_no_answer_and_no_log(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    alice, _ = await _owner(site)
    answers = [
        await site.data("POST", "/channels/news/restreams", TARGET, who=alice),
        await site.data(
            "POST",
            "/channels/news/restreams",
            {"name": "b", "url": "rtmp://u:secret@live.example/app/secret"},
            who=alice,
        ),
    ]
    answers.append(await site.data("PATCH", f"/restreams/{answers[0]['id']}", {"key": "new-secret"}, who=alice))
    await _go_live(site, alice)
    answers += await beat(site)
    answers += await site.data("GET", "/channels/news/restreams", who=alice)
    rows = [dict(row) for row in await site.running.services.pool.fetch("SELECT * FROM restreams")]
    said = capsys.readouterr()
    for text in (str(answers), str(rows), said.out + said.err):
        assert "secret" not in text


async def test_a_key_stays_with_its_server(site: Site) -> None:
    """Who got into an account must not have keys sent to a server of theirs."""
    alice, _ = await _owner(site)
    made = await site.data("POST", "/channels/news/restreams", TARGET, who=alice)
    await _go_live(site, alice)
    seal, path = Seal(site.settings.secret), f"/restreams/{made['id']}"
    for change, has_key, target in (
        ({"url": "rtmps://live.example/other"}, True, "rtmps://live.example/other/abc-secret"),
        ({"key": "def"}, True, "rtmps://live.example/other/def"),
        ({"url": "rtmps://thief.example/app"}, False, "rtmps://thief.example/app"),
        ({"url": "srt://live.example:9000", "key": "ghi"}, True, "srt://live.example:9000?streamid=ghi"),
        ({"key": ""}, False, "srt://live.example:9000"),
    ):
        assert (await site.data("PATCH", path, change, who=alice))["hasKey"] is has_key
        (order,) = await beat(site)
        assert seal.open(order["url"]) == target


async def test_what_another_secret_has_sealed_is_typed_again(site: Site) -> None:
    alice, _ = await _owner(site)
    made = await site.data("POST", "/channels/news/restreams", TARGET, who=alice)
    other = Seal("another secret, of before").close("rtmp://live.example/app")
    await site.running.services.pool.execute("UPDATE restreams SET url = $1", other)
    path = f"/restreams/{made['id']}"
    status, envelope = await site.call("PATCH", path, {"key": "k"}, who=alice)
    assert (status, envelope["error"]["code"]) == (409, "CONFLICT")
    assert (await site.data("PATCH", path, {"key": "k", "url": TARGET["url"]}, who=alice))["url"] == SHOWN
