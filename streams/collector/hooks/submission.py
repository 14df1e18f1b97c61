"""A submitted form, in one vocabulary for all tools, and the event of the contract made of it."""

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Mapped
from typing import NamedTuple

from schemas.dead_letter import Reason, Rejected
from schemas.event import FUTURE_MS
from streams.collector.event_time import instant_text
from streams.collector.hooks.consent import Consent, agreed, answered
from streams.collector.hooks.forms import Form, Forms
from streams.collector.hooks.payload import hashed, instant, text
from streams.collector.mapping import Mapping, plain
from streams.collector.person import Identity, attributes, flattened, identity
from streams.collector.request import Event

_TEXTS = ("url", "referrer", "session_id", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_NOBODY = Rejected(Reason.MISSING_IDENTITY, "expected an email address or an anonymous id")
_FUTURE = Rejected(Reason.FUTURE, "the form is dated more than an hour after its arrival")


class Answer(NamedTuple):
    """One answer and its tool's names for it: the first that the form's mapping knows counts, else the first."""

    names: tuple[str, ...]
    value: object


class Submission(NamedTuple):
    """What a form tool tells. `id` is the tool's own, the same for every repeat; `at` in Unix milliseconds.

    `email` is the answer that the tool itself knows for an address.
    """

    tool: str
    form_id: str | None
    form_name: str | None
    id: str | None
    at: int | None
    answers: Sequence[Answer]
    email: str | None = None
    consent: Consent | None = None


def form_event(submission: Submission, form: Form, forms: Forms, mapping: Mapping, now: int) -> Event | Rejected:
    """The event, or why there is none. A form that says no time of its own was sent at `now` (milliseconds)."""
    own, answers = form.fields.pick(_named(submission.answers, form.names))
    common, answers = forms.labels.pick(answers)
    found = {**common, **own}
    said_at, said_id = instant(found.pop("submitted_at", None)), text(found.pop("submission_id", None))
    at = submission.at or said_at or now
    if at > now + FUTURE_MS:
        return _FUTURE
    consent, answers = answered(answers, form.consent, at)
    who = _who(found, submission)
    if not any(who):
        return _NOBODY
    event = _described(found, answers, mapping)
    event |= {"form_id": submission.form_id or submission.form_name, **form.fixed}
    _agree(event, submission.consent or consent)
    event |= {"type": "form_submitted", "occurred_at": instant_text(at), **who._asdict()}
    event["event_id"] = f"{submission.tool}-{_id(submission.id or said_id, submission, who)}"
    return {name: value for name, value in event.items() if value is not None and value != ""}


def _named(answers: Iterable[Answer], known: frozenset[str]) -> dict[str, object]:
    """Answers by one name each; of two with the same name the second is known by another of its names."""
    found: dict[str, object] = {}
    for answer in answers:
        names = [name for name in answer.names if plain(name)]
        ordered = [name for name in names if plain(name) in known] + names
        name = next((name for name in ordered if name not in found), None)
        if name is not None and answer.value is not None and answer.value != "":
            found[name] = answer.value
    return found


def _who(found: dict[str, object], submission: Submission) -> Identity:
    emails = found.pop("email", None), submission.email
    who = identity(None, found.pop("anonymous_id", None), *emails)
    return Identity(*(None if one is None or "\ufffd" in one else one for one in who))


def _described(found: dict[str, object], answers: dict[str, object], mapping: Mapping) -> Event:
    """Page, campaign, person and the form's own fields; what is none of them stays in `properties`."""
    about = {name: text(found.pop(name)) for name in _TEXTS if name in found}
    if "name" in found:
        answers = {"name": found.pop("name"), **answers}
    named, answers = mapping.types["form_submitted"].pick(answers)
    person, left = attributes(flattened(answers), mapping.attributes)
    return {"properties": left or None, **person, **named, **about, **found}


def _agree(event: Event, consent: Consent) -> None:
    if consent.processing is not None:
        event["consent_processing"] = consent.processing
    said = event.get("consent_processing")
    clear = agreed(said)
    if clear is not None:
        event["consent_processing"] = clear
    if consent.communications is not None:
        event["consent_communication"] = consent.communications


def _id(given: str | None, submission: Submission, who: Identity) -> str:
    """A form without an id of its own is the same as another with the same answers and time."""
    if given is not None:
        return hashed(given)
    answers: Mapped[str, object] = _named(submission.answers, frozenset())
    return hashed(submission.form_id, submission.at, who.email, *sorted(f"{n}={v}" for n, v in answers.items()))
