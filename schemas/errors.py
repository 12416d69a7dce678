"""The API's error codes and its one envelope: `{"success":true,"data":…}` or `{"success":false,"error":{…}}`."""

from enum import StrEnum
from http import HTTPStatus

import msgspec


class ErrorCode(StrEnum):
    """Stable codes that clients switch on; the message beside them is for people."""

    PARSE_ERROR = "PARSE_ERROR"
    INVALID_REQUEST = "INVALID_REQUEST"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    CONFLICT = "CONFLICT"
    DUPLICATE = "DUPLICATE"
    NO_PUBLISHER = "NO_PUBLISHER"
    BANNED = "BANNED"
    TIMED_OUT = "TIMED_OUT"
    SLOW_MODE = "SLOW_MODE"
    FOLLOWERS_ONLY = "FOLLOWERS_ONLY"
    SUBSCRIBERS_ONLY = "SUBSCRIBERS_ONLY"
    EMOTE_ONLY = "EMOTE_ONLY"
    DUPLICATE_MESSAGE = "DUPLICATE_MESSAGE"
    ACCOUNT_TOO_NEW = "ACCOUNT_TOO_NEW"
    LINKS_NOT_ALLOWED = "LINKS_NOT_ALLOWED"
    BLOCKED_TERM = "BLOCKED_TERM"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


STATUS: dict[ErrorCode, HTTPStatus] = {
    ErrorCode.PARSE_ERROR: HTTPStatus.BAD_REQUEST,
    ErrorCode.INVALID_REQUEST: HTTPStatus.BAD_REQUEST,
    ErrorCode.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    ErrorCode.CONFLICT: HTTPStatus.CONFLICT,
    ErrorCode.DUPLICATE: HTTPStatus.CONFLICT,
    ErrorCode.NO_PUBLISHER: HTTPStatus.CONFLICT,
    ErrorCode.BANNED: HTTPStatus.FORBIDDEN,
    ErrorCode.TIMED_OUT: HTTPStatus.FORBIDDEN,
    ErrorCode.SLOW_MODE: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.FOLLOWERS_ONLY: HTTPStatus.FORBIDDEN,
    ErrorCode.SUBSCRIBERS_ONLY: HTTPStatus.FORBIDDEN,
    ErrorCode.EMOTE_ONLY: HTTPStatus.FORBIDDEN,
    ErrorCode.DUPLICATE_MESSAGE: HTTPStatus.CONFLICT,
    ErrorCode.ACCOUNT_TOO_NEW: HTTPStatus.FORBIDDEN,
    ErrorCode.LINKS_NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    ErrorCode.BLOCKED_TERM: HTTPStatus.FORBIDDEN,
    ErrorCode.PAYLOAD_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.INTERNAL_ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class ErrorBody(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What went wrong, for a program (`code`), for a person (`message`), and where (`fields`: name to reason)."""

    code: ErrorCode
    message: str
    fields: dict[str, str] | None = None
    retry_after_ms: int | None = None


class Failure(msgspec.Struct, frozen=True, rename="camel"):
    """The envelope of every refused or failed request."""

    error: ErrorBody
    success: bool = False


class ApiError(Exception):
    """A request that is answered with `Failure`; raised anywhere under a handler, written by one middleware."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        fields: dict[str, str] | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(f"{code.value}: {message}")
        self.body = ErrorBody(code, message, fields, retry_after_ms)

    @property
    def status(self) -> HTTPStatus:
        """The HTTP status that belongs to the code."""
        return STATUS[self.body.code]


def failure(code: ErrorCode, message: str) -> bytes:
    """Return the JSON envelope of an error that has nothing more to say."""
    return msgspec.json.encode(Failure(ErrorBody(code, message)))
