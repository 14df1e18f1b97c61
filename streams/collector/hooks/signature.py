"""What the providers' ways of vouching for a request have in common. All comparisons take constant time.

A secret may be one of several that are live, so that it can be changed without a gap.
"""

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b, sha256

from streams.collector.hooks.payload import instant
from streams.collector.request import RequestParts

TOLERANCE_MS = 300_000
"""How far a signature's time may be from ours: a recorded request is worthless after five minutes."""

HASHED = "sha256:"
"""Before a secret that is given by its digest."""


def mac(secret: str, signed: bytes) -> bytes:
    """HMAC-SHA256."""
    return hmac.new(secret.encode(), signed, sha256).digest()


def one_signed(secrets: Iterable[str], signed: bytes, presented: bytes | None) -> bool:
    """Whether one of the secrets made the presented HMAC-SHA256. All of them are tried."""
    if presented is None:
        return False
    return any([hmac.compare_digest(mac(secret, signed), presented) for secret in secrets])  # noqa: C419


def from_hex(value: object) -> bytes | None:
    """The bytes of hex digits, None if they are none."""
    try:
        return bytes.fromhex(value) if isinstance(value, str) else None
    except ValueError:
        return None


def from_base64(value: object) -> bytes | None:
    """The bytes of base64 text, None if it is none."""
    try:
        return b64decode(value, validate=True) if isinstance(value, str) else None
    except (Base64Error, ValueError):
        return None


def timely(timestamp: object, received_at: int, tolerance: int = TOLERANCE_MS) -> bool:
    """Whether a signed time is near enough to `received_at`."""
    at = instant(timestamp)
    return at is not None and abs(received_at - at) <= tolerance


def one_presented(secrets: Iterable[str], parts: RequestParts) -> bool:
    """Whether the request presents one of the secrets: as bearer, Basic `user:password` or token in the URL.

    A secret may be given as `sha256:` and its digest in hex, so that the configuration does not hold it.
    """
    digests = [sha256(token.encode(errors="replace")).digest() for token in _presented(parts)]
    wanted = [_digest(secret) for secret in secrets]
    return any([hmac.compare_digest(one, known) for one in digests for known in wanted])  # noqa: C419


def _digest(secret: str) -> bytes:
    if secret.startswith(HASHED):
        return from_hex(secret.removeprefix(HASHED)) or b""
    return sha256(secret.encode()).digest()


def _presented(parts: RequestParts) -> list[str]:
    found = [token for token in (parts.rest, parts.query.get("token", "")) if token]
    scheme, _, credentials = (parts.authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        found.append(credentials.strip())
    elif scheme.lower() == "basic":
        decoded = from_base64(credentials.strip())
        found.append("" if decoded is None else decoded.decode(errors="replace"))
    return [token for token in found if token]


class Tokens:
    """The tokens of requests seen lately, each with the body it came with.

    For signatures that do not cover the body: a recorded signature cannot vouch for another body. The same body
    again is the provider's own repeat.
    """

    def __init__(self, remembered: int = 100_000) -> None:
        self._remembered = remembered
        self._bodies: OrderedDict[bytes, bytes] = OrderedDict()

    def accept(self, token: str, body: bytes) -> bool:
        """Whether the token is new, or came with this very body before."""
        name = blake2b(token.encode(errors="replace"), digest_size=16).digest()
        content = blake2b(body, digest_size=16).digest()
        known = self._bodies.setdefault(name, content)
        if len(self._bodies) > self._remembered:
            self._bodies.popitem(last=False)
        return known == content
