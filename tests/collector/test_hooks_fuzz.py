"""No payload makes an exception, and whatever becomes an event is one that the worker takes."""

import json
from copy import deepcopy
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letter import Rejected
from schemas.event import parse
from streams.collector.hooks import (
    brevo,
    custom_form,
    mailgun,
    postmark,
    sendgrid,
    ses,
    sns,
    tally,
    typeform,
    webflow,
)
from streams.collector.hooks.form_adapter import FormTool, FormToolAdapter
from streams.collector.hooks.forms import Forms, load_forms
from streams.collector.hooks.mail_adapter import adapt_mail
from streams.collector.hooks.recollection import Recollection
from streams.collector.hooks.settings import Hook
from streams.collector.hooks.submission import Submission, form_event
from streams.collector.mapping import Mapping, load_mapping
from streams.collector.records import seal
from streams.collector.request import Adapted, RequestParts
from tests.collector.hook_samples import at, request, sample, signed

NOW = at("2026-11-23T00:00:00Z")
READERS = (sendgrid.elements, mailgun.elements, postmark.elements, ses.elements, brevo.elements)
TOOLS = tuple(FormTool(tool.NAME, lambda *_: True, tool.submission) for tool in (typeform, tally, webflow))
_forms, _mapping = load_forms(), load_mapping()
assert isinstance(_forms, Forms)
assert isinstance(_mapping, Mapping)
FORMS, MAPPING = _forms, _mapping

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "\ud800", "a@b.example", "1e400", "nan", "0001-01-01T00:00:00+23:59", "9" * 400, 10**30]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SAMPLES = [
    *sample("sendgrid"),
    *sample("postmark"),
    *sample("ses"),
    *sample("brevo"),
    *(sample(name) for name in ("sendgrid", "mailgun", "typeform", "tally", "webflow", "hubspot")),
]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        found += _paths(child, (*path, name))
    return found


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sample in which something is something else, as JSON; now and then cut or not JSON at all."""
    document = deepcopy(draw(st.sampled_from(SAMPLES)))
    for path in draw(st.lists(st.sampled_from(_paths(document)), max_size=4)):
        holder: Any = document
        for step in path[:-1]:
            try:
                holder = holder[step]
            except (KeyError, IndexError, TypeError):
                break
        if isinstance(holder, dict) or (
            isinstance(holder, list) and isinstance(path[-1], int) and path[-1] < len(holder)
        ):
            holder[path[-1]] = draw(VALUES)
    raw = json.dumps(document).encode()
    return raw[: draw(st.integers(0, len(raw)))] if draw(st.integers(0, 9)) == 0 else raw


BODIES = damaged() | VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60)


def check(adapted: Adapted) -> None:
    """Every event is taken by the contract's own reader, and every dead letter says why."""
    seal(adapted, NOW)
    for event in adapted.events:
        found = parse(msgspec.json.encode(event))
        assert not isinstance(found, Rejected), (found, event)
    for dead in adapted.dead:
        assert dead.reason
        assert isinstance(dead.raw, bytes)


@settings(max_examples=300, deadline=None)
@given(BODIES, st.sampled_from(READERS))
def test_mail(body: bytes, read: Any) -> None:
    found = read(body)
    if not isinstance(found, Rejected):
        check(adapt_mail(found, "mailer", Recollection(), NOW))


@settings(max_examples=300, deadline=None)
@given(BODIES, st.sampled_from(TOOLS))
def test_form_tools(body: bytes, tool: FormTool) -> None:
    hook = Hook.model_validate({"name": "caller", "provider": tool.name, "secrets": ["12345678"]})
    outcome = FormToolAdapter(tool, [hook], FORMS, MAPPING)(request(body), NOW)
    if isinstance(outcome, Adapted):
        check(outcome)


@settings(max_examples=300, deadline=None)
@given(BODIES, st.sampled_from(["contact", "newsletter"]))
def test_custom_forms(body: bytes, name: str) -> None:
    sent = custom_form.submission(body, name, NOW)
    form = FORMS.named(name)
    assert form is not None
    if isinstance(sent, Submission):
        event = form_event(sent, form, FORMS, MAPPING, NOW)
        found = event if isinstance(event, Rejected) else parse(msgspec.json.encode(event))
        assert not isinstance(found, Rejected) or found.reason in ("missing_identity", "future", "too_deep")


HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "X-Twilio-Email-Event-Webhook-Signature",
            "X-Twilio-Email-Event-Webhook-Timestamp",
            "Typeform-Signature",
            "Tally-Signature",
            "X-Webflow-Signature",
            "X-Webflow-Timestamp",
            "Authorization",
        ]
    ),
    st.text(max_size=40)
    | st.sampled_from(["sha256=", "1", "1e400", "Basic é", "Bearer \udcff", "nan", "MEUCIQ=="]),
)


@settings(max_examples=300, deadline=None)
@given(BODIES, HEADERS, st.text(max_size=10))
def test_nothing_that_is_made_up_is_authentic(body: bytes, headers: dict[str, str], rest: str) -> None:
    parts: RequestParts = request(body, headers, rest=rest)
    secrets = ("a secret that nobody guesses", "sha256:" + "0" * 64)
    for authentic in (
        mailgun.Authentic(),
        postmark.authentic,
        brevo.authentic,
        typeform.authentic,
        tally.authentic,
        webflow.authentic,
    ):
        assert not authentic(parts, secrets, NOW)
    key = signed()["sendgrid"]["key"]
    assert not sendgrid.authentic(parts, (key, "no key"), NOW)


@settings(max_examples=200, deadline=None)
@given(BODIES)
def test_an_envelope_that_is_made_up_is_not_amazons(body: bytes) -> None:
    envelope = sns.parse(body)
    if not isinstance(envelope, Rejected):
        sns.is_amazons(envelope)
        assert not sns.is_signed(envelope, b"no certificate", NOW)
