"""What lets two processes of a pipeline speak of a lead in private: both know the identity secret, nobody else.

A question is signed, for one lead key and a few seconds; its answer is encrypted for that question alone. The keys
are derived from the secret, which is never sent.
"""

import hmac
import os
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from streams.identity.keys import Secret

SCHEME: Final = "Leadstreams"
FRESH_MS: Final = 10_000
"""How long a question holds, and how far two clocks may be apart."""
NONCE_BYTES: Final = 12
_PURPOSE: Final = b"leadstreams live record"


class Seal:
    """Signs and seals for one pipeline."""

    def __init__(self, secret: Secret, pipeline: str) -> None:
        derived = blake2b(_PURPOSE + b" " + pipeline.encode(), key=secret.value, digest_size=64).digest()
        self._signing, self._cipher = derived[:32], AESGCM(derived[32:])

    def sign(self, key: str, at: int) -> str:
        """The `Authorization` of a question for a lead's record, asked at `at` (Unix ms)."""
        stamp = f"{at}.{os.urandom(NONCE_BYTES).hex()}"
        return f"{SCHEME} {stamp}.{self._mac(key, stamp)}"

    def is_signed(self, key: str, authorization: str, now: int) -> bool:
        """Whether somebody with our secret asks for this lead now."""
        if not authorization.isascii():
            return False
        scheme, _, told = authorization.partition(" ")
        stamp, _, mac = told.rpartition(".")
        if scheme != SCHEME or not hmac.compare_digest(mac.encode(), self._mac(key, stamp).encode()):
            return False
        return abs(now - int(stamp.partition(".")[0])) <= FRESH_MS  # the number is ours: it is signed

    def close(self, content: bytes, authorization: str) -> bytes:
        """An answer that only who asked can read, and that nobody else can give."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, authorization.encode())

    def open(self, sealed: bytes, authorization: str) -> bytes | None:
        """The answer to this question; None if it is not one."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], authorization.encode())
        except (InvalidTag, ValueError):
            return None

    def _mac(self, key: str, stamp: str) -> str:
        return hmac.digest(self._signing, f"{key} {stamp}".encode(), "sha256").hex()
