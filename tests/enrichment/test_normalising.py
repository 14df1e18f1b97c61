"""Countries, telephone numbers and mail domains are made comparable where it is certain what they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrichment import phone
from streams.enrichment.mail_domain import ascii_domain, domain_of, kind, registered
from streams.fit.place import country


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        *(("JP", "JP"), ("jp", "JP"), ("Japan", "JP"), ("日本", "JP"), ("ｊａｐａｎ", "JP"), ("Japon", "JP")),
        *(("USA", "US"), ("U.S.A.", "US"), ("United States", "US"), ("米国", "US"), ("アメリカ合衆国", "US")),
        *(
            ("UK", "GB"),
            ("United Kingdom", "GB"),
            ("England", "GB"),
            ("Deutschland", "DE"),
            ("Côte d’Ivoire", "CI"),
        ),
        *(("España", "ES"), ("대한민국", "KR"), ("South Korea", "KR"), (" the netherlands ", "NL")),
        *(
            ("Atlantis", None),
            ("", None),
            ("EU", None),
            ("ZZ", None),
            (None, None),
            ("x" * 1000, None),
        ),
    ],
)
def test_a_country_is_its_code_or_unknown(raw: str | None, code: str | None) -> None:
    assert country(raw) == code


@pytest.mark.parametrize(
    ("raw", "region", "number"),
    [
        ("03-5555-0100", "JP", "+81355550100"),
        ("０３－５５５５－０１００", "JP", "+81355550100"),
        ("+81 3 5555 0100", None, "+81355550100"),
        ("+81 3 5555 0100", "US", "+81355550100"),
        ("(415) 555-2671", "US", "+14155552671"),
        (14155552671, "US", "+14155552671"),
        ("03-5555-0100", None, None),
        ("03-5555-0100", "US", None),
        ("+81 3 5555 0100 ext. 12", None, None),
        ("call me", "JP", None),
        ("", "JP", None),
        (None, "JP", None),
        (True, "JP", None),
        ("1" * 400, "JP", None),
        (10**400, "JP", None),
    ],
)
def test_a_telephone_number_is_e164_or_unknown(raw: object, region: str | None, number: str | None) -> None:
    assert phone.normalised(raw, region) == number


@given(st.text() | st.integers() | st.none() | st.lists(st.text()), st.sampled_from([None, "JP", "US", "XX"]))
def test_no_number_makes_an_exception_and_what_is_normal_stays(raw: object, region: str | None) -> None:
    number = phone.normalised(raw, region)
    assert number is None or phone.normalised(number, None) == number


@given(st.text() | st.integers())
def test_no_country_makes_an_exception_and_what_is_normal_stays(raw: str | int) -> None:
    code = country(raw)
    assert code is None or country(code) == code


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("firm.co.jp", "company"),
        ("mail.firm.example", "company"),
        ("gmail.com", "personal"),
        ("yahoo.co.jp", "personal"),
        ("docomo.ne.jp", "personal"),
        ("icloud.com", "personal"),
        ("mailinator.com", "disposable"),
        ("anything.mailinator.com", "disposable"),
        ("localhost", "company"),
    ],
)
def test_what_a_mail_domain_tells(domain: str, expected: str) -> None:
    assert kind(domain) == expected


@pytest.mark.parametrize(
    ("domain", "site"),
    [
        ("mail.firm.co.jp", "firm.co.jp"),
        ("firm.co.jp", "firm.co.jp"),
        ("a.b.firm.com", "firm.com"),
        ("co.jp", None),
        ("localhost", None),
    ],
)
def test_a_companys_domain_is_the_part_that_was_registered(domain: str, site: str | None) -> None:
    assert registered(domain) == site


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("Ada@Firm.Example.", "firm.example"),
        ("ada@企業.jp", "xn--hoqz75d.jp"),
        ("a@b@c.example", "c.example"),
        ("nobody", None),
        ("ada@", None),
        (None, None),
        (7, None),
    ],
)
def test_the_domain_of_an_address(email: object, domain: str | None) -> None:
    assert domain_of(email) == domain


@given(st.text())
def test_no_domain_makes_an_exception(text: str) -> None:
    found = ascii_domain(text)
    if found is not None:
        assert kind(found) in ("company", "personal", "disposable")
        registered(found)
