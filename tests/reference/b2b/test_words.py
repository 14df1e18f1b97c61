"""What the reference reads in titles, quantities, paths and calendars, by the tables of the model."""

from datetime import datetime

import pytest

from tests.reference.b2b.calendar import after_business_hours, close_of_business_day
from tests.reference.b2b.facts import Fact, milliseconds
from tests.reference.b2b.pages import group_of
from tests.reference.b2b.quantity import number, yearly_usd
from tests.reference.b2b.title import function, seniority


@pytest.mark.parametrize(
    ("title", "level"),
    [
        ("Director of International Sales", "director"),
        ("CTO", "c_level"),
        ("cfo", "c_level"),
        ("最高経営責任者 CEO", "c_level"),
        ("代表取締役社長", "c_level"),
        ("常務取締役", "vp"),
        ("社長室長", "director"),
        ("社長室", "staff"),
        ("前橋支店長", "director"),
        ("元部長", "unknown"),
        ("学生支援課長", "manager"),
        ("大学院生", "student_intern"),
        ("部長付", "staff"),
        ("Assistant to the CEO", "staff"),
        ("Product Owner", "unknown"),
        ("Managing Director", "c_level"),
        ("Vice President", "vp"),
        ("Team Leader", "lead"),
        ("Latest Tester", "staff"),
        ("test", "unknown"),
        ("ＶＰ　Ｍａｒｋｅｔｉｎｇ", "vp"),
        ("", "unknown"),
    ],
)
def test_a_title_has_the_seniority_of_the_table(title: str, level: str) -> None:
    assert seniority(title, None) == level


def test_a_vice_president_of_a_bank_is_a_manager() -> None:
    assert (seniority("VP", "finance"), seniority("常務", "finance")) == ("manager", "vp")


@pytest.mark.parametrize(
    ("title", "found"),
    [("情報システム部 部長", "it"), ("VP Marketing", "marketing"), ("人事部長", "hr"), ("CEO", "executive"),
     ("CIO, Finance", "finance"), ("Engineer", None)],
)  # fmt: skip
def test_a_title_has_the_function_of_the_table(title: str, found: str | None) -> None:
    assert function(title, seniority(title, None)) == found


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,000名以上", 1000), ("1000+", 1000), ("100～499人", 100), ("51-200", 51), ("５０名", 50), (500, 500),
     ("多い", None), (True, None)],
)  # fmt: skip
def test_a_band_is_its_lower_bound(text: object, value: float | None) -> None:
    assert number(text) == value


def test_money_has_a_currency_and_a_period() -> None:
    assert yearly_usd("月額100万円") == 12_000_000 / 150
    assert yearly_usd("10億円") == 1_000_000_000 / 150
    assert yearly_usd("USD 20,000", plain_is_monthly=True) == 240_000


@pytest.mark.parametrize(
    ("url", "group"),
    [
        ("https://x.example/Products/a?b#c", "product"),
        ("https://x.example/en/pricing", "pricing"),
        ("https://x.example/pricing-faq", "content"),
        ("https://x.example/%E6%8E%A1%E7%94%A8", "careers"),
        ("https://x.example/ja-jp/login/", "none"),
        ("https://x.example/", "content"),
        ("", "content"),
    ],
)
def test_a_page_has_the_group_of_its_path(url: str, group: str) -> None:
    assert group_of(Fact(0, "a", {"type": "page_viewed", "url": url}, 0)) == group


def local(calendar: str, at: int) -> str:
    zone = {"jp": "+09:00", "emea": "+01:00", "amer": "-05:00"}[calendar]
    tz = datetime.fromisoformat(f"2026-01-01T00:00{zone}").tzinfo
    return datetime.fromtimestamp(at / 1000, tz).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "due"),
    [
        ("jp", "2026-11-02T18:00+09:00", 1, "11-04 10:00"),
        ("jp", "2026-11-02T17:00+09:00", 1, "11-02 18:00"),
        ("jp", "2026-11-02T08:00+09:00", 8, "11-02 17:00"),
        ("emea", "2026-12-24T17:30+01:00", 1, "12-28 09:30"),
        ("amer", "2026-11-25T17:30-05:00", 8, "11-27 16:30"),
        ("amer", "2026-11-25T17:30-05:00", 10, "11-30 09:30"),
    ],
)
def test_a_deadline_counts_business_hours(calendar: str, start: str, hours: int, due: str) -> None:
    assert local(calendar, after_business_hours(milliseconds(start), hours, calendar)) == due


def test_day_one_of_ten_is_the_day_on_which_the_clock_starts() -> None:
    monday, evening = milliseconds("2026-11-09T11:00+09:00"), milliseconds("2026-11-09T18:00+09:00")
    assert local("jp", close_of_business_day(monday, 10, "jp")) == "11-20 18:00"
    assert local("jp", close_of_business_day(evening, 10, "jp")) == "11-24 18:00"
