"""What a translator gives back, and what all translators check."""

import hmac
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from schemas.dead_letter import Reason, Rejected
from schemas.document import read
from schemas.event import FEEDBACK_TYPES, validate
from streams.connectors.http import compact

Document = dict[str, Any]

TOLERANCE_MS: Final = 300_000
"""A signed request is good for five minutes: who overhears one cannot use it later."""


class Refusal(NamedTuple):
    """The request as a whole is refused: nothing of it is published. Holds no personal data."""

    status: int
    code: str
    message: str


class Wrong(NamedTuple):
    """One answer of a request that can never be accepted: for `dead-letters`."""

    position: int
    reason: Reason
    detail: str
    raw: bytes


class Translated(NamedTuple):
    """Events to publish, what is wrong, and what to reply once the broker has the events."""

    events: list[Document]
    wrong: list[Wrong]
    reply: bytes
    content_type: str = "application/json"


UNSIGNED: Final = Refusal(401, "unsigned", "the signature or its time is missing, wrong or too old")


def sorted_out(documents: Sequence[Document]) -> tuple[list[Document], list[Wrong]]:
    """Those that the contract takes, and what is wrong with the others."""
    events: list[Document] = []
    wrong: list[Wrong] = []
    for index, document in enumerate(documents):
        raw = compact(document)
        refused = _refused(document, raw)
        if refused is None:
            events.append(document)
        else:
            wrong.append(Wrong(index, refused.reason, refused.detail, raw))
    return events, wrong


def _refused(document: Document, raw: bytes) -> Rejected | None:
    if document.get("type") not in FEEDBACK_TYPES:
        return Rejected(Reason.UNKNOWN_TYPE, f"type: expected one of {', '.join(sorted(FEEDBACK_TYPES))}")
    known = read(raw)
    found = known if isinstance(known, Rejected) else validate(known)
    return found if isinstance(found, Rejected) else None


def event_id(prefix: str, *parts: object) -> str:
    """A name for what brings none: the same for the same parts, so that a repeat is known as one."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(repr(part).encode() + b"\x00")
    return f"{prefix}-{digest.hexdigest()}"


def header(headers: Mapping[str, str], name: str) -> str:
    """A header by its name, whatever its case; empty if it is not there."""
    return next((value for given, value in headers.items() if given.lower() == name.lower()), "")


def recent(timestamp: str, unit_ms: int, now: int) -> bool:
    """Whether a time in a header is within the tolerance. `unit_ms`: how many milliseconds one of it is."""
    return re.fullmatch(r"\d{1,15}", timestamp) is not None and abs(int(timestamp) * unit_ms - now) <= TOLERANCE_MS


def same(given: str, secrets: Sequence[str]) -> bool:
    """Whether a text is one of several, in constant time."""
    return sum(hmac.compare_digest(given.encode(), secret.encode()) for secret in secrets) > 0
