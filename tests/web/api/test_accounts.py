"""Registration, sign-in, sign-out, my account."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from tests.web.site import PASSWORD, Site
from web import throttle

pytestmark = pytest.mark.services


async def test_a_new_account_is_signed_in(site: Site) -> None:
    status, envelope = await site.call(
        "POST", "/auth/register", {"username": "alice", "password": PASSWORD, "displayName": "Alice A."}
    )
    assert status == 201
    made = envelope["data"]
    assert made["user"]["username"] == "alice"
    assert made["user"]["displayName"] == "Alice A."
    assert made["user"]["avatarUrl"] == "/avatars/alice"
    status, envelope = await site.call("GET", "/me", headers={"Authorization": f"Bearer {made['token']}"})
    assert (status, envelope["data"]["user"]["id"]) == (200, made["user"]["id"])
    assert envelope["data"]["isAdmin"] is False
    expires = datetime.fromisoformat(made["expiresAt"])
    assert timedelta(days=29) < expires - datetime.now(UTC) <= timedelta(days=30)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "alice"}, "password"),
        ({"username": "Alice", "password": PASSWORD}, "username"),
        ({"username": "alice\n", "password": PASSWORD}, "username"),
        ({"username": "al", "password": PASSWORD}, "username"),
        ({"username": "dashboard", "password": PASSWORD}, "username"),
        ({"username": "alice", "password": "short"}, "password"),
        ({"username": "alice", "password": "Password123"}, "password"),
        ({"username": "alicealice", "password": "alicealice1"}, "password"),
        ({"username": "alice", "password": PASSWORD, "email": "nowhere"}, "email"),
        ({"username": "alice", "password": PASSWORD, "displayName": "a\u0000b"}, "displayName"),
        ({"username": "alice", "password": PASSWORD, "isAdmin": True}, "isAdmin"),
        ({"username": 7, "password": PASSWORD}, "username"),
    ],
)
async def test_a_bad_registration_names_the_field(site: Site, body: dict[str, object], field: str) -> None:
    status, envelope = await site.call("POST", "/auth/register", body)
    assert (status, envelope["error"]["code"]) == (400, "INVALID_REQUEST")
    assert list(envelope["error"]["fields"]) == [field]


async def test_names_and_addresses_are_taken_once(site: Site) -> None:
    body = {"username": "alice", "password": PASSWORD, "email": "a@example.org"}
    assert (await site.call("POST", "/auth/register", body))[0] == 201
    status, envelope = await site.call("POST", "/auth/register", {**body, "email": "b@example.org"})
    assert (status, envelope["error"]["code"], list(envelope["error"]["fields"])) == (409, "DUPLICATE", ["username"])
    status, envelope = await site.call("POST", "/auth/register", {**body, "username": "bob", "email": "A@EXAMPLE.org"})
    assert (status, list(envelope["error"]["fields"])) == (409, ["email"])


async def test_a_username_can_not_be_someone_elses_channel(site: Site) -> None:
    alice = await site.person("alice")
    await site.channel("news", alice)
    status, envelope = await site.call("POST", "/auth/register", {"username": "news", "password": PASSWORD})
    assert (status, envelope["error"]["code"]) == (409, "DUPLICATE")


async def test_login_gives_a_token_and_a_cookie_that_scripts_can_not_read(site: Site) -> None:
    alice = await site.person("alice")
    async with site.client.post(
        f"{site.base}/api/auth/login", json={"username": "Alice", "password": PASSWORD}
    ) as response:
        envelope = await response.json()
        cookie = response.cookies["session"]
    assert envelope["data"]["userId"] == alice.id
    assert cookie.value == envelope["data"]["token"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["secure"]
    assert cookie["path"] == "/"


async def test_wrong_names_and_wrong_passwords_look_the_same(site: Site) -> None:
    await site.person("alice")
    answers = [
        await site.call("POST", "/auth/login", {"username": name, "password": "not the password"})
        for name in ("alice", "nobody", "no\u0000body", "x" * 128)
    ]
    assert [status for status, _ in answers] == [401] * 4
    assert len({envelope["error"]["message"] for _, envelope in answers}) == 1


async def test_only_the_hash_of_a_token_and_of_a_password_is_stored(site: Site) -> None:
    alice = await site.person("alice")
    pool = site.running.services.pool
    tables = [await pool.fetch("SELECT * FROM users"), await pool.fetch("SELECT * FROM user_sessions")]
    assert alice.token not in str(tables)
    assert PASSWORD not in str(tables)
    assert "argon2id" in str(tables)


async def test_a_signed_out_token_is_worth_nothing(site: Site) -> None:
    alice = await site.person("alice")
    assert (await site.call("POST", "/auth/logout", who=alice))[0] == 200
    status, envelope = await site.call("GET", "/me", who=alice)
    assert (status, envelope["error"]["code"]) == (401, "UNAUTHORIZED")


async def test_an_expired_session_is_worth_nothing_and_is_swept(site: Site) -> None:
    alice = await site.person("alice")
    pool = site.running.services.pool
    await pool.execute("UPDATE user_sessions SET expires_at = now() - interval '1 second'")
    assert (await site.call("GET", "/me", who=alice))[0] == 401


async def test_a_session_is_extended_at_most_once_a_day(site: Site) -> None:
    alice = await site.person("alice")
    pool = site.running.services.pool
    cookie = {"Cookie": f"session={alice.token}"}
    async with site.client.get(f"{site.base}/api/me", headers=cookie) as response:
        assert "session" not in response.cookies
    await pool.execute("UPDATE user_sessions SET expires_at = now() + interval '28 days'")
    async with site.client.get(f"{site.base}/api/me", headers=cookie) as response:
        assert response.cookies["session"].value == alice.token
    left = await pool.fetchval("SELECT expires_at - now() FROM user_sessions")
    assert left > timedelta(days=29, hours=23)


async def test_a_bad_bearer_token_is_refused_even_where_none_is_needed(site: Site) -> None:
    for value in ("Bearer nonsense", "Bearer ", "Basic YTpi", "Bearer " + "x" * 5000, "Bearer \u00fc"):
        status, envelope = await site.call("GET", "/channels", headers={"Authorization": value})
        assert (status, envelope["error"]["code"]) == (401, "UNAUTHORIZED")


async def test_another_sites_page_can_not_use_the_cookie(site: Site) -> None:
    alice = await site.person("alice")
    cookie = {"Cookie": f"session={alice.token}"}
    body = {"displayName": "Mallory was here"}
    for origin in ("https://evil.example", "null", site.base.replace("127.0.0.1", "127.0.0.2")):
        status, envelope = await site.call("PATCH", "/me", body, headers={**cookie, "Origin": origin})
        assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN")
    assert (await site.call("PATCH", "/me", body, headers=cookie))[0] == 403
    for origin in (site.base, "http://localhost:8080"):
        assert (await site.call("PATCH", "/me", {"displayName": "A"}, headers={**cookie, "Origin": origin}))[0] == 200


async def test_another_sites_page_can_not_sign_a_visitor_in(site: Site) -> None:
    await site.person("alice")
    body = {"username": "alice", "password": PASSWORD}
    status, _ = await site.call("POST", "/auth/login", body, headers={"Origin": "https://evil.example"})
    assert status == 403


async def test_my_display_name_changes(site: Site) -> None:
    alice = await site.person("alice")
    assert (await site.data("PATCH", "/me", {}, who=alice))["user"]["displayName"] == "alice"
    assert (await site.data("PATCH", "/me", {"displayName": "Älice"}, who=alice))["user"]["displayName"] == "Älice"


async def test_my_name_has_the_colour_that_i_choose(site: Site) -> None:
    alice = await site.person("alice")
    assert (await site.data("GET", "/me", who=alice))["chatColor"] == ""
    assert (await site.data("PATCH", "/me", {"chatColor": "#3e63dd"}, who=alice))["chatColor"] == "#3E63DD"
    for bad in ("red", "#12345", "#1234567", "#12345g", None, 7):
        status, envelope = await site.call("PATCH", "/me", {"chatColor": bad}, who=alice)
        assert (status, list(envelope["error"]["fields"])) == (400, ["chatColor"])
    assert (await site.data("PATCH", "/me", {"displayName": "A"}, who=alice))["chatColor"] == "#3E63DD"
    assert (await site.data("PATCH", "/me", {"chatColor": ""}, who=alice))["chatColor"] == ""


async def test_guessing_a_password_is_slowed_down_per_name(site: Site) -> None:
    await site.person("alice")
    body = {"username": "alice", "password": "not the password"}
    for _ in range(throttle.LOGIN_BY_USERNAME.attempts):
        assert (await site.call("POST", "/auth/login", body))[0] == 401
    status, envelope = await site.call("POST", "/auth/login", {"username": "alice", "password": PASSWORD})
    assert (status, envelope["error"]["code"]) == (429, "RATE_LIMITED")
    assert 0 < envelope["error"]["retryAfterMs"] <= throttle.LOGIN_BY_USERNAME.window_s * 1000
    status, _ = await site.call("POST", "/auth/login", {"username": "bob", "password": PASSWORD})
    assert status == 401


async def test_a_right_password_forgives_wrong_ones(site: Site) -> None:
    await site.person("alice")
    for _ in range(3):
        for _ in range(throttle.LOGIN_BY_USERNAME.attempts // 2):
            await site.call("POST", "/auth/login", {"username": "alice", "password": "not the password"})
        assert (await site.call("POST", "/auth/login", {"username": "alice", "password": PASSWORD}))[0] == 200


async def test_registrations_are_slowed_down_per_address(site: Site) -> None:
    redis = site.running.services.redis
    limit = throttle.REGISTER_BY_ADDRESS
    for _ in range(limit.attempts):
        await throttle.spend(redis, limit, throttle.network_of("127.0.0.1"))
    status, envelope = await site.call("POST", "/auth/register", {"username": "alice", "password": PASSWORD})
    assert (status, envelope["error"]["code"]) == (429, "RATE_LIMITED")


@pytest.mark.parametrize("more_settings", [{"trusted_proxies": "127.0.0.0/8"}])
async def test_behind_an_edge_of_ours_the_limit_meets_the_client_and_nobody_else(site: Site) -> None:
    redis = site.running.services.redis
    limit = throttle.REGISTER_BY_ADDRESS
    for _ in range(limit.attempts):
        await throttle.spend(redis, limit, throttle.network_of("203.0.113.9"))
    body = {"username": "alice", "password": PASSWORD}
    refused, _ = await site.call("POST", "/auth/register", body, headers={"X-Forwarded-For": "203.0.113.9"})
    made, _ = await site.call("POST", "/auth/register", body, headers={"X-Forwarded-For": "6.6.6.6, 198.51.100.1"})
    assert (refused, made) == (429, 201)


async def test_nothing_secret_is_logged(site: Site) -> None:
    with capture_logs() as logs:
        alice = await site.person("alice")
        await site.channel("news", alice)
        key = await site.key("news", alice)
        await site.call("POST", "/auth/login", {"username": "alice", "password": "not the password"})
        await site.call("GET", f"/channels?q={key}", who=alice)
        await site.publish(key)
        await site.publish("live_wrong")
    text = str(logs)
    assert "publish granted" in text
    for secret in (alice.token, key, PASSWORD, "live_wrong", "not the password", "203.0.113.9"):
        assert secret not in text


async def test_many_sign_ins_at_once_are_all_answered(site: Site) -> None:
    await site.person("alice")
    body = {"username": "alice", "password": PASSWORD}
    answers = await asyncio.gather(*(site.call("POST", "/auth/login", body) for _ in range(8)))
    assert [status for status, _ in answers] == [200] * 8


@pytest.mark.parametrize("more_settings", [{"registration": "closed"}, {"registration": "invite"}])
async def test_a_site_may_take_no_new_accounts(site: Site) -> None:
    body = {"username": "alice", "password": PASSWORD, "inviteCode": "let me in"}
    status, envelope = await site.call("POST", "/auth/register", body)
    assert (status, envelope["error"]["code"]) == (403, "FORBIDDEN")
    assert await site.running.services.pool.fetchval("SELECT count(*) FROM users") == 0


@pytest.mark.parametrize("more_settings", [{"public_url": "https://tv.example.org"}])
async def test_under_https_cookies_travel_encrypted_only(site: Site) -> None:
    body = {"username": "alice", "password": PASSWORD}
    async with site.client.post(f"{site.base}/api/auth/register", json=body) as response:
        assert response.cookies["session"]["secure"]
        token = response.cookies["session"].value
    headers = {"Cookie": f"session={token}", "Origin": "https://tv.example.org"}
    async with site.client.post(f"{site.base}/api/auth/logout", headers=headers) as response:
        assert response.status == 200
        assert response.cookies["session"].value == ""
        assert response.cookies["session"]["max-age"] == "0"
