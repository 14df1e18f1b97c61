from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fit import Fit as Section
from schemas.part import Scalar
from streams.fit.fit import Fit, judge
from streams.fit.seniority import Seniority
from streams.fit.terms import FitTerms, compile_fit
from tests.fit.shipped import lists, section, terms

VP: dict[str, Scalar] = {"title": "VP Marketing", "employees": 500, "industry": "software", "country": "JP"}
MANAGER: dict[str, Scalar] = {"title": "Manager Marketing", "employees": 300, "country": "JP"}
DEMO: dict[str, Scalar] = {**VP, "company": "Acme", "phone": "03-5555-0100"}
YAMADA: dict[str, Scalar] = {
    "company": "株式会社山田製作所",
    "phone": "03-5555-0100",
    "employees": "30名",
    "industry": "manufacturing",
    "country": "JP",
}


def fit(*known: dict[str, Scalar], **more: Scalar) -> Fit:
    return judge({name: value for values in (*known, more) for name, value in values.items()}, terms())


def changed(**parts: Any) -> FitTerms:
    found = compile_fit(Section.model_validate(section() | parts), lists(), "JPY")
    assert isinstance(found, FitTerms), found
    return found


@pytest.mark.parametrize(
    ("journeys", "values", "points", "grade"),
    [
        ("1", {}, 0, "C"),
        ("2, 5", MANAGER, 24, "B"),
        ("3, 4, 10, 11, 12", VP, 35, "A"),
        ("6", DEMO | {"title": ""}, 19, "B"),
        ("6, with the title", DEMO | {"title": "情報システム部 部長"}, 34, "A"),
        ("7", DEMO | {"title": "インターン"}, 4, "C"),
        ("8", YAMADA, 11, "C"),
    ],
)
def test_the_leads_of_the_journeys_fit_as_computed_by_hand(
    journeys: str, values: dict[str, Scalar], points: float, grade: str
) -> None:
    found = fit(values)
    assert (found.points, found.grade) == (points, grade)


def test_the_ledger_says_where_points_come_from_and_what_the_cap_took() -> None:
    assert fit(VP).lines == (
        ("seniority", 12),
        ("function", 5),
        ("employees", 10),
        ("industry", 6),
        ("geography", 3),
        ("cap:fit", -1),
    )


def test_needs_have_a_cap_of_their_own() -> None:
    found = fit(budget="500万円", ad_spend="USD 12,000", pain_points="リードが足りない", software="Salesforce, 他")
    assert found.lines == (("budget", 4), ("ad_spend", 5), ("pain_points", 3), ("software", 3), ("cap:needs", -7))
    assert found.points == 8


@pytest.mark.parametrize(
    ("values", "points"),
    [
        ({"budget": 1}, 4),
        ({"budget": 0}, 0),
        ({"budget": "未定"}, 0),
        ({"ad_spend": 1_600_000}, 5),  # yen a month, 10,400 dollars
        ({"ad_spend": 1_500_000}, 0),
        ({"ad_spend": "年間1,600万円"}, 0),
        ({"ad_spend": "€9k per month"}, 5),
        ({"pain_points": "なし"}, 0),
        ({"pain_points": "too few leads"}, 3),
        ({"software": "Excel"}, 0),
        ({"software": "ＳＡＬＥＳＦＯＲＣＥ"}, 3),
        ({"software": "WhatsApp"}, 0),  # holds "sap"
        ({"persona": "Marketing Leader"}, 3),
    ],
)
def test_each_need_is_read_from_its_attribute(values: dict[str, Scalar], points: float) -> None:
    assert fit(values).points == points


@pytest.mark.parametrize(
    ("employees", "points"),
    [(1, -5), (9, -5), (10, 2), (49, 2), (50, 6), (199, 6), (200, 10), (4999, 10), (5000, 6), ("10,000名以上", 6)],
)
def test_size_counts_by_band(employees: Scalar, points: float) -> None:
    assert fit(employees=employees).points == points


@pytest.mark.parametrize(
    ("revenue", "points"),
    [
        ("$900k", -5),
        ("$1M", 2),
        ("10億円", 2),
        ("$10M", 6),
        ("$50M", 10),
        ("$2bn", 6),
        ("5千億円", 6),
        (10**8, -5),
    ],
)
def test_revenue_counts_where_employees_are_unknown(revenue: Scalar, points: float) -> None:
    found = fit(revenue=revenue, employees="わからない")
    assert (found.points, found.employees) == (points, None)
    assert "employees" not in found.unknown
    assert fit(revenue=revenue, employees=300).points == 10


def test_revenue_in_a_currency_without_a_rate_is_unknown() -> None:
    assert fit(revenue="10億 ILS").revenue_usd is None


@pytest.mark.parametrize(
    ("industry", "points", "name"),
    [
        ("ソフトウェア開発", 6, "software"),
        ("情報通信業", 6, "telecom"),  # and not 情報システム
        ("製造業（電機）", 6, "manufacturing"),
        ("Computer Software", 6, "software"),
        ("Retail", 0, "retail"),
        ("パチンコホール運営", -10, "gambling"),
        ("水族館", 0, None),
        ("", 0, None),
    ],
)
def test_industries_are_known_as_people_write_them(industry: str, points: float, name: str | None) -> None:
    found = fit(industry=industry)
    assert (found.points, found.industry, "industry" in found.unknown) == (points, name, name is None)


def test_outside_the_serviceable_area_the_grade_is_d_whatever_the_points() -> None:
    found = fit(VP, country="Brazil")
    assert (found.points, found.grade, found.serviceable, found.country) == (33, "D", False, "BR")


def test_an_unknown_country_is_no_reason_against() -> None:
    found = fit(VP, country="どこか")
    assert (found.points, found.grade, found.serviceable) == (33, "A", None)
    assert "geography" in found.unknown


@pytest.mark.parametrize(("points", "grade"), [(28, "A"), (27, "B"), (18, "B"), (17, "C"), (0, "C"), (-1, "D")])
def test_grades_begin_at_their_points(points: float, grade: str) -> None:
    levels = dict.fromkeys(("c_level", "vp", "director", "manager", "lead", "staff", "student_intern"), 0.0)
    assert judge({"title": "VP"}, changed(seniority=levels | {"vp": points})).grade == grade


def test_what_is_not_known_is_listed() -> None:
    assert fit().unknown == ("seniority", "function", "employees", "industry", "geography", "needs")
    assert fit(VP, budget="ask sales", ad_spend="?").unknown == ("budget", "ad_spend")


def test_a_dimension_that_the_model_leaves_out_is_neither_judged_nor_unknown() -> None:
    left_out = dict.fromkeys(("seniority", "function", "size", "industry", "geography", "needs"))
    found = judge(VP, changed(**left_out))
    assert (found.points, found.lines, found.unknown, found.serviceable) == (0, (), (), None)


def test_a_vice_president_of_a_bank_counts_as_a_manager() -> None:
    assert fit(VP, title="VP", industry="銀行").seniority is Seniority.MANAGER


def test_true_is_not_one() -> None:
    assert fit(employees=1).employees == 1
    assert fit(employees=True).employees is None
    assert fit(budget=1).points == 4
    assert fit(budget=True).points == 0


ANSWERS = st.text(max_size=40) | st.integers() | st.floats() | st.booleans()
REAL = st.sampled_from(
    [
        "VP",
        "インターン",
        "部長",
        "500名",
        "1-10",
        "$5M",
        "10億円",
        "software",
        "パチンコ",
        "JP",
        "BR",
        "Salesforce",
        "-",
    ]
)


@given(st.dictionaries(st.sampled_from([*terms().reads, "company"]), ANSWERS | REAL))
def test_any_answers_can_be_judged_and_the_ledger_adds_up(values: dict[str, Scalar]) -> None:
    found = judge(values, terms())
    assert sum(points for _, points in found.lines) == found.points <= terms().source.cap
    assert (found.grade == "D") == (found.points < 0 or found.serviceable is False)
    assert judge(values, terms()) == found
    assert all(points != 0 for _, points in found.lines)


@given(st.sampled_from(terms().reads), ANSWERS | REAL)
def test_judging_depends_on_nothing_but_the_answers(name: str, value: Scalar) -> None:
    assert judge(VP | {name: value}, changed()) == judge(VP | {name: value}, terms())
