"""Secrets of others that we must be able to read again, encrypted at rest: AES-256-GCM with a key made of TALLY_SECRET.

Whoever has the database alone reads none of them; whoever loses TALLY_SECRET has lost them, and they are typed again.
"""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = "s1:"
NONCE_BYTES = 12
_PURPOSE = b"tallylight sealed secrets"


class CannotOpen(Exception):
    """It was sealed with another TALLY_SECRET, or is not whole."""


class Seal:
    """Seals and opens with one instance's secret."""

    def __init__(self, secret: str) -> None:
        key = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret.encode())
        self._cipher = AESGCM(key)

    def close(self, text: str) -> str:
        """Return the text sealed; twice the same text gives two different ones."""
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), None)).decode()

    def open(self, sealed: str) -> str:
        """Return what was sealed. Raises `CannotOpen`."""
        try:
            data = base64.urlsafe_b64decode(sealed.removeprefix(VERSION).encode("ascii"))
            if not sealed.startswith(VERSION):
                raise CannotOpen("not a sealed text")
            return self._cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("sealed with another TALLY_SECRET, or damaged: set it again") from error
