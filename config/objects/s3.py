"""A bucket of any S3-compatible server, through boto3 in threads of its own.

The settings are those that servers of others need: signatures of version 4, no checksums they do not ask for, the
bucket in the path; measured against four of them. No access lists are sent: buckets of today refuse them.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from config.objects.address import S3Address
from config.objects.faults import translated
from config.objects.keys import checked, content_type_of
from config.objects.store import IMMUTABLE, NoSuchObject, ObjectInfo, StoreRefused, StoreUnavailable

THREADS = 16
CONNECT_S = 3.0
READ_S = 10.0
"""For a connection and for each wait on an answer. With `ATTEMPTS` tries the longest call is about 40 s."""
ATTEMPTS = 3
MULTIPART_BYTES = 16 << 20
"""Files from here on go in parts of this size: one broken connection costs one part."""
MAX_BATCH = 1000
"""Keys of one DeleteObjects (Amazon S3 API reference)."""

T = TypeVar("T")


class Client(Protocol):
    """What is used of the client that boto3 makes; it has no types of its own."""

    def put_object(self, **parameters: object) -> dict[str, Any]: ...  # noqa: D102
    def get_object(self, **parameters: object) -> dict[str, Any]: ...  # noqa: D102
    def head_object(self, **parameters: object) -> dict[str, Any]: ...  # noqa: D102
    def delete_objects(self, **parameters: object) -> dict[str, Any]: ...  # noqa: D102
    def delete_object(self, **parameters: object) -> dict[str, Any]: ...  # noqa: D102
    def upload_file(self, path: str, bucket: str, key: str, **parameters: object) -> None: ...  # noqa: D102
    def get_paginator(self, operation: str) -> Any: ...  # noqa: D102
    def generate_presigned_url(self, operation: str, **parameters: object) -> str: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


def make_client(address: S3Address, threads: int = THREADS) -> Client:
    """Return a client, safe for all threads. Blocks: credentials may be asked for over the network."""
    foreign: dict[str, Any] = {
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "s3": {"addressing_style": "path"},
    }
    config = Config(
        signature_version="s3v4",
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=threads,
        tcp_keepalive=True,
        **({} if address.is_amazon else foreign),
    )
    session = boto3.session.Session(
        aws_access_key_id=address.key or None,
        aws_secret_access_key=address.secret or None,
        region_name=address.region,
    )
    return cast("Client", session.client("s3", endpoint_url=address.endpoint, config=config))


class S3Store:
    """One bucket, or a folder of it. `setting`: the variable that names it, for errors."""

    def __init__(self, address: S3Address, client: Client, setting: str, threads: ThreadPoolExecutor) -> None:
        self._address, self._client, self._setting = address, client, setting
        self._threads = threads
        self._whole = {"Bucket": address.bucket}
        self._parts = TransferConfig(
            multipart_threshold=MULTIPART_BYTES, multipart_chunksize=MULTIPART_BYTES, use_threads=False
        )

    @classmethod
    async def open(cls, address: S3Address, setting: str) -> "S3Store":
        """Make the client and its threads; nothing is asked of the server yet."""
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")
        client = await asyncio.get_running_loop().run_in_executor(threads, make_client, address)
        return cls(address, client, setting, threads)

    async def put(
        self, key: str, body: bytes | Path, *, content_type: str = "", cache_control: str = IMMUTABLE
    ) -> None:
        """Store bytes or a file; a large file goes in parts."""
        headers = {"ContentType": content_type or content_type_of(key), "CacheControl": cache_control}
        await self._apart(self._put, self._key(key), body, headers)

    async def get(self, key: str, first: int = 0, last: int | None = None) -> bytes:
        """Return an object's bytes from `first` to `last`, both included; to its end without `last`."""
        parameters = self._named(key)
        if first or last is not None:
            parameters["Range"] = f"bytes={first}-{'' if last is None else last}"
        return await self._apart(self._get, parameters)

    async def head(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, None when there is none."""
        try:
            answer = await self._apart(self._head, self._named(key))
        except NoSuchObject:
            return None
        return ObjectInfo(key, int(answer["ContentLength"]), str(answer.get("ContentType", "")))

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, a thousand with each request."""
        whole = [self._key(key) for key in keys]
        for begin in range(0, len(whole), MAX_BATCH):
            await self._apart(self._delete, whole[begin : begin + MAX_BATCH])

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Yield what begins with this, page by page."""
        pages = self._pages(prefix)
        while (page := await self._apart(next, pages, None)) is not None:
            for info in page:
                yield info

    def presigned_url(self, key: str, expires_s: int) -> str | None:
        """Return an address under which anybody may GET the object for a while."""
        try:
            return self._client.generate_presigned_url("get_object", Params=self._named(key), ExpiresIn=expires_s)
        except (BotoCoreError, ClientError) as error:
            raise translated(error, self._address, self._setting) from error

    async def check(self) -> str:
        """Write, read and delete a small object."""
        key = f"check-{secrets.token_hex(8)}.txt"
        await self.put(key, key.encode())
        if await self.get(key) != key.encode():
            raise StoreUnavailable(f"{self._address.host} gives back other bytes than it was given")
        await self.delete([key])
        if await self.head(key) is not None:
            raise StoreRefused(f"{self._address.host} does not delete objects ({self._setting})")
        return f"bucket {self._address.bucket} on {self._address.host}"

    async def close(self) -> None:
        """Finish what was begun, let go of connections and threads."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        self._client.close()

    # --- in the threads ------------------------------------------------------------------------------------

    async def _apart(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._tried, work, arguments)

    def _tried(self, work: Callable[..., T], arguments: Sequence[object]) -> T:
        try:
            return work(*arguments)
        except (BotoCoreError, ClientError, Boto3Error) as error:
            # a transfer of several parts wraps the error that says why
            cause = error.__context__ if isinstance(error, Boto3Error) else None
            raise translated(cause if isinstance(cause, Exception) else error, self._address, self._setting) from error

    def _put(self, key: str, body: bytes | Path, headers: dict[str, str]) -> None:
        if isinstance(body, Path):
            if body.stat().st_size >= MULTIPART_BYTES:
                self._client.upload_file(str(body), self._address.bucket, key, ExtraArgs=headers, Config=self._parts)
                return
            body = body.read_bytes()
        self._client.put_object(**self._whole, Key=key, Body=body, **headers)

    def _get(self, parameters: dict[str, str]) -> bytes:
        with self._client.get_object(**parameters)["Body"] as body:
            return cast("bytes", body.read())

    def _head(self, parameters: dict[str, str]) -> dict[str, Any]:
        return self._client.head_object(**parameters)

    def _delete(self, keys: Sequence[str]) -> None:
        if len(keys) == 1:  # every server knows this one
            self._client.delete_object(**self._whole, Key=keys[0])
            return
        wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        for error in self._client.delete_objects(**self._whole, Delete=wanted).get("Errors", []):
            if error.get("Code") not in {"NoSuchKey", "404"}:
                raise ClientError({"Error": error, "ResponseMetadata": {}}, "DeleteObjects")

    def _pages(self, prefix: str) -> Iterator[Sequence[ObjectInfo]]:
        beginning = f"{self._address.prefix}/" if self._address.prefix else ""
        paginator = self._client.get_paginator("list_objects_v2")
        for page in paginator.paginate(**self._whole, Prefix=beginning + prefix):
            yield [
                ObjectInfo(key := one["Key"].removeprefix(beginning), int(one["Size"]), content_type_of(key))
                for one in page.get("Contents", [])
            ]

    def _key(self, key: str) -> str:
        return f"{self._address.prefix}/{checked(key)}" if self._address.prefix else checked(key)

    def _named(self, key: str) -> dict[str, str]:
        return self._whole | {"Key": self._key(key)}
