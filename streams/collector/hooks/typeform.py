"""Typeform's webhook: a `form_response`, signed with HMAC over the raw body."""

from schemas.dead_letter import Reason, Rejected
from schemas.document import read
from streams.collector.hooks.payload import Object, instant, listed, obj, text
from streams.collector.hooks.signature import from_base64, one_signed
from streams.collector.hooks.submission import Answer, Submission
from streams.collector.request import RequestParts

NAME = "typeform"

_PREFIX = "sha256="


def authentic(parts: RequestParts, secrets: tuple[str, ...], received_at: int) -> bool:
    """Whether one of the secrets signed the body. There is no signed time: a repeat is known by its id."""
    signature = parts.headers.get("Typeform-Signature", "")
    presented = from_base64(signature.removeprefix(_PREFIX)) if signature.startswith(_PREFIX) else None
    return one_signed(secrets, parts.raw, presented)


def submission(body: bytes) -> Submission | Rejected | None:
    """What was sent; None if it is another kind of message."""
    found = read(body)
    if isinstance(found, Rejected):
        return found
    if found.get("event_type") != "form_response":
        return None
    response = obj(found.get("form_response"))
    if not response:
        return Rejected(Reason.BAD_FIELD, "form_response: expected an object")
    titles = _titles(obj(response.get("definition")))
    given = [obj(answer) for answer in listed(response.get("answers"))]
    hidden = [Answer((name,), value) for name, value in obj(response.get("hidden")).items()]
    return Submission(
        NAME,
        text(response.get("form_id")),
        text(obj(response.get("definition")).get("title")),
        text(response.get("token")) or text(found.get("event_id")),
        instant(response.get("submitted_at")),
        [*(_answer(one, titles) for one in given), *hidden],
        next((text(one.get("email")) for one in given if one.get("type") == "email"), None),
    )


def _titles(definition: Object) -> dict[str, str]:
    fields = [obj(field) for field in listed(definition.get("fields"))]
    return {text(field.get("id")) or "": text(field.get("title")) or "" for field in fields}


def _answer(one: Object, titles: dict[str, str]) -> Answer:
    field, kind = obj(one.get("field")), text(one.get("type")) or ""
    names = [titles.get(text(field.get("id")) or "", ""), text(field.get("ref")) or ""]
    if kind == "phone_number":
        names.insert(0, "phone")
    return Answer(tuple(names), _value(one.get(kind)))


def _value(given: object) -> object:
    """A choice as its label, choices as theirs; anything else as it is."""
    if not isinstance(given, dict):
        return given
    labels = listed(given.get("labels"))
    other = given.get("other")
    if labels:
        return [*labels, other] if other else labels
    return given.get("label") or other
