"""Any other form tool: JSON of any shape, HubSpot's form submissions among them, or a submitted HTML form."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

from schemas.dead_letter import Reason, Rejected
from schemas.document import Document, read
from streams.collector.hooks.consent import legal_consent
from streams.collector.hooks.payload import instant, listed, obj
from streams.collector.hooks.settings import Hook
from streams.collector.hooks.signature import from_base64, from_hex, one_presented, one_signed
from streams.collector.hooks.submission import Answer, Submission
from streams.collector.request import RequestParts

NAME = "form"

_MOST_FIELDS = 1000
_HUBSPOT = frozenset({"fields", "context", "legalConsentOptions", "submittedAt", "skipValidation"})
_DEEPEST = 8  # levels whose values get a name of their own


def authentic(parts: RequestParts, hook: Hook) -> bool:
    """Whether one of the hook's secrets signed the body, or is presented where the hook has no signature."""
    form = hook.signature
    if form is None:
        return one_presented(hook.revealed(), parts)
    value = parts.headers.get(form.header, "")
    if not value.startswith(form.prefix):
        return False
    decode = from_hex if form.encoding == "hex" else from_base64
    return one_signed(hook.revealed(), parts.raw, decode(value.removeprefix(form.prefix)))


def submission(body: bytes, form_id: str, now: int) -> Submission | Rejected:
    """What was sent to the form of that id."""
    found = _document(body)
    if isinstance(found, Rejected):
        return found
    at = instant(found.get("submittedAt"))
    consent = legal_consent(obj(found.get("legalConsentOptions")), at or now)
    answers = list(_hubspot(found) if isinstance(found.get("fields"), list) else _leaves(found))
    return Submission(NAME, form_id, None, None, at, answers[:_MOST_FIELDS], None, consent)


def _document(body: bytes) -> Document | Rejected:
    if body.lstrip()[:1] in (b"{", b"["):
        return read(body)
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS))
    except UnicodeDecodeError:
        return Rejected(Reason.BAD_UTF8, "expected UTF-8")
    except ValueError:
        return Rejected(Reason.BAD_FIELD, f"expected at most {_MOST_FIELDS} fields")


def _hubspot(found: Document) -> Iterator[Answer]:
    """Fields as a list of names and values, and the page as `context`."""
    for field in map(obj, listed(found.get("fields"))):
        yield Answer((str(field.get("name", "")),), field.get("value"))
    yield from _leaves(obj(found.get("context")))
    yield from _leaves({name: value for name, value in found.items() if name not in _HUBSPOT})


def _leaves(found: object, path: tuple[str, ...] = ()) -> Iterator[Answer]:
    """Every value, known by its own name and by its path: `email` and `contact.email`."""
    if isinstance(found, dict) and len(path) < _DEEPEST:
        for name, value in found.items():
            if name != "legalConsentOptions":
                yield from _leaves(value, (*path, name))
    elif path:
        yield Answer((path[-1], ".".join(path)), found)
