"""What form tools tell becomes events of the contract, with consent and campaign."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.dead_letter import Rejected
from schemas.event import validate
from streams.collector.hooks import custom_form, tally, typeform, webflow
from streams.collector.hooks.consent import agreed, legal_consent
from streams.collector.hooks.forms import Forms, load_forms
from streams.collector.hooks.submission import Submission, form_event
from streams.collector.mapping import Mapping
from streams.collector.request import Event
from tests.collector.hook_samples import at, sample

NOW = at("2026-11-02T00:00:00Z")


def forms(text: str | None = None, folder: Path | None = None) -> Forms:
    """The shipped forms, or those of a text."""
    path = None
    if text is not None and folder is not None:
        path = folder / "forms.yaml"
        path.write_text(text)
    loaded = load_forms() if path is None else load_forms(path)
    assert isinstance(loaded, Forms), loaded
    return loaded


def event(sent: Submission | Rejected | None, known: Forms, mapping: Mapping, name: str | None = None) -> Event:
    assert isinstance(sent, Submission), sent
    form = known.named(name) if name else known.find(sent.form_id, sent.form_name)
    assert form is not None
    found = form_event(sent, form, known, mapping, NOW)
    assert not isinstance(found, Rejected), found
    assert not isinstance(validate({**found, "source_kind": "webhook"}), Rejected)
    return found


def read(tool: Any, name: str) -> Submission | Rejected | None:
    found: Submission | Rejected | None = tool.submission(json.dumps(sample(name)).encode())
    return found


PRODUCT_FORM = """
forms:
  demo:
    match: [lT4Z3j]
    form_type: demo
    offer_id: product-tour
    fields:
      company: ["Where do you work?"]
      employees: [size]
      software: [tools]
      name: [full_name]
    consent:
      processing: [legal]
      communications:
        - {answer: news, channel: email, purpose: product news, wording_version: "2026-04"}
"""


def test_typeform(mapping: Mapping, tmp_path: Path) -> None:
    found = event(read(typeform, "typeform"), forms(PRODUCT_FORM, tmp_path), mapping)
    assert found["event_id"] == event(read(typeform, "typeform"), forms(), mapping)["event_id"]
    assert {name: found.get(name) for name in ("type", "occurred_at", "form_id", "form_type", "offer_id")} == {
        "type": "form_submitted",
        "occurred_at": "2026-11-01T18:17:02.000Z",
        "form_id": "lT4Z3j",
        "form_type": "demo",
        "offer_id": "product-tour",
    }
    assert {name: found.get(name) for name in ("email", "first_name", "last_name", "phone", "company")} == {
        "email": "mika@firm.example",
        "first_name": "Mika",
        "last_name": "Tanaka",
        "phone": "+81355550100",
        "company": "Example Works",
    }
    assert found["employees"] == "51-200"
    assert found["software"] == ["A CRM", "A mailer", "A spreadsheet"]
    assert found["consent_processing"] is True
    assert found["consent_communication"] == [
        {
            "channel": "email",
            "purpose": "product news",
            "time": "2026-11-01T18:17:02.000Z",
            "wording_version": "2026-04",
            "legal_basis": "consent",
        }
    ]


def test_hidden_fields_are_the_campaign_and_the_visitor(mapping: Mapping) -> None:
    found = event(read(typeform, "typeform"), forms(), mapping)
    assert (found["utm_source"], found["utm_medium"], found["utm_campaign"]) == ("google", "cpc", "autumn-2026")
    assert found["anonymous_id"] == "anon-42"


def test_nobody_becomes_somebody_else_by_a_hidden_user_id(mapping: Mapping) -> None:
    assert event(read(typeform, "typeform"), forms(), mapping).get("user_id") is None


def test_tally_in_japanese(mapping: Mapping) -> None:
    found = event(read(tally, "tally"), forms(), mapping)
    assert {
        name: found.get(name) for name in ("form_type", "last_name", "first_name", "company", "employees")
    } == {
        "form_type": "contact",
        "last_name": "田中",
        "first_name": "美香",
        "company": "株式会社例",
        "employees": "100～499人",
    }
    assert found["message"] == "デモを見せてください。"
    assert found["phone"] == "+81 3 5555 0100"
    assert found["consent_processing"] is True
    assert found["properties"] == {"お使いのソフトウェア": ["CRM", "MA"]}
    assert (found["utm_source"], found["utm_campaign"]) == ("newsletter", "autumn-2026")


def test_webflow(mapping: Mapping) -> None:
    found = event(read(webflow, "webflow"), forms(), mapping)
    assert {name: found.get(name) for name in ("form_type", "first_name", "last_name", "phone", "title")} == {
        "form_type": "contact",
        "first_name": "Zaphod",
        "last_name": "Beeblebrox",
        "phone": 15550000000,
        "title": "President",
    }
    assert found["utm_source"] == "linkedin"


def test_hubspots_form_with_its_consents(mapping: Mapping) -> None:
    sent = custom_form.submission(json.dumps(sample("hubspot")).encode(), "newsletter", NOW)
    found = event(sent, forms(), mapping, "newsletter")
    assert (found["email"], found["first_name"], found["form_type"]) == ("mika@firm.example", "Mika", "newsletter")
    assert found["occurred_at"] == "2026-11-01T15:00:00.000Z"
    assert found["url"] == "https://www.example.com/newsletter"
    assert found["consent_processing"] is True
    assert found["consent_communication"] == [
        {
            "channel": "email",
            "purpose": "999",
            "time": "2026-11-01T15:00:00.000Z",
            "wording": "I agree to receive marketing communications from Example Company.",
            "legal_basis": "consent",
        }
    ]


def test_legitimate_interest_is_no_consent_to_processing() -> None:
    options = {"legitimateInterest": {"value": True, "subscriptionTypeId": 777, "legalBasis": "LEAD", "text": "t"}}
    found = legal_consent(options, NOW)
    assert found is not None
    assert found.processing is None
    assert found.communications == [
        {
            "channel": "email",
            "purpose": "777",
            "time": "2026-11-02T00:00:00.000Z",
            "wording": "t",
            "legal_basis": "legitimate_interest_lead",
        }
    ]
    assert legal_consent({}, NOW) is None


def custom(body: object, known: Forms, mapping: Mapping, name: str = "contact") -> Event:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return event(custom_form.submission(raw, name, NOW), known, mapping, name)


NESTED = """
forms:
  contact:
    form_id: website-contact
    form_type: contact
    fields:
      company: [lead.organisation.name]
      message: [lead.text]
      submission_id: [meta.uuid]
      submitted_at: [meta.when]
"""


def test_any_json_by_its_paths(mapping: Mapping, tmp_path: Path) -> None:
    known = forms("labels: {email: [email]}\n" + NESTED, tmp_path)
    body = {
        "meta": {"uuid": "u-1", "when": 1793545200},
        "lead": {
            "name": "Ada Lovelace",
            "email": "ada@firm.example",
            "text": "Hi",
            "organisation": {"name": "Firm"},
        },
        "name": "the form's own name",
    }
    found = custom(body, known, mapping)
    assert {name: found.get(name) for name in ("company", "message", "form_id", "email", "occurred_at")} == {
        "company": "Firm",
        "message": "Hi",
        "form_id": "website-contact",
        "email": "ada@firm.example",
        "occurred_at": "2026-11-01T15:00:00.000Z",
    }
    assert custom({**body, "other": 1}, known, mapping)["event_id"] == found["event_id"]
    assert custom({**body, "meta": {"uuid": "u-2"}}, known, mapping)["event_id"] != found["event_id"]


def test_a_submitted_html_form(mapping: Mapping) -> None:
    found = custom(
        b"email=ada%40firm.example&name=Ada+Lovelace&message=Hi&utm_source=x&colour=red", forms(), mapping
    )
    assert {name: found.get(name) for name in ("email", "first_name", "last_name", "message", "utm_source")} == {
        "email": "ada@firm.example",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "message": "Hi",
        "utm_source": "x",
    }
    assert found["properties"] == {"colour": "red"}
    assert found["occurred_at"] == "2026-11-02T00:00:00.000Z"


def test_a_repeat_without_an_id_is_known_by_its_answers(mapping: Mapping) -> None:
    one = {"email": "ada@firm.example", "message": "Hi"}
    ids = [custom(body, forms(), mapping)["event_id"] for body in (one, one, {**one, "message": "Ho"})]
    assert ids[0] == ids[1] != ids[2]


def test_a_form_that_names_nobody_is_told_so(mapping: Mapping) -> None:
    sent = custom_form.submission(b'{"message": "Hi", "email": "no address"}', "contact", NOW)
    assert isinstance(sent, Submission)
    found = form_event(sent, forms().find("contact"), forms(), mapping, NOW)
    assert isinstance(found, Rejected)
    assert found.reason == "missing_identity"


def test_a_form_of_tomorrow_is_told_so(mapping: Mapping) -> None:
    sent = custom_form.submission(
        b'{"submittedAt": "2026-11-03T00:00:00Z", "email": "a@firm.example"}', "contact", NOW
    )
    assert isinstance(sent, Submission)
    found = form_event(sent, forms().find("contact"), forms(), mapping, NOW)
    assert isinstance(found, Rejected)
    assert found.reason == "future"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        *((yes, True) for yes in (True, "true", "Yes", "on", "1", 1, "I agree", "はい", "同意します", ["yes"])),
        *((no, False) for no in (False, "false", "No", "off", "0", 0, "いいえ", "同意しません", [], ["no"])),
        *((unclear, None) for unclear in (None, "", "maybe", "I do not agree", ["a", "b"], {"a": 1}, 7)),
    ],
)
def test_only_a_yes_is_a_yes(answer: object, expected: bool | None) -> None:
    assert agreed(answer) is expected


@pytest.mark.parametrize("answer", ["no", "maybe", "", None])
def test_a_newsletter_without_a_yes_is_not_granted(mapping: Mapping, answer: str | None) -> None:
    found = custom({"email": "ada@firm.example", "newsletter": answer}, forms(), mapping, "newsletter")
    assert not found.get("consent_communication")


def test_a_no_to_processing_stands_against_a_yes(mapping: Mapping, tmp_path: Path) -> None:
    known = forms("labels: {email: [email]}\nforms: {contact: {consent: {processing: [a, b, c]}}}", tmp_path)
    who = {"email": "ada@firm.example"}
    for answers, expected in (
        ({"a": "yes", "b": "no", "c": "maybe"}, False),
        ({"a": "yes", "c": "maybe"}, "maybe"),
        ({"a": "yes", "b": "yes"}, True),
        ({}, None),
    ):
        assert custom({**who, **answers}, known, mapping).get("consent_processing") == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("forms: [", "not YAML"),
        ("form: {}", "form: Extra inputs"),
        ("labels: {user_id: [id]}", "labels.user_id is not a field"),
        ("forms: {a: {fields: {source_kind: [x]}}}", "forms.a.fields.source_kind is not a field"),
        ("forms: {a: {match: [X]}, b: {match: [x]}}", "forms.b.match: another form has the same"),
    ],
)
def test_a_wrong_forms_file_is_one_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "forms.yaml"
    path.write_text(text)
    found = load_forms(path)
    assert isinstance(found, str)
    assert problem in found
    assert "\n" not in found
