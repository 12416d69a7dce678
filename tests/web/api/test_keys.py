"""What ingest is told of stream keys and passphrases, and what owners see of them."""

import hashlib

import pytest

from config.sealing import Seal
from schemas.ids import ChannelId, NodeId, make_id
from schemas.ingest import KEY_CHANGES, Heartbeat, KeysRequest
from tests.web.api.test_streaming import Listener
from tests.web.site import NODE, Json, Person, Site
from web.api import callbacks

pytestmark = pytest.mark.services
PASSPHRASE = "correct horse battery".replace(" ", "-")


async def keys(site: Site, channels: list[str] | None = None, after: str = "") -> Json:
    wanted = None if channels is None else [ChannelId(channel) for channel in channels]
    status, envelope = await site.callback("keys", KeysRequest(make_id(), 1, NODE, wanted, after))
    assert status == 200, envelope
    data: Json = envelope["data"]
    return data


async def _channels(site: Site, *names: str) -> tuple[Person, list[str]]:
    alice = await site.person("alice")
    await site.running.services.pool.execute("UPDATE users SET max_channels = 9")
    return alice, [(await site.channel(name, alice))["id"] for name in names]


async def test_ingest_gets_digests_of_keys_and_sealed_passphrases(site: Site) -> None:
    alice, (news, other) = await _channels(site, "news", "other")
    key = await site.key("news", alice)
    await site.data("PATCH", "/channels/news", {"srtPassphrase": PASSPHRASE}, who=alice)
    answer = await keys(site)
    assert answer["isLast"] is True
    first, second = answer["entries"]
    sealed = first.pop("srtPassphrase")
    assert first == {"channelId": news, "channelName": "news", "keyDigest": hashlib.sha256(key.encode()).hexdigest()}
    assert second == {"channelId": other, "channelName": "other", "keyDigest": "", "srtPassphrase": ""}
    assert PASSPHRASE not in sealed
    assert Seal(site.settings.secret).open(sealed) == PASSPHRASE
    assert [each["channelId"] for each in (await keys(site, [other, "nothing"]))["entries"]] == [other]
    assert (await keys(site, []))["entries"] == []


async def test_all_keys_come_in_pages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "KEYS_PAGE", 2)
    _, ids = await _channels(site, "news", "other", "third")
    first = await keys(site)
    assert ([each["channelId"] for each in first["entries"]], first["isLast"]) == (ids[:2], False)
    last = await keys(site, after=ids[1])
    assert ([each["channelId"] for each in last["entries"]], last["isLast"]) == (ids[2:], True)


async def test_ingest_hears_of_every_change(site: Site) -> None:
    alice = await site.person("alice")
    async with Listener(site, KEY_CHANGES) as listener:
        channel = (await site.channel("news", alice))["id"]
        assert await listener.next() == {"channels": [channel]}
        await site.key("news", alice)
        assert await listener.next() == {"channels": [channel]}
        await site.data("PATCH", "/channels/news", {"title": "Nothing about keys"}, who=alice)
        for passphrase in (PASSPHRASE, None):
            await site.data("PATCH", "/channels/news", {"srtPassphrase": passphrase}, who=alice)
            assert await listener.next() == {"channels": [channel]}
            assert (await keys(site))["entries"][0]["srtPassphrase"][:3] == ("s1:" if passphrase else "")
        assert await listener._pubsub.get_message(timeout=0.2) is None


async def test_the_passphrase_is_its_owners_and_sealed_at_rest(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    alice, _ = await _channels(site, "news")
    changed = await site.data("PATCH", "/channels/news", {"srtPassphrase": PASSPHRASE}, who=alice)
    assert PASSPHRASE not in str(changed) + str(await site.data("GET", "/channels/news"))
    assert (await site.data("GET", "/channels/news/stream-key", who=alice))["srtPassphrase"] == PASSPHRASE
    row = await site.running.services.pool.fetchrow("SELECT * FROM channels")
    assert row is not None
    assert PASSPHRASE not in str(dict(row))
    said = capsys.readouterr()
    assert PASSPHRASE not in said.out + said.err
    bob = await site.person("bob")
    assert (await site.call("PATCH", "/channels/news", {"srtPassphrase": None}, who=bob))[0] == 403
    await site.data("PATCH", "/channels/news", {"srtPassphrase": None}, who=alice)
    assert (await site.data("GET", "/channels/news/stream-key", who=alice))["srtPassphrase"] is None


@pytest.mark.parametrize("wrong", ["short", "x" * 80, "with a space in it", "umlaut-äöü-umlaut", ""])
async def test_a_passphrase_that_srt_would_not_take_is_refused(site: Site, wrong: str) -> None:
    alice, _ = await _channels(site, "news")
    status, envelope = await site.call("PATCH", "/channels/news", {"srtPassphrase": wrong}, who=alice)
    assert (status, list(envelope["error"]["fields"])) == (400, ["srtPassphrase"])


async def test_a_passphrase_of_another_secret_is_as_none(site: Site) -> None:
    alice, _ = await _channels(site, "news")
    other = Seal("another secret, of before").close(PASSPHRASE)
    await site.running.services.pool.execute("UPDATE channels SET srt_passphrase = $1", other)
    assert (await site.data("GET", "/channels/news/stream-key", who=alice))["srtPassphrase"] is None


async def _urls(site: Site, who: Person) -> Json:
    urls: Json = (await site.data("GET", "/channels/news/stream-key", who=who))["publish"]
    return urls


async def test_srt_is_offered_while_a_node_listens(site: Site) -> None:
    alice, _ = await _channels(site, "news")
    assert (await _urls(site, alice))["srt"] is None
    deaf = Heartbeat(make_id(), NodeId("n1"), "http://10.0.0.1:8082", [], srt_trouble="libsrt is not installed")
    assert (await site.callback("heartbeat", deaf))[0] == 200
    assert (await _urls(site, alice))["srt"] is None
    await site.heartbeat()
    assert (await _urls(site, alice))["srt"] == "srt://localhost:8890"


@pytest.mark.parametrize("more_settings", [{"srt_port": 0, "webrtc_port": 0}])
async def test_what_is_off_is_not_offered(site: Site) -> None:
    alice, _ = await _channels(site, "news")
    await site.heartbeat()
    urls = await _urls(site, alice)
    assert (urls["srt"], urls["whip"]) == (None, None)
