"""Claims of media.keys against a web that answers in pages, changes its mind and goes away."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from redis.asyncio import Redis

from config.redis import connect
from config.sealing import Seal
from media.keys import KeyTable
from schemas.ids import ChannelId
from schemas.ingest import KEY_CHANGES, KeysChanged
from tests.media.srt.door import Web, callbacks_of, entry, keys_of, until

pytestmark = pytest.mark.services

Table = tuple[KeyTable, Web, Redis]


@pytest.fixture
async def table(redis_url: str) -> AsyncIterator[Table]:
    fake = Web(entry("alice", "key_alice"), entry("bob", "key_bob", "a passphrase"), entry("carol"))
    redis = connect(redis_url)
    async with keys_of(fake, redis_url) as keys:
        yield keys, fake, redis
    await redis.aclose()


async def tell(redis: Redis, *channels: str) -> None:
    await redis.publish(KEY_CHANGES, msgspec.json.encode(KeysChanged([ChannelId(each) for each in channels])))


def name_of(keys: KeyTable, key: str) -> str:
    found = keys.with_key(key)
    return found.channel_name if found else ""


async def test_channels_are_found_by_key_by_id_and_by_name(table: Table) -> None:
    keys, _, _ = table
    assert (name_of(keys, "key_alice"), name_of(keys, "key_bob"), name_of(keys, "")) == ("alice", "bob", "")
    bob = keys.channel("c-bob")
    assert bob is not None
    assert bob == keys.channel("BOB") == keys.with_key("key_bob")
    assert bob.passphrase == "a passphrase"
    assert keys.channel("nobody") is None


async def test_pages_are_put_together(redis_url: str) -> None:
    fake = Web(*(entry(f"ch{number:02}", f"key{number}") for number in range(25)))
    fake.page = 10
    async with keys_of(fake, redis_url) as keys:
        assert (len(keys), name_of(keys, "key24")) == (25, "ch24")
        assert [each.after for each in fake.asked[:3]] == ["", "c-ch09", "c-ch19"]


async def test_a_new_key_is_good_and_the_old_one_is_not(table: Table) -> None:
    keys, fake, redis = table
    fake.entries[ChannelId("c-alice")] = entry("alice", "key_new")
    await tell(redis, "c-alice")
    await until(lambda: name_of(keys, "key_new") == "alice", "the new key")
    assert name_of(keys, "key_alice") == ""
    assert fake.asked[-1].channels == ["c-alice"]


async def test_channels_come_go_and_change_their_names(table: Table) -> None:
    keys, fake, redis = table
    fake.entries[ChannelId("c-dave")] = entry("dave", "key_dave")
    fake.entries[ChannelId("c-bob")] = msgspec.structs.replace(entry("bob", "key_bob"), channel_name="robert")
    del fake.entries[ChannelId("c-alice")]
    await tell(redis, "c-alice", "c-bob", "c-dave")
    await until(lambda: name_of(keys, "key_dave") == "dave", "the new one")
    assert (name_of(keys, "key_alice"), keys.channel("alice"), keys.channel("c-alice")) == ("", None, None)
    assert (name_of(keys, "key_bob"), keys.channel("bob")) == ("robert", None)
    assert len(keys) == 3


async def test_what_changes_while_web_is_away_is_asked_for_when_it_is_back(table: Table) -> None:
    keys, fake, redis = table
    fake.is_away = True
    fake.entries[ChannelId("c-alice")] = entry("alice", "key_new")
    await tell(redis, "c-alice")
    await asyncio.sleep(0.3)
    assert name_of(keys, "key_alice") == "alice"  # what was known stays
    fake.is_away = False
    await until(lambda: name_of(keys, "key_new") == "alice", "the change")


async def test_after_a_lost_subscription_everything_is_asked_for(table: Table) -> None:
    keys, fake, redis = table
    fake.entries[ChannelId("c-alice")] = entry("alice", "key_new")
    await redis.client_kill_filter(_type="pubsub")
    await until(lambda: name_of(keys, "key_new") == "alice", "the change that nobody told")


async def test_a_change_that_is_not_understood_makes_it_ask_for_all(table: Table) -> None:
    keys, fake, redis = table
    fake.entries[ChannelId("c-alice")] = entry("alice", "key_new")
    await redis.publish(KEY_CHANGES, b"{")
    await until(lambda: name_of(keys, "key_new") == "alice", "the change")


async def test_a_passphrase_sealed_with_another_secret_is_none_that_anybody_has(redis_url: str) -> None:
    fake = Web(entry("bob", "key_bob", "a passphrase"))
    redis = connect(redis_url)
    async with callbacks_of(fake) as callbacks:
        keys = KeyTable(callbacks, redis, Seal("another secret"))
        running = asyncio.create_task(keys.run())
        await until(lambda: keys.is_loaded, "loaded")
        found = keys.with_key("key_bob")
        assert found is not None
        assert found.passphrase is None
        running.cancel()
        await asyncio.wait({running})
    await redis.aclose()
