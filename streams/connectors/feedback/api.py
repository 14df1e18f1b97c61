"""`POST /v1/feedback`: one answer as a JSON object, or several as a list or as `{"batch": [...]}`."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.dead_letter import Rejected
from schemas.document import read
from schemas.instant import rfc3339
from streams.connectors.feedback.result import (
    UNSIGNED,
    Document,
    Refusal,
    Translated,
    event_id,
    header,
    recent,
    same,
    sorted_out,
)
from streams.connectors.http import compact
from streams.connectors.webhook import SIGNATURE, TIMESTAMP

MOST: Final = 500
"""Answers of one request."""


def translate(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: int) -> Translated | Refusal:
    """The events of a request. `now` in Unix ms, also the time of an answer that says none.

    With secrets the request must be signed as the webhook connector signs; without, the caller has made sure who
    sends. An answer without `event_id` is named by its content.
    """
    if secrets and not _signed(body, headers, secrets, now):
        return UNSIGNED
    items = _items(body)
    if isinstance(items, Refusal):
        return items
    documents = [_completed(item, now) for item in items if isinstance(item, dict)]
    if len(documents) < len(items):
        return Refusal(400, "bad_json", "expected JSON objects")
    events, wrong = sorted_out(documents)
    if not events and wrong:
        return Refusal(400, wrong[0].reason.value, wrong[0].detail)
    refused = [{"index": one.position, "reason": one.reason.value, "detail": one.detail} for one in wrong]
    return Translated(events, wrong, compact({"success": True, "accepted": len(events), "refused": refused}))


def _signed(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: int) -> bool:
    timestamp = header(headers, TIMESTAMP)
    if not recent(timestamp, 1000, now):
        return False
    content = timestamp.encode() + b"." + body
    expected = [f"v1={hmac.new(secret.encode(), content, 'sha256').hexdigest()}" for secret in secrets]
    return any(same(part.strip(), expected) for part in header(headers, SIGNATURE).split(",")[:4])


def _items(body: bytes) -> list[Any] | Refusal:
    listed = body.lstrip()[:1] == b"["
    found = read(b'{"batch":' + body + b"}" if listed else body)
    if isinstance(found, Rejected):
        return Refusal(400, found.reason.value, found.detail)
    items = found["batch"] if "batch" in found and "type" not in found else [found]
    if not isinstance(items, list) or not items:
        return Refusal(400, "bad_json", "expected answers")
    return items if len(items) <= MOST else Refusal(413, "oversize", f"expected at most {MOST} answers")


def _completed(item: Document, now: int) -> Document:
    given = {name: value for name, value in item.items() if value is not None}
    named = given if given.get("event_id") else {**given, "event_id": event_id("fb", sorted(given.items()))}
    return {"occurred_at": rfc3339(now), **named}
