import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.part import Scalar
from streams.fit.mail import Mail, company_domain, company_known, read_mail
from tests.fit.shipped import terms

LISTS = terms().mail


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("kana@yamada.co.jp", Mail("company", False, "yamada.co.jp")),
        ("Kana@Mail.Yamada.CO.JP", Mail("company", False, "yamada.co.jp")),
        ("ｋａｎａ＠ｙａｍａｄａ．ｃｏ．ｊｐ", Mail("company", False, "yamada.co.jp")),
        ("info@yamada.co.jp", Mail("company", True, "yamada.co.jp")),
        ("sales+web@acme.com", Mail("company", True, "acme.com")),
        ("kana@gmail.com", Mail("personal", False, None)),
        ("kana@docomo.ne.jp", Mail("personal", False, None)),
        ("kana@abc.ocn.ne.jp", Mail("personal", False, None)),
        ("x@mailinator.com", Mail("disposable", False, None)),
        ("taro@g.ecc.u-tokyo.ac.jp", Mail("academic", False, "u-tokyo.ac.jp")),
        ("ann@mit.edu", Mail("academic", False, "mit.edu")),
        ("ann@cam.ac.uk", Mail("academic", False, "cam.ac.uk")),
        ("kana@notgmail.com", Mail("company", False, "notgmail.com")),
        ("kana@education.com", Mail("company", False, "education.com")),
    ],
)
def test_an_address_tells_who_reads_it(address: str, expected: Mail) -> None:
    assert read_mail(address, LISTS) == expected


@pytest.mark.parametrize(
    "text", [None, "", "kana", "@acme.com", "kana@", "kana@localhost", "kana@co.jp", "a" * 999]
)
def test_what_is_no_address_tells_nothing(text: str | None) -> None:
    assert read_mail(text, LISTS) is None


@pytest.mark.parametrize(
    ("values", "address", "domain"),
    [
        ({}, "kana@mail.yamada.co.jp", "yamada.co.jp"),
        ({"company_domain": "https://www.yamada.co.jp/about"}, "kana@gmail.com", "yamada.co.jp"),
        ({"company_domain": "gmail.com"}, "kana@yamada.co.jp", "yamada.co.jp"),
        ({"company_domain": "gmail.com"}, "kana@gmail.com", None),
        ({"company_domain": "なし"}, None, None),
        ({"company_domain": 7}, None, None),
    ],
)
def test_the_companys_domain_is_the_one_given_or_that_of_the_address(
    values: dict[str, Scalar], address: str | None, domain: str | None
) -> None:
    assert company_domain(values, read_mail(address, LISTS), LISTS) == domain


def test_a_company_is_known_by_its_name_its_domain_or_an_address_of_its_own() -> None:
    def known(address: str | None, **values: Scalar) -> bool:
        return company_known(values, read_mail(address, LISTS), LISTS)

    assert known("kana@gmail.com", company="株式会社山田製作所")
    assert known("kana@gmail.com", company_domain="yamada.co.jp")
    assert known("kana@yamada.co.jp")
    assert known("taro@u-tokyo.ac.jp")
    assert not known("kana@gmail.com")
    assert not known("x@mailinator.com", company="-")
    assert not known(None)


@given(st.text(max_size=400) | st.emails())
def test_no_text_is_too_strange_to_read(text: str) -> None:
    mail = read_mail(text, LISTS)
    assert mail is None or mail.company is None or "." in mail.company
    company_domain({"company_domain": text}, mail, LISTS)
