"""Who follows up whom, and that colleagues meet one person."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.follow_up.account import account_key, registrable
from streams.follow_up.route import Company, Route
from tests.follow_up.example import compiled, content

MODEL = compiled()
domains = st.from_regex(r"[a-z]{1,12}\.(?:com|co\.jp|de)", fullmatch=True)


def route(company: Company, lead_key: str = "lead") -> Route:
    found = MODEL.route(company, "score", lead_key)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("country", "employees", "queue", "calendar"),
    [
        ("JP", 999, "jp-sdr", "jp"),
        ("JP", 1000, "jp-enterprise", "jp"),
        ("JP", None, "jp-sdr", "jp"),
        ("GB", 5000, "emea-enterprise", "emea"),
        ("FR", 20, "emea-sdr", "emea"),
        ("US", 20, "amer-sdr", "amer"),
        ("BR", 1e6, "amer-enterprise", "amer"),
        (None, 20, "jp-sdr", "jp"),  # the model's time zone is Tokyo's
    ],
)
def test_the_queue_is_that_of_region_and_size(
    country: str | None, employees: float | None, queue: str, calendar: str
) -> None:
    found = route(Company("acme.co.jp", country, employees))
    assert (found.queue, found.calendar) == (queue, calendar)


def test_an_account_with_an_owner_goes_to_the_owner_and_keeps_the_hours_of_its_region() -> None:
    found = route(Company("acme.de", "DE", 100, "Berta Beispiel"))
    assert found == Route("emea-sdr", "emea", "Berta Beispiel", None, account_key("acme.de"))


def test_a_request_to_look_at_goes_to_the_queue_for_reviews_in_every_region() -> None:
    found = MODEL.route(Company("acme.de", "DE", 5000), "review", "lead")
    assert found is not None
    assert found.queue == "inside-sales"


def test_a_region_can_have_reviews_of_its_own() -> None:
    tree = content()
    tree["routing"]["regions"][1]["reviews"] = "emea-sdr"
    model = compiled(tree)
    queues = [r.queue for c in ("DE", "US") if (r := model.route(Company(country=c), "review", "lead"))]
    assert queues == ["emea-sdr", "inside-sales"]


@given(domains, st.text(max_size=9), st.text(max_size=9))
def test_colleagues_meet_the_same_place_of_the_same_queue(domain: str, one: str, other: str) -> None:
    subdomain = Company(f"mail.{domain}", "JP", 100)
    assert route(Company(domain, "JP", 100), one) == route(subdomain, other)


def test_companies_are_spread_evenly_over_the_places() -> None:
    places = Counter(route(Company(f"company{n}.com", "JP", 10)).slot for n in range(4000))
    assert sorted(places, key=str) == [0, 1, 2, 3]
    assert max(places.values()) < 1.15 * min(places.values())


def test_leads_without_a_company_are_spread_by_their_own_key() -> None:
    found = [route(Company(None, "JP", 10), f"lead{n}") for n in range(100)]
    assert len({r.slot for r in found}) == 4
    assert {r.account_key for r in found} == {None}


def test_a_model_without_routing_routes_nobody() -> None:
    empty = compiled({})
    assert empty.route(Company("acme.com", "JP", 10), "score", "lead") is None
    assert empty.deadlines(Route("q", "jp", None, 0, None), 0, "score") is None


@pytest.mark.parametrize(
    ("given_", "domain"),
    [
        ("acme.co.jp", "acme.co.jp"),
        ("Mail.ACME.co.jp.", "acme.co.jp"),
        ("https://www.acme.com:8080/about", "acme.com"),
        ("somebody@acme.com", "acme.com"),
        ("ＡＣＭＥ.com", "acme.com"),
        ("日本.co.jp", "xn--wgv71a.co.jp"),
        ("xn--wgv71a.co.jp", "xn--wgv71a.co.jp"),
        ("acme.github.io", "acme.github.io"),
        ("acme.example", "acme.example"),
        ("co.jp", None),
        ("localhost", None),
        ("192.168.0.1", None),
        ("acme .com", None),
        ("acme..com", None),
        ("", None),
        ("なし", None),
        ("x" * 9000 + ".com", None),
    ],
)
def test_an_account_is_known_by_what_somebody_registered(given_: str, domain: str | None) -> None:
    assert registrable(given_) == domain


@given(st.text(max_size=60))
def test_any_text_has_a_domain_or_none_and_what_is_registered_stays_so(text: str) -> None:
    domain = registrable(text)
    assert domain is None or registrable(domain) == domain


def test_the_key_of_an_account_is_the_same_everywhere_and_takes_no_secret() -> None:
    assert account_key("www.acme.co.jp") == "c-19db837735955cf93137d59ff392e9d0"
    assert account_key(None) is None
    assert account_key("co.jp") is None
