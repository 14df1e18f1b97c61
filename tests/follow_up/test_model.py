"""A follow-up that cannot be kept is refused, with one line that says where and why."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.fault import ModelFault
from schemas.follow_up import FollowUpParts, Recycling
from streams import yaml_file
from streams.yaml_file import Parsed
from tests.follow_up.example import TEXT, compiled, content

Change = Callable[[dict[str, Any]], object]


def put(*path: str | int, to: object) -> Change:
    """Puts something else at a place."""

    def change(tree: dict[str, Any]) -> None:
        node: Any = tree
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = to

    return change


WRONG: dict[str, tuple[Change, str, str]] = {
    "unknown zone": (
        put("calendars", "jp", "zone", to="Asia/Tokio"),
        "calendars.jp.zone",
        "unknown time zone 'Asia/Tokio': one such as Asia/Tokyo",
    ),
    "zone that is a path": (put("calendars", "jp", "zone", to="../etc"), "calendars.jp.zone", "unknown time zone"),
    "unknown list": (
        put("calendars", "jp", "holidays", to="holidays_uk"),
        "calendars.jp.holidays",
        "unknown list 'holidays_uk': one of holidays_amer, holidays_emea, holidays_jp",
    ),
    "unknown calendar": (
        put("routing", "queues", "jp-sdr", "calendar", to="jq"),
        "routing.queues.jp-sdr.calendar",
        "unknown calendar 'jq': one of amer, emea, jp",
    ),
    "region without a queue": (
        lambda tree: tree["routing"]["queues"].pop("emea-sdr"),
        "routing.regions.1",
        "leads go to 'emea-sdr', which is not among the queues",
    ),
    "no queue for reviews": (
        put("routing", "reviews", to="nobody"),
        "routing.reviews",
        "leads go to 'nobody', which is not among the queues",
    ),
    "country that has another code": (
        put("routing", "regions", 1, "countries", to=["DE", "UK"]),
        "routing.regions.1.countries",
        "unknown country 'UK': two letters of ISO 3166 such as GB",
    ),
    "no region for the rest of the world": (
        put("routing", "regions", 2, "countries", to=["US"]),
        "routing.regions.2",
        "the last region, and no other, takes all other countries",
    ),
    "a region that takes all before the last": (
        put("routing", "regions", 0, "countries", to=[]),
        "routing.regions.0",
        "the last region, and no other, takes all other countries",
    ),
    "no size for the rest": (
        lambda tree: tree["routing"]["sizes"].pop(),
        "routing.sizes.0",
        "the last size, and no other, takes all other companies",
    ),
    "unknown region": (
        put("routing", "unknown_country", to="mars"),
        "routing.unknown_country",
        "unknown region 'mars': one of amer, emea, jp",
    ),
    "routing without deadlines": (
        lambda tree: tree.pop("follow_up"),
        "",
        "routing and follow_up belong together: follow_up is missing",
    ),
    "unknown rule": (
        put("segments", 2, "when", "alive", to=["V3", "V9"]),
        "segments.2.when.alive",
        "unknown rule 'V9'",
    ),
    "segment twice": (
        put("segments", 1, "name", to="request_hot"),
        "segments.1.name",
        "segment 'request_hot' stands twice",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_name_that_leads_nowhere_is_told_with_its_place(case: str) -> None:
    change, path, message = WRONG[case]
    tree = content()
    change(tree)
    with pytest.raises(ModelFault) as refused:
        compiled(tree)
    assert ".".join(map(str, refused.value.path)) == path
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_the_place_of_a_fault_is_a_line_of_the_file() -> None:
    parsed = yaml_file.parse(TEXT.encode(), "example.yaml", len(TEXT) * 4)
    assert isinstance(parsed, Parsed)
    line = 1 + TEXT.splitlines().index("    jp-sdr: {calendar: jp, reps: 4}")
    fault = yaml_file.fault_at("m.yaml", parsed.root, ("routing", "queues", "jp-sdr", "calendar"), "unknown")
    assert str(fault) == f"m.yaml:{line}: routing.queues.jp-sdr.calendar: unknown"


def test_a_model_for_a_time_zone_without_a_region_must_say_who_gets_unknown_countries() -> None:
    with pytest.raises(ModelFault, match="no region keeps the model's time"):
        compiled(timezone="Australia/Sydney")
    tree = content()
    tree["routing"]["unknown_country"] = "amer"
    assert compiled(tree, timezone="Australia/Sydney").routing


MISSPELT: dict[str, tuple[Change, str]] = {
    "plain hours": (
        put("follow_up", "respond_within", "score", to="8h"),
        "expected business hours such as 1bh or 8bh",
    ),
    "plain days": (put("follow_up", "gives_up_after", to="10d"), "expected business days such as 10bd"),
    "half a day": (put("follow_up", "gives_up_after", to="1.5bd"), "multiple of 1"),
    "no terms for a lane": (
        lambda tree: tree["follow_up"]["respond_within"].pop("review"),
        "respond_within lacks review",
    ),
    "closed before it opens": (put("calendars", "jp", "closes", to="08:00"), "opens must be before closes"),
    "no time of day": (put("calendars", "jp", "opens", to="9 am"), "expected a time of day such as 09:00"),
    "too late a time": (put("calendars", "jp", "closes", to="24:30"), "expected a time of day such as 09:00"),
    "unknown weekday": (put("calendars", "jp", "weekdays", to=["monday"]), "'mon'"),
    "country in words": (put("routing", "regions", 0, "countries", to=["Japan"]), "pattern"),
    "empty range": (put("routing", "sizes", 0, "employees", to={}), "expected at_least, below, or both"),
    "range upside down": (
        put("routing", "sizes", 0, "employees", to={"at_least": 50, "below": 10}),
        "at_least (50) must be less than below (10)",
    ),
    "no approach in Japanese": (put("segments", 0, "approach", to={"en": "Call."}), "ja"),
    "unknown condition": (put("segments", 0, "when", to={"colour": "red"}), "Extra inputs"),
    "unknown priority": (put("priorities", 0, "priority", to="urgent"), "'high', 'normal' or 'low'"),
}


@pytest.mark.parametrize("case", MISSPELT)
def test_a_word_that_means_nothing_is_refused(case: str) -> None:
    change, message = MISSPELT[case]
    tree = content()
    change(tree)
    with pytest.raises(ValidationError) as refused:
        FollowUpParts.model_validate(tree)
    assert message in str(refused.value)


def test_sales_gives_leads_back_for_reasons_of_which_each_has_its_own_consequence() -> None:
    recycling = Recycling.model_validate(
        {
            "cool_down": "7d",
            "reasons": {
                "timing": {"cool_down": "90d"},
                "not_a_fit": {"cool_down": "180d", "until_grade_rises": True},
                "not_worked": {"keeps_points": True},
                "spam": {"disqualifies": True},
            },
        }
    )
    assert recycling.reasons["timing"].cool_down == 90 * 86_400_000
    assert recycling.reasons["spam"].disqualifies


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ({"disqualifies": True, "cool_down": "3d"}, "has no cool-down"),
        ({"until_grade_rises": True}, "there is none"),
        ({"cool_down": "3 days"}, "expected a duration"),
    ],
)
def test_a_reason_that_contradicts_itself_is_refused(reason: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Recycling.model_validate({"reasons": {"any": reason}})
