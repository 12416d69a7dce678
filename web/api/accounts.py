"""Accounts and sign-ins."""

import re

from schemas import api
from schemas.errors import ApiError, ErrorCode
from web import passwords, throttle
from web.api.pulls import may_pull
from web.calls import Call
from web.names import refuse_reserved
from web.store import channels, sessions, users
from web.store.users import Account
from web.tokens import digest, make_session_token

_USERNAME = re.compile(api.NAME_PATTERN)


def present(account: Account) -> api.User:
    """Return the account as anyone may see it."""
    return api.User(
        account.id, account.username, account.display_name, f"/avatars/{account.username}", account.created_at
    )


async def register(call: Call[api.Register]) -> api.Registered:
    """Make an account and sign it in."""
    wanted, services = call.input, call.services
    match services.settings.registration:
        case "closed":
            raise ApiError(ErrorCode.FORBIDDEN, "Registration is closed.")
        case "invite":
            raise ApiError(ErrorCode.FORBIDDEN, "Registration is by invitation only; this code is not known.")
        case _:
            pass
    refuse_reserved(wanted.username, field="username")
    passwords.refuse_weak(wanted.password, wanted.username)
    await throttle.spend(services.redis, throttle.REGISTER_BY_ADDRESS, throttle.network_of(call.address))
    account = await users.create(
        services.pool,
        username=wanted.username,
        password_hash=await services.passwords.hash(wanted.password),
        display_name=wanted.display_name,
        email=wanted.email,
    )
    session = await _sign_in(call, account)
    return api.Registered(present(account), session.token, session.expires_at)


async def login(call: Call[api.Login]) -> api.Session:
    """Sign in. A wrong name and a wrong password get the same answer after the same work."""
    services, given = call.services, call.input
    username = given.username.lower()
    await throttle.spend(services.redis, throttle.LOGIN_BY_ADDRESS, throttle.network_of(call.address))
    await throttle.spend(services.redis, throttle.LOGIN_BY_USERNAME, username)
    found = await users.with_password(services.pool, username) if _USERNAME.match(username) else None
    if not await services.passwords.verify(found[1] if found else None, given.password) or found is None:
        raise ApiError(ErrorCode.UNAUTHORIZED, "Wrong username or password.")
    account, stored = found
    if services.passwords.is_outdated(stored):
        await users.set_password_hash(services.pool, account.id, await services.passwords.hash(given.password))
    await throttle.forgive(services.redis, throttle.LOGIN_BY_USERNAME, username)
    return await _sign_in(call, account)


async def logout(call: Call[None]) -> api.Nothing:
    """End the session that this request came with."""
    assert call.visitor is not None
    await sessions.end(call.services.pool, digest(call.visitor.token))
    call.ends_session = True
    return api.Nothing()


async def me(call: Call[None]) -> api.Me:
    """Show my account."""
    return await _me(call, call.account)


async def patch_me(call: Call[api.PatchMe]) -> api.Me:
    """Change my account."""
    account = call.account
    if isinstance(call.input.display_name, str):
        await users.set_display_name(call.services.pool, account.id, call.input.display_name)
    if isinstance(call.input.chat_color, str):
        await users.set_chat_color(call.services.pool, account.id, call.input.chat_color.upper())
    changed = await users.by_name(call.services.pool, account.username)
    return await _me(call, changed or account)


async def _me(call: Call[None] | Call[api.PatchMe], account: Account) -> api.Me:
    own = await channels.owned_by(call.services.pool, account.id)
    return api.Me(
        present(account),
        account.is_admin,
        account.email,
        [api.OwnedChannel(channel.id, channel.name) for channel in own],
        may_pull=may_pull(account),
        chat_color=account.chat_color,
    )


async def _sign_in(call: Call[api.Register] | Call[api.Login], account: Account) -> api.Session:
    token = make_session_token()
    agent = call.request.headers.get("User-Agent", "").replace("\0", "")
    expires_at = await sessions.create(call.services.pool, digest(token), account.id, agent)
    call.new_session = (token, expires_at)
    return api.Session(token, account.id, expires_at)
