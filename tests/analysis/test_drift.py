"""Drift: what must be told, and that chance is not."""

from random import Random

import pytest

from streams import spectrum
from streams.analysis.drift import Drift, drift
from streams.analysis.life import Life
from streams.scoring.instant import DAY, HOUR, rfc3339
from streams.transition import ContributionLine, Transition
from tests.reference.b2b.adapter import b2b

END = 1_793_620_800_000
WEEKS = 5


def move(number: int, at: int, rules: list[str], score: float, stage: str = "mql") -> Transition:
    lines = [ContributionLine(rule, 10.0, 10.0, f"e{number}", rfc3339(at - HOUR), "m") for rule in rules]
    named = ("m", "b2b", "1", None)
    return Transition(
        1, f"tr-{number}", "stage_changed", f"p{number}", rfc3339(at), rfc3339(at), 1, "lead", stage, f"e{number}",
        "page_viewed", False, None, None, score, score, 0.0, None, *named, lines, {}, {}, [], None,
    )  # fmt: skip


def drawn(
    seed: int, now: dict[str, float], before: dict[str, float], scores: tuple[float, float] = (50, 50)
) -> Drift:
    """Sixty moves a week; each rule counts with its chance, this week and before."""
    rng = Random(seed)
    lives: list[Life] = []
    for number in range(60 * WEEKS):
        at = END - rng.randrange(WEEKS * 7 * DAY)
        late = at > END - 7 * DAY
        rules = [rule for rule, chance in (now if late else before).items() if rng.random() < chance]
        score = rng.uniform(-15, 15) + scores[0 if late else 1]
        told = move(number, at, rules, score, rng.choice(("mql", "mql", "sql", "recycled")))
        lives.append(Life(told.lead_key, {"lead": at}, (told,), (), ()))
    return drift(lives, b2b(), END)


SAME = {"V1": 0.4, "C1": 0.3, "R1": 0.1, "E1": 0.9}


@pytest.mark.parametrize("seed", range(10))
def test_chance_raises_no_alarm(seed: int) -> None:
    assert drawn(seed, SAME, SAME).alarms == []


def test_a_rule_that_lost_its_events_is_told_and_a_rare_one_is_not() -> None:
    found = drawn(1, {**SAME, "C1": 0.0, "R1": 0.0}, SAME)
    assert [(alarm.kind, alarm.about) for alarm in found.alarms] == [("rule_silent", "C1")]
    assert "to be expected" in found.alarms[0].words


def test_a_rule_that_counts_for_everybody_is_told_unless_it_always_did() -> None:
    found = drawn(2, {**SAME, "V1": 1.0, "E1": 1.0}, SAME)
    assert [(alarm.kind, alarm.about) for alarm in found.alarms] == [("rule_for_everybody", "V1")]


def test_a_distribution_that_moved_is_told_with_how_far() -> None:
    lives_now = drawn(3, SAME, SAME, (90, 50))
    assert lives_now.score_distance is None  # sixty changes in a week are too few to compare
    rng = Random(4)
    lives = []
    for number in range(1000):
        at = END - rng.randrange(WEEKS * 7 * DAY)
        score = 90.0 if at > END - 7 * DAY else 50.0
        told = move(number, at, [], score)
        lives.append(Life(told.lead_key, {"lead": at}, (told,), (), ()))
    found = drift(lives, b2b(), END)
    assert (found.score_distance, found.stage_distance) == (1.0, 0.0)
    assert [alarm.kind for alarm in found.alarms] == ["scores_moved"]


def test_what_a_week_holds_begins_after_its_edge() -> None:
    told = [move(1, END - 7 * DAY, ["V1"], 50), move(2, END - 7 * DAY + 1, ["V1"], 50), move(3, END + 1, [], 50)]
    found = drift([Life(one.lead_key, {"lead": 0}, (one,), (), ()) for one in told], b2b(), END)
    (v1,) = [one for one in found.rules if one.name == "V1"]
    assert ((v1.now.good, v1.now.of), (v1.before.good, v1.before.of)) == ((1, 1), (1, 1))


def test_a_rule_counts_anew_for_a_day_and_what_is_no_rule_never_does() -> None:
    told = move(1, END, ["V1", "fit:title", "C1"], 50)
    told.contributions[2].at = rfc3339(END - DAY)
    told.contributions.append(ContributionLine("cap:web", 0.0, -3.0, None, None, "m"))
    assert spectrum.fresh(told) == {"V1"}
    assert [spectrum.band(score) for score in (-5, 0, 19.9, 20, 100, 250)] == ["0", "0", "0", "20", "100", "100"]
