import asyncio

import pytest

from chat.moderation.reports import PER_HOUR
from schemas.errors import ApiError, ErrorCode
from schemas.ids import UserId
from tests.chat.moderation.house import HOME, House

pytestmark = pytest.mark.services
VIEWER2 = UserId("viewer2")


async def code_of(attempt: object) -> ErrorCode:
    with pytest.raises(ApiError) as refused:
        await attempt  # type: ignore[misc]  # a coroutine
    return refused.value.body.code


async def test_a_report_keeps_what_was_said_and_is_decided_once(home: House) -> None:
    reports = home.moderation.reports
    message = await home.say("viewer2", "something bad")
    filed = await reports.file(home.actor("viewer"), HOME, VIEWER2, "rude", message)
    assert filed.message is not None
    assert (filed.reporter_name, filed.username, filed.message.content) == ("viewer", "viewer2", "something bad")
    await home.moderation.messages.delete(home.actor("mod"), HOME, message)
    about = await reports.file(home.actor("viewer"), HOME, VIEWER2, "again", None)
    assert [each.id for each in await reports.page(HOME, after=None, limit=9)] == [about.id, filed.id]

    decided = await reports.decide(home.actor("mod"), HOME, filed.id, "acted")
    assert (decided.outcome, decided.decided_by, decided.message) == ("acted", "mod", filed.message)
    again = await reports.decide(home.actor("mod2"), HOME, filed.id, "dismissed")
    assert (again.outcome, again.decided_by) == ("acted", "mod")
    await reports.decide(home.actor("mod"), HOME, about.id, "dismissed")
    assert await home.acts() == ["delete", "decide", "decide"]
    assert await code_of(reports.decide(home.actor("viewer"), HOME, filed.id, "acted")) is ErrorCode.FORBIDDEN
    assert await code_of(reports.decide(home.actor("mod"), HOME, "nothing", "acted")) is ErrorCode.NOT_FOUND


async def test_what_cannot_be_reported(home: House) -> None:
    file, viewer = home.moderation.reports.file, home.actor("viewer")
    message = await home.say("viewer2", "hi")
    await file(viewer, HOME, VIEWER2, "rude", message)
    assert await code_of(file(viewer, HOME, VIEWER2, "rude", message)) is ErrorCode.DUPLICATE
    assert await code_of(file(viewer, HOME, UserId("vip"), "rude", message)) is ErrorCode.INVALID_REQUEST
    assert await code_of(file(viewer, HOME, UserId("viewer"), "me", None)) is ErrorCode.FORBIDDEN
    assert await code_of(file(viewer, HOME, UserId("nobody"), "who", None)) is ErrorCode.NOT_FOUND
    assert await code_of(file(viewer, HOME, VIEWER2, "what", "nothing")) is ErrorCode.NOT_FOUND


async def test_one_account_reports_so_often_in_an_hour(home: House) -> None:
    file, viewer = home.moderation.reports.file, home.actor("viewer")
    outcomes = await asyncio.gather(
        *(file(viewer, HOME, VIEWER2, "rude", None) for _ in range(PER_HOUR + 4)), return_exceptions=True
    )
    refused = [each.body for each in outcomes if isinstance(each, ApiError)]
    assert [body.code for body in refused] == [ErrorCode.RATE_LIMITED] * 4
    assert all(3_500_000 < (body.retry_after_ms or 0) <= 3_600_000 for body in refused)
    await file(home.actor("vip"), HOME, VIEWER2, "rude", None)
    await home.pool.execute("UPDATE chat_reports SET created_at = created_at - interval '61 min'")
    await file(viewer, HOME, VIEWER2, "rude", None)
