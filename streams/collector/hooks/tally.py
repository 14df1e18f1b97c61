"""Tally's webhook: `FORM_RESPONSE`, signed with HMAC over the raw body."""

from schemas.dead_letter import Reason, Rejected
from schemas.document import read
from streams.collector.hooks.payload import Object, instant, listed, obj, text
from streams.collector.hooks.signature import from_base64, one_signed
from streams.collector.hooks.submission import Answer, Submission
from streams.collector.request import RequestParts

NAME = "tally"

_ONE_OF_MANY = frozenset({"DROPDOWN", "MULTIPLE_CHOICE"})


def authentic(parts: RequestParts, secrets: tuple[str, ...], received_at: int) -> bool:
    """Whether one of the secrets signed the body. There is no signed time: a repeat is known by its id."""
    return one_signed(secrets, parts.raw, from_base64(parts.headers.get("Tally-Signature")))


def submission(body: bytes) -> Submission | Rejected | None:
    """What was sent; None if it is another kind of message."""
    found = read(body)
    if isinstance(found, Rejected):
        return found
    if found.get("eventType") != "FORM_RESPONSE":
        return None
    data = obj(found.get("data"))
    if not data:
        return Rejected(Reason.BAD_FIELD, "data: expected an object")
    fields = [obj(field) for field in listed(data.get("fields"))]
    return Submission(
        NAME,
        text(data.get("formId")),
        text(data.get("formName")),
        text(data.get("responseId")) or text(data.get("submissionId")) or text(found.get("eventId")),
        instant(data.get("createdAt")) or instant(found.get("createdAt")),
        [_answer(field) for field in fields],
        next((text(field.get("value")) for field in fields if field.get("type") == "INPUT_EMAIL"), None),
    )


def _answer(field: Object) -> Answer:
    names = [text(field.get("label")) or "", text(field.get("key")) or ""]
    if field.get("type") == "INPUT_PHONE_NUMBER":
        names.insert(0, "phone")
    return Answer(tuple(names), _value(field))


def _value(field: Object) -> object:
    """Chosen options as their texts."""
    value, options = field.get("value"), [obj(option) for option in listed(field.get("options"))]
    if not isinstance(value, list) or not options:
        return value
    texts = {text(option.get("id")): option.get("text") for option in options}
    chosen = [texts.get(text(one), one) for one in value]
    return chosen[0] if field.get("type") in _ONE_OF_MANY and len(chosen) == 1 else chosen
