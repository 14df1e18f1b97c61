"""What kind of lead this is, and how urgent: the first that fits."""

import pytest

from streams.follow_up.segment import Facts
from tests.follow_up.example import compiled

MODEL = compiled()


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (Facts("sql", "request", employees=5000), "request_hot"),
        (Facts("mql", "request"), "request_hot"),
        (Facts("sql", "score", employees=1000), "enterprise_intent"),
        (Facts("sql", "score", employees=999, alive={"V3", "C1"}), "pricing_mid"),
        (Facts("sql", "score", employees=50, alive={"C1"}), "research_mid"),
        (Facts("sql", "score", employees=49, alive={"V3"}), "small"),
        (Facts("sql", "score", employees=None, alive={"V3"}), "small"),
        (Facts("mql", industry="finance"), "nurture_finance"),
        (Facts("mql", industry="retail"), "nurture_other"),
        (Facts("mql"), "nurture_other"),
        (Facts("lead"), None),
    ],
)
def test_a_lead_is_in_the_first_segment_that_fits(facts: Facts, name: str | None) -> None:
    found = MODEL.segment(facts)
    assert (found and found.name) == name


def test_a_segment_says_how_to_approach_in_both_languages() -> None:
    found = MODEL.segment(Facts("sql", "request"))
    assert found is not None
    assert found.approach == {"en": "Call.", "ja": "お電話ください。"}


@pytest.mark.parametrize(
    ("facts", "priority", "respond_within"),
    [
        (Facts("sql", "request", "B"), "high", None),
        (Facts("sql", "request", "C"), "normal", None),
        (Facts("sql", "score", "A"), "high", 4),
        (Facts("sql", "score", "B"), "normal", None),
        (Facts("mql", "review", "D"), "low", None),
        (Facts("mql"), "normal", None),
    ],
)
def test_the_ideal_customer_comes_first(facts: Facts, priority: str, respond_within: float | None) -> None:
    assert MODEL.urgency(facts) == (priority, respond_within)
