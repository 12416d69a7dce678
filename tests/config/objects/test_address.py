"""Addresses of buckets."""

import pytest

from config.objects.address import BadAddress, read_address


def test_all_parts_are_read() -> None:
    address = read_address("s3://KEY:s%2Fe%40c%25r@minio.lan:9000/live?region=eu-1&secure=0&prefix=/a/b/")
    assert (address.endpoint, address.host) == ("http://minio.lan:9000", "minio.lan")
    assert (address.bucket, address.region, address.prefix) == ("live", "eu-1", "a/b")
    assert (address.key, address.secret) == ("KEY", "s/e@c%r")
    assert not address.is_amazon


def test_the_rest_has_defaults() -> None:
    address = read_address("s3://storage.example.org/bucket")
    assert address.endpoint == "https://storage.example.org"
    assert (address.region, address.prefix, address.key, address.secret) == ("us-east-1", "", "", "")


def test_amazon_says_its_region_in_the_name() -> None:
    assert read_address("s3://s3.eu-central-1.amazonaws.com/bucket").region == "eu-central-1"
    assert read_address("s3://s3.eu-central-1.amazonaws.com/bucket").is_amazon
    assert not read_address("s3://amazonaws.com.example.org/bucket").is_amazon


def test_a_v6_address_is_a_host() -> None:
    assert read_address("s3://k:s@[::1]:9000/bucket").endpoint == "https://[::1]:9000"


def test_the_secret_is_never_shown() -> None:
    assert "hunter2" not in repr(read_address("s3://KEY:hunter2@host/bucket"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://bucket", "s3://KEY:SECRET@host/bucket"),
        ("s3://host/", "s3://KEY:SECRET@host/bucket"),
        ("s3://host/bucket/folder", "?prefix=folder"),
        ("s3://host/UPPER", "s3://KEY:SECRET@host/bucket"),
        ("s3://KEY@host/bucket", "belong together"),
        ("s3://k:s@host/bucket?secure=no", "secure is 1"),
        ("s3://k:s@host/bucket?regoin=eu", "'regoin'"),
        ("s3://k:s@host/bucket?prefix=../a", "prefix is made of"),
        ("s3://k:s@host:port/bucket", "cannot be read"),
        ("s3://k:a/b@host/bucket", "cannot be read"),
    ],
)
def test_mistakes_are_named_without_the_secret(url: str, words: str) -> None:
    with pytest.raises(BadAddress, match=words.replace("?", r"\?")) as caught:
        read_address(url)
    assert "k:s@" not in str(caught.value)
