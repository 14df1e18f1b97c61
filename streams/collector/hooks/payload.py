"""Values out of a webhook's JSON. Providers change their payloads: what is not as expected is None, no error."""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from schemas.dead_letter import Reason, Rejected
from schemas.document import Document, read
from schemas.instant import LAST_INSTANT
from streams.collector.event_time import parse_instant

Object = Mapping[str, object]

_LONGEST = 4096  # characters of a text that is kept: a link with its query, not a page
_NOTHING: Object = {}
_elements = msgspec.json.Decoder(list[msgspec.Raw])


def obj(value: object) -> Object:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else _NOTHING


def listed(value: object) -> list[object]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Text without spaces around it, and numbers as text; None if nothing is left."""
    if isinstance(value, str):
        return value.strip()[:_LONGEST] or None
    return str(value) if type(value) in (int, float) else None


def instant(value: object) -> int | None:
    """Unix milliseconds of ISO 8601 text or of a Unix number, in seconds or milliseconds, also written as text."""
    if isinstance(value, str):
        value = _number(value.strip())
    if isinstance(value, float) and not -1e15 < value < 1e15:  # not a time, and perhaps not finite
        return None
    try:
        at = parse_instant(value)
    except OverflowError:  # a day of the year 1 or 9999 in another zone
        return None
    return at if at is not None and 0 <= at <= LAST_INSTANT else None


_FEWEST_DIGITS = 9  # of a Unix time since 1973; fewer are a date without hyphens


def _number(written: str) -> float | str:
    try:
        return float(written) if len(written) >= _FEWEST_DIGITS else written
    except ValueError:
        return written


def hashed(*parts: object) -> str:
    """An id for what has none: the same parts give the same id, 32 hex digits."""
    digest = blake2b(digest_size=16)
    for part in parts:
        encoded = b"" if part is None else str(part).encode(errors="replace")
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return digest.hexdigest()


def read_list(body: bytes) -> list[tuple[bytes, Document | Rejected]] | Rejected:
    """Each element of a JSON list with its raw bytes; one that cannot be read does not spoil the others."""
    try:
        elements = _elements.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Rejected(Reason.BAD_JSON, "expected a JSON list")
    return [(raw, read(raw)) for raw in map(bytes, elements)]
