"""Addresses as a log or a terminal may show them."""

import re

_PASSWORD = re.compile(r"(://[^/@:]*):.*@")  # to the last @: a password may hold any sign, even unescaped
_PARAMETER = re.compile(r"([?&](?:[a-z_]*password|[a-z_]*secret|token)=)[^&]*", re.IGNORECASE)


def mask(url: str) -> str:
    """Return an address without the passwords in it."""
    return _PARAMETER.sub(r"\1****", _PASSWORD.sub(r"\1:****@", url))
