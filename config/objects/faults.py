"""What a bucket's client raises, as errors of a store with a sentence for the operator.

The codes are those of "Error responses" of the Amazon S3 API reference; servers of others use the same ones.
"""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from botocore import exceptions

from config.objects.address import S3Address
from config.objects.store import NoSuchObject, StoreError, StoreRefused, StoreUnavailable

WRONG_KEY = frozenset({"InvalidAccessKeyId", "InvalidAccessKey", "UnknownAccessKeyId", "InvalidToken", "ExpiredToken"})
WRONG_SECRET = frozenset({"SignatureDoesNotMatch", "InvalidSecurity"})
WRONG_CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestNotReadyYet"})
NOT_ALLOWED = frozenset({"AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden", "403"})
ELSEWHERE = frozenset({"PermanentRedirect", "AuthorizationHeaderMalformed", "TemporaryRedirect", "301", "307", "308"})
NOTHING_THERE = frozenset({"NoSuchKey", "NotFound", "404", "InvalidRange", "416"})
BUSY = frozenset({"SlowDown", "RequestTimeout", "OperationAborted", "ThrottlingException", "TooManyRequests", "429"})

MAX_SKEW_S = 300
"""Servers refuse signatures that are more than five (some fifteen) minutes off."""


def translated(error: Exception, address: S3Address, setting: str) -> StoreError:
    """Return the error of a store for one of the client's; `setting` is the variable that names the address."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, exceptions.ClientError):
        return _answered(error.response, address, setting)
    return _unanswered(error, address, setting)


def _answered(response: Mapping[str, Any], address: S3Address, setting: str) -> StoreError:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in NOTHING_THERE:
        return NoSuchObject(f"{address.bucket} on {address.host} has no such object")
    if code in BUSY or status >= 500:
        return StoreUnavailable(f"{address.host} answers {status or ''} {code}: it is busy or not well")
    return StoreRefused(f"{_advice(code, status, response, address)} ({setting})")


def _advice(code: str, status: int, response: Mapping[str, Any], address: S3Address) -> str:
    bucket, host = address.bucket, address.host
    if code in WRONG_CLOCK or (status in {400, 401, 403} and _skew_s(response) > MAX_SKEW_S):
        return f"the clock of this machine is too far from that of {host}: let it follow a time server"
    if code == "NoSuchBucket":
        return f"there is no bucket {bucket} on {host}: make it, or correct its name"
    if code in WRONG_SECRET:
        return f"{host} does not take the secret: correct it, percent-encoded"
    if code in WRONG_KEY:
        return f"{host} does not know the key: correct it"
    if code in NOT_ALLOWED:
        return f"{host} does not allow it: let the key read, write and delete objects in {bucket}"
    if code in ELSEWHERE:
        return f"{bucket} is not in the region {address.region}: correct region=…"
    message = " ".join(str(response.get("Error", {}).get("Message", "")).split())[:200]
    return f"{host} refuses with {status} {code}: {message or 'it says no more'}"


def _skew_s(response: Mapping[str, Any]) -> float:
    """How far our clock is from the one of the answer: not every server says why it refuses a signature."""
    try:
        theirs = parsedate_to_datetime(response["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (KeyError, ValueError):
        return 0.0
    return abs(time.time() - theirs.timestamp())


def _unanswered(error: Exception, address: S3Address, setting: str) -> StoreError:
    host, text = address.host, " ".join(str(error).split())[:200]
    match error:
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            return StoreRefused(f"there is no key for {host}: write s3://KEY:SECRET@{host}/… ({setting})")
        case exceptions.CredentialRetrievalError() | exceptions.NoAuthTokenError():
            return StoreRefused(f"the key for {host} cannot be had: {text} ({setting})")
        case exceptions.SSLError():
            return StoreRefused(f"{host} cannot be trusted: {text}; plain HTTP is secure=0 ({setting})")
        case exceptions.ParamValidationError() | exceptions.InvalidRegionError() | exceptions.InvalidHostLabelError():
            return StoreRefused(f"{text} ({setting})")
        case exceptions.EndpointConnectionError() if _is_nameless(error):
            return StoreUnavailable(f"the name {host} cannot be resolved: is it right? ({setting})")
        case exceptions.ConnectTimeoutError() | exceptions.ReadTimeoutError():
            return StoreUnavailable(f"{address.endpoint} does not answer in time")
        case exceptions.EndpointConnectionError() | exceptions.ProxyConnectionError():
            return StoreUnavailable(f"{address.endpoint} cannot be reached")
        case _:
            return StoreUnavailable(f"{address.endpoint} broke off: {text or type(error).__name__}")


def _is_nameless(error: Exception) -> bool:
    """Tell a name without an address from a server that is away: the client library wraps both alike."""
    causes: list[str] = []
    cause = error.__context__
    while cause is not None and len(causes) < 8:
        causes.append(type(cause).__name__)
        cause = cause.__context__ or cause.__cause__
    return "NameResolutionError" in causes or "gaierror" in causes
