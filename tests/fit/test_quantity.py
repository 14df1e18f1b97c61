import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.fit.quantity import MOST_PEOPLE, headcount
from tests.fit.test_title import wide

READ = [
    ("1,000名以上", 1000),
    ("１，０００名以上", 1000),
    ("1000+", 1000),
    ("10,001+ employees", 10001),
    ("100～499人", 100),
    ("500〜999名", 500),
    ("51-200", 51),
    ("51-200 employees", 51),
    ("50 to 99", 50),
    ("1,001-5,000", 1001),
    ("５０名", 50),
    ("30", 30),
    (" 30 ", 30),
    ("1人", 1),
    ("社員 250 名", 250),
    ("従業員数：300名", 300),
    ("約1,200名（2024年4月現在）", 1200),
    ("2024年4月時点で300名", 300),
    ("300(2024)", 300),
    ("連結 12,345名 / 単体 3,000名", 12345),
    ("100名以上500名未満", 100),
    ("1000名～", 1000),
    ("11~50名程度", 11),
    ("３００名規模", 300),
    ("over 10,000", 10000),
    ("more than 500", 500),
    (">1000", 1000),
    ("500 people", 500),
    ("1万人", 10_000),
    ("1.5万人", 15_000),
    ("1万5千人", 15_000),
    ("1万2,000名", 12_000),
    ("1~2万人", 10_000),
    ("5百人", 500),
    ("5k+", 5000),
    ("1.5k", 1500),
    ("10.000", 10_000),
    ("1 000", 1000),
    ("10名以下", 1),
    ("～10名", 1),
    ("under 50", 1),
    ("0-9", 1),
    (300, 300),
    (300.0, 300),
]
UNREAD = [
    *("", " ", "-", "0", "0名", "-5", "abc123", "Nov-50", "数百名", "not sure", "不明", "12345678901", "300人月"),
    *(None, True, False, 0, -3, float("nan"), float("inf"), 10**12),
]


@pytest.mark.parametrize(("written", "people"), READ)
def test_the_lower_end_of_what_is_written_counts(written: str | float, people: int) -> None:
    assert headcount(written) == people


@pytest.mark.parametrize("written", UNREAD)
def test_what_is_no_number_of_people_is_unknown(written: str | float | None) -> None:
    assert headcount(written) is None


@given(st.text(max_size=300) | st.integers() | st.floats() | st.booleans() | st.none())
def test_no_value_is_too_strange_to_read(value: str | float | None) -> None:
    people = headcount(value)
    assert people is None or 1 <= people <= MOST_PEOPLE


@given(st.text(alphabet="0123456789.,~-名人万千百 以上下未満k+", max_size=20))
def test_width_changes_nothing_and_a_reading_reads_as_itself(text: str) -> None:
    people = headcount(text)
    assert headcount(wide(text)) == people
    if people is not None:
        assert headcount(str(people)) == headcount(people) == headcount(f"{people:,}名以上") == people
