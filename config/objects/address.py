"""`s3://KEY:SECRET@host[:port]/bucket?region=…&secure=0&prefix=…` and its parts.

KEY and SECRET are percent-encoded where they hold other signs; without them the usual chain of credentials is asked
(variables AWS_*, ~/.aws, the machine's role).
"""

import ipaddress
import re
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from config.objects.keys import KEY

DEFAULT_REGION = "us-east-1"
"""What servers that know no regions take."""
_AMAZON = re.compile(r"(^|\.)amazonaws\.com(\.cn)?$")
_REGION_OF_HOST = re.compile(r"^s3[.-](?:dualstack\.)?([a-z0-9-]+)\.amazonaws\.com")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")
_PARAMETERS = frozenset({"region", "secure", "prefix"})


class BadAddress(ValueError):
    """It is no address of a bucket; the text says what is missing, without secrets."""


class S3Address(msgspec.Struct, frozen=True):
    """Where a bucket is. `prefix`: what all keys in it begin with, without a slash at its end."""

    endpoint: str
    host: str
    bucket: str
    region: str
    prefix: str = ""
    key: str = ""
    secret: str = ""

    @property
    def is_amazon(self) -> bool:
        """Whether it is Amazon's own: everything newer than the plain protocol works only there for sure."""
        return _AMAZON.search(self.host) is not None

    def __repr__(self) -> str:
        return f"S3Address({self.endpoint}/{self.bucket}/{self.prefix})"


def read_address(url: str) -> S3Address:
    """Return the parts of an s3:// address. Raises `BadAddress`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        parameters = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise BadAddress("it cannot be read: write %2F for a slash and %40 for an @ in the secret") from error
    bucket, _, path = parts.path.strip("/").partition("/")
    if unknown := set(parameters) - _PARAMETERS:
        raise BadAddress(f"it has no parameter {min(unknown)!r}: there are region, secure and prefix")
    if not host or not _BUCKET.fullmatch(bucket) or path:
        raise BadAddress("write s3://KEY:SECRET@host/bucket, and a folder in it as ?prefix=folder")
    if (parts.username is None) != (parts.password is None):
        raise BadAddress("KEY and SECRET belong together: s3://KEY:SECRET@host/bucket")
    if parameters.get("secure", "1") not in {"0", "1"}:
        raise BadAddress("secure is 1 (https) or 0 (http)")
    prefix = parameters.get("prefix", "").strip("/")
    if prefix and not KEY.fullmatch(prefix):
        raise BadAddress("prefix is made of letters, digits, dots, dashes, underscores and slashes")
    named = _REGION_OF_HOST.match(host)
    scheme = "http" if parameters.get("secure") == "0" else "https"
    return S3Address(
        endpoint=f"{scheme}://{_bracketed(host)}" + (f":{port}" if port else ""),
        host=host,
        bucket=bucket,
        region=parameters.get("region") or (named[1] if named else DEFAULT_REGION),
        prefix=prefix,
        key=unquote(parts.username or ""),
        secret=unquote(parts.password or ""),
    )


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host
