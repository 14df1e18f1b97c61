"""A wrong section, or a wrong list, gets one message that says where and what was expected."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.fit import Fit
from streams.fit.terms import FitTerms, Rows, compile_fit
from tests.fit.shipped import compiled, lists, section, terms


def refusal(**parts: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        Fit.model_validate(section() | parts)
    (error,) = refused.value.errors()
    where = ".".join(map(str, error["loc"]))
    return f"{where}: {error['msg']}".removeprefix(": ")


def bands(*rows: tuple[float, float | None]) -> dict[str, Any]:
    return {"employees": [{"at_least": low, "below": high, "points": 1} for low, high in rows]}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"size": bands((0, 10), (5, None))}, "size: Value error, employees: the band at_least 5 overlaps"),
        ({"size": bands((0, None), (10, None))}, "size: Value error, employees: the band at_least 10 overlaps"),
        ({"size": bands((0, 10), (20, None))}, "size: Value error, employees: no band covers 10 up to 20"),
        ({"size": bands((5, None))}, "size: Value error, employees: no band covers 0 up to 5"),
        ({"size": bands((0, 10))}, "size: Value error, employees: no band covers 10 and above"),
        (
            {"size": bands((0, 10), (10, 10), (10, None))},
            "size: Value error, employees: the band at_least 10 ends",
        ),
        ({"cap": 11, "grades": {"A": 9, "B": 5, "C": 0}}, "Value error, cap (11) is below the 12 points that sen"),
        ({"grades": {"A": 36, "B": 18, "C": 0}}, "Value error, grade A (36) is above cap (35)"),
        ({"grades": {"A": 18, "B": 18, "C": 0}}, "grades: Value error, expected A > B > C, found 18, 18, 0"),
        (
            {"needs": {"cap": 3, "budget": 4}},
            "needs: Value error, cap (3) is below the 4 points that budget gives",
        ),
        ({"function": {"any_of": ["poetry"], "points": 1}}, "function.any_of.0: Input should be 'executive'"),
        ({"seniority": {**section()["seniority"], "boss": 1}}, "seniority.boss: Extra inputs are not permitted"),
        ({"age": 3}, "age: Extra inputs are not permitted"),
        ({"usd_rates": "USD rates!"}, "usd_rates: String should match pattern"),
    ],
)
def test_a_wrong_section_is_refused(parts: dict[str, Any], message: str) -> None:
    assert refusal(**parts).startswith(message)


@pytest.mark.parametrize(
    ("name", "rows", "row", "message"),
    [
        ("usd_rates", (("USD", "one", "2025-10-31"),), 0, "expected a currency code given once"),
        ("usd_rates", (("JPY", "0", "2025-10-31"),), 0, "expected a currency code given once"),
        ("usd_rates", (("JPY", "0.1", "31.10.2025"),), 0, "expected a currency code given once"),
        (
            "usd_rates",
            (("JPY", "1", "2025-10-31"), ("JPY", "2", "2025-10-31")),
            1,
            "expected a currency code given",
        ),
        ("usd_rates", (("JPY", "1"),), 0, "expected 3 filled columns"),
        ("usd_rates", (("USD", "1", "2025-10-31"),), None, "has no rate for the model's currency JPY"),
        ("target_industries", (("software",), ("sofware",)), 1, "expected an industry of the words list"),
        ("excluded_industries", (("software",),), None, "'software' is on the target list too"),
        ("serviceable_countries", (("JP",), ("Narnia",)), 1, "expected a country's name or code, found 'Narnia'"),
        ("personal_domains", (("me@gmail.com",),), 0, "expected a domain without @, found 'me@gmail.com'"),
        ("industries", (("saas", ""),), 0, "expected 2 filled columns"),
    ],
)
def test_a_wrong_list_is_named_with_its_row(name: str, rows: Rows, row: int | None, message: str) -> None:
    found = compiled(**{name: rows})
    assert isinstance(found, list)
    flaw = next(flaw for flaw in found if flaw.list == name)
    assert flaw.row == row
    assert flaw.message.startswith(message)


def test_a_list_that_the_model_does_not_have_is_named_once() -> None:
    rest = {name: rows for name, rows in lists().items() if name != "software"}
    found = compile_fit(Fit.model_validate(section()), rest, "JPY")
    assert isinstance(found, list)
    assert [(flaw.path, flaw.list, flaw.row) for flaw in found] == [("fit.needs.software", None, None)]
    assert found[0].message.startswith("names the unknown list 'software'; the lists of this model: academic")


def test_empty_rows_say_nothing() -> None:
    found = compiled(software=(("",), ("salesforce",), ()))
    assert isinstance(found, FitTerms)


def test_the_rates_have_a_date() -> None:
    assert terms().rates_as_of == min(row[2] for row in lists()["usd_rates"])
