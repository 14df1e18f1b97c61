import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.fit.money import Money, Period, money
from streams.fit.number import MOST
from tests.fit.test_title import wide

A_YEAR = [
    ("10億円", 1e9, "JPY"),
    ("月額100万円", 12e6, "JPY"),
    ("100万円/月", 12e6, "JPY"),
    ("￥３０万／月", 3.6e6, "JPY"),
    ("年商10億円（2024年3月期）", 1e9, "JPY"),
    ("2023年度売上 50億円", 5e9, "JPY"),
    ("売上高 1,234百万円", 1.234e9, "JPY"),
    ("1億5千万円", 1.5e8, "JPY"),
    ("年間1億2,000万円", 1.2e8, "JPY"),
    ("30千万円", 3e8, "JPY"),
    ("1兆円", 1e12, "JPY"),
    ("1000万", 1e7, "JPY"),
    ("¥5,000,000", 5e6, "JPY"),
    ("約500万円", 5e6, "JPY"),
    ("300万円〜", 3e6, "JPY"),
    ("100万~500万円", 1e6, "JPY"),
    ("100~500万円", 1e6, "JPY"),
    ("500 - 1,000万円", 5e6, "JPY"),
    ("1億円以上10億円未満", 1e8, "JPY"),
    ("3ヶ月で300万円", 12e6, "JPY"),
    ("2年で1億円", 5e7, "JPY"),
    ("四半期 100万円", 4e6, "JPY"),
    ("週10万円", 5.2e6, "JPY"),
    ("10万ドル", 1e5, "USD"),
    ("1億元", 1e8, "CNY"),
    ("$1.5M", 1.5e6, "USD"),
    ("1.2 million dollars", 1.2e6, "USD"),
    ("USD 10,000 per month", 1.2e5, "USD"),
    ("US$ 20,000 a month", 2.4e5, "USD"),
    ("USD10k/m", 1.2e5, "USD"),
    ("$10k - $50k", 1e4, "USD"),
    ("$10-50k", 1e4, "USD"),
    ("$250,000.00", 2.5e5, "USD"),
    ("2.5bn usd", 2.5e9, "USD"),
    ("about $50k depending on scope", 5e4, "USD"),
    ("€200k/month", 2.4e6, "EUR"),
    ("10.000 €", 1e4, "EUR"),
    ("1,5 Mio €", 1.5e6, "EUR"),
    ("1.234.567,89 €", 1_234_567.89, "EUR"),
    ("£1.2m", 1.2e6, "GBP"),
    ("A$50k", 5e4, "AUD"),
    ("JPY10M", 1e7, "JPY"),
    ("1,200,000", 1.2e6, "JPY"),
    ("5000", 5000, "JPY"),
    ("5,000 per month", 60_000, "JPY"),
    ("0円", 0, "JPY"),
    ("100万円以下", 1, "JPY"),  # something, but it is not known how much
    ("up to $50k", 1, "USD"),
    (5_000_000, 5e6, "JPY"),
]
A_MONTH = [
    (500_000, 6e6, "JPY"),
    ("500000", 6e6, "JPY"),
    ("100万円", 12e6, "JPY"),
    ("広告費 月50万円程度", 6e6, "JPY"),
    ("年間600万円", 6e6, "JPY"),
    ("S$1m p.a.", 1e6, "SGD"),
    ("50k", 6e5, "JPY"),
]
UNREAD = [
    *("", "-", "なし", "未定", "TBD", "iPhone 15", "ask sales", "-5万円", "¥-500", "百万円", "5" * 40),
    *(None, True, -1, -0.5, float("nan"), float("inf"), 1e30),
]


@pytest.mark.parametrize(("written", "amount", "currency"), A_YEAR)
def test_an_amount_that_names_no_period_is_for_a_year(written: str | float, amount: float, currency: str) -> None:
    found = money(written, "year", "JPY")
    assert found is not None
    assert (round(found.a_year, 2), found.currency) == (amount, currency)


@pytest.mark.parametrize(("written", "amount", "currency"), A_MONTH)
def test_or_for_a_month_where_that_is_asked(written: str | float, amount: float, currency: str) -> None:
    found = money(written, "month", "JPY")
    assert found is not None
    assert (round(found.a_year, 2), found.currency) == (amount, currency)


@pytest.mark.parametrize("written", UNREAD)
def test_what_is_no_amount_is_unknown(written: str | float | None) -> None:
    assert money(written, "year", "JPY") is None


@pytest.mark.parametrize(("model", "meant"), [("JPY", "USD"), ("AUD", "AUD"), ("EUR", "USD")])
def test_a_dollar_sign_means_the_models_dollar_if_it_has_one(model: str, meant: str) -> None:
    assert money("$5", "year", model) == Money(5, meant)


@given(st.text(max_size=300) | st.integers() | st.floats() | st.booleans(), st.sampled_from(["year", "month"]))
def test_no_value_is_too_strange_to_read(value: str | float, period: Period) -> None:
    found = money(value, period, "JPY")
    assert found is None or 0 <= found.a_year <= MOST * 365


@given(st.text(alphabet="0123456789.,~-円万億千百月額年 以上下$€kM", max_size=20))
def test_width_changes_nothing_and_a_reading_reads_as_itself(text: str) -> None:
    found = money(text, "year", "JPY")
    assert money(wide(text), "year", "JPY") == found
    if found is not None and 0 < found.a_year < 1e15:
        whole = round(found.a_year)
        assert money(f"{whole:,} {found.currency}", "year", "JPY") == Money(whole, found.currency)
