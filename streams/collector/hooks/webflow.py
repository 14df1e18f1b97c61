"""Webflow's webhook: `form_submission`, signed with HMAC over timestamp and raw body."""

from schemas.dead_letter import Reason, Rejected
from schemas.document import read
from streams.collector.hooks.payload import instant, obj, text
from streams.collector.hooks.signature import from_hex, one_signed, timely
from streams.collector.hooks.submission import Answer, Submission
from streams.collector.request import RequestParts

NAME = "webflow"


def authentic(parts: RequestParts, secrets: tuple[str, ...], received_at: int) -> bool:
    """Whether one of the secrets signed the body, lately. The timestamp is in milliseconds."""
    timestamp = parts.headers.get("x-webflow-timestamp", "")
    signed = timestamp.encode(errors="replace") + b":" + parts.raw
    presented = from_hex(parts.headers.get("x-webflow-signature"))
    return timely(timestamp, received_at) and one_signed(secrets, signed, presented)


def submission(body: bytes) -> Submission | Rejected | None:
    """What was sent; None if it is another kind of message."""
    found = read(body)
    if isinstance(found, Rejected):
        return found
    if found.get("triggerType") != "form_submission":
        return None
    payload = obj(found.get("payload"))
    if not payload:
        return Rejected(Reason.BAD_FIELD, "payload: expected an object")
    return Submission(
        NAME,
        text(payload.get("formId")) or text(payload.get("name")),
        text(payload.get("name")),
        text(payload.get("id")),
        instant(payload.get("submittedAt")),
        [Answer((name,), value) for name, value in obj(payload.get("data")).items()],
    )
