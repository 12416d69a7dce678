"""Following channels."""

import pytest

from tests.web.site import Site

pytestmark = pytest.mark.services


async def test_follows_are_listed_newest_first_and_repetitions_change_nothing(site: Site) -> None:
    alice, bob = await site.person("alice"), await site.person("bob", is_admin=True)
    await site.running.services.pool.execute("UPDATE users SET max_channels = 5")
    for name in ("one_a", "two_a", "three"):
        await site.channel(name, alice)
    first = await site.data("POST", "/follows/one_a", who=bob)
    assert first["channelName"] == "one_a"
    assert await site.data("POST", "/follows/one_a", who=bob) == first
    for name in ("two_a", "three"):
        await site.data("POST", f"/follows/{name}", who=bob)
    _, page = await site.call("GET", "/follows?limit=2", who=bob)
    rest = await site.data("GET", f"/follows?limit=2&cursor={page['page']['cursor']}", who=bob)
    assert [row["channelName"] for row in [*page["data"], *rest]] == ["three", "two_a", "one_a"]
    for _ in range(2):
        assert (await site.call("DELETE", "/follows/two_a", who=bob))[0] == 200
    assert [row["channelName"] for row in await site.data("GET", "/follows", who=bob)] == ["three", "one_a"]
    assert await site.data("GET", "/follows", who=alice) == []
    assert (await site.call("POST", "/follows/nobody", who=bob))[0] == 404
    assert (await site.call("POST", "/follows/one_a"))[0] == 401
