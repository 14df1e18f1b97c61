"""What an event becomes: normalised where it is certain, and what is concluded told apart."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import Rejected
from schemas.event import validate
from streams.enrichment.channel import Channels, load_channels
from streams.enrichment.company import load_companies
from streams.enrichment.enrichment import Enrichment

_channels = load_channels()
assert isinstance(_channels, Channels)
COMPANIES = {"firm.co.jp": {"company": "Firm", "employees": "320", "industry": "software"}}
ENRICH = Enrichment(_channels, "JP", COMPANIES)
FORM: dict[str, Any] = {
    "type": "form_submitted",
    "event_id": "f-1",
    "occurred_at": "2026-11-02T01:00:00.000Z",
    "received_at": "2026-11-02T01:00:01.000Z",
    "source": "contact-form",
    "source_kind": "webhook",
    "email": "ada@mail.firm.co.jp",
    "anonymous_id": "a",
    "country": "日本",
    "phone": "03-5555-0100",
    "url": "https://www.example.com/?utm_source=x",
    "referrer": "https://www.google.com/",
}


def test_a_form_is_normalised_and_its_company_told_apart() -> None:
    form, company = ENRICH(FORM)
    assert form == {
        **FORM,
        "country": "JP",
        "phone": "+81355550100",
        "email_domain_kind": "company",
        "touch_channel": "organic_search",
    }
    assert {name: company[name] for name in ("type", "source", "source_kind", "email", "anonymous_id")} == {
        "type": "company_identified",
        "source": "enrichment",
        "source_kind": "import",
        "email": FORM["email"],
        "anonymous_id": "a",
    }
    assert {name: company[name] for name in ("company_domain", "company", "employees", "industry")} == {
        "company_domain": "firm.co.jp",
        **COMPANIES["firm.co.jp"],
    }
    assert not isinstance(validate(dict(company)), Rejected)


def test_a_repeat_concludes_the_same_event() -> None:
    assert ENRICH(FORM) == ENRICH(deepcopy(FORM))
    assert ENRICH(FORM)[1]["event_id"] != ENRICH({**FORM, "event_id": "f-2"})[1]["event_id"]


def test_what_a_browser_said_is_concluded_with_a_browsers_trust() -> None:
    assert ENRICH({**FORM, "source_kind": "browser"})[1]["source_kind"] == "browser"


@pytest.mark.parametrize(("email", "kind"), [("a@gmail.com", "personal"), ("a@mailinator.com", "disposable")])
def test_private_mail_is_of_no_company(email: str, kind: str) -> None:
    (form,) = ENRICH({**FORM, "email": email})
    assert form["email_domain_kind"] == kind
    assert "company_domain" not in form


def test_raw_values_are_kept_where_it_is_not_certain_what_they_mean() -> None:
    (form, _) = ENRICH({**FORM, "country": "Atlantis", "phone": "please mail"})
    assert (form["country"], form["phone"]) == ("Atlantis", "please mail")


def test_the_given_country_decides_whose_number_it_is() -> None:
    (form, _) = ENRICH({**FORM, "country": "United States", "phone": "(415) 555-2671"})
    assert (form["country"], form["phone"]) == ("US", "+14155552671")


def test_a_page_view_gets_a_channel_and_nothing_of_a_person() -> None:
    (view,) = ENRICH({**FORM, "type": "page_viewed"})
    assert view["touch_channel"] == "organic_search"
    assert view["phone"] == FORM["phone"]


def test_mail_and_feedback_have_no_channel() -> None:
    for kind in ("email_opened", "deal_won"):
        (event,) = ENRICH({**FORM, "type": kind})
        assert "touch_channel" not in event


def test_a_machine_belongs_to_no_company() -> None:
    assert len(ENRICH({**FORM, "is_machine": True})) == 1


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=10)
    | st.sampled_from(["a@b.example", "@", "日本"])
)


@given(st.dictionaries(st.sampled_from(sorted(FORM)), VALUES))
def test_no_document_makes_an_exception_or_is_changed(changes: dict[str, Any]) -> None:
    document = {**FORM, **changes}
    before = deepcopy(document)
    first, *_ = ENRICH(document)
    assert document == before
    assert set(document) <= set(first)
    assert {name: first[name] for name in document if name not in ("country", "phone")} == {
        name: document[name] for name in document if name not in ("country", "phone")
    }


def test_a_list_of_companies_is_read(tmp_path: Path) -> None:
    path = tmp_path / "companies.csv"
    path.write_text(
        '﻿# ours\nDomain,Company,employees\n\nFirm.Example,"Firm, Inc.",100\nother.example,,\n企業.jp,x,1\n'
    )
    assert load_companies(path) == {
        "firm.example": {"company": "Firm, Inc.", "employees": "100"},
        "other.example": {},
        "xn--hoqz75d.jp": {"company": "x", "employees": "1"},
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected a header"),
        ("company\nx", "expected the columns"),
        ("domain,shoe_size\na.example,1", "expected the columns"),
        ("domain,company\na.example,x\nA.example,y", "line 3"),
        ("domain,company\n,x", "line 2"),
        ("domain,company\na.example,x,y", "line 2"),
        ("domain,domain\na.example,x", "expected the columns"),
    ],
)
def test_a_wrong_list_is_one_line_that_names_the_place(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "companies.csv"
    path.write_text(text)
    found = load_companies(path)
    assert isinstance(found, str)
    assert problem in found
    assert "\n" not in found


def test_a_list_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    assert isinstance(load_companies(tmp_path / "nowhere"), str)
    (tmp_path / "latin").write_bytes(b"domain\n\xff")
    assert isinstance(load_companies(tmp_path / "latin"), str)


def test_the_shipped_example_is_good() -> None:
    example = Path(__file__).parents[2] / "deploy" / "collector" / "companies.example.csv"
    assert load_companies(example) == {
        "example.com": {"company": "Example Works", "employees": "320", "industry": "software", "country": "JP"}
    }
