"""Points learned from outcomes: planted weights come back, noise and thin data are refused, nothing leaks."""

from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from streams import model_file
from streams.analysis import trial
from streams.analysis.evidence import Example, examples
from streams.analysis.outcome import MEETING
from streams.analysis.revision import revised, write
from streams.analysis.suggestion import Refusal, Suggestion, suggest
from streams.scoring.instant import HOUR
from streams.scoring.model import Model
from streams.shard import Terms
from tests.analysis.test_backtest import event
from tests.analysis.test_trial import read
from tests.cli.conftest import Cli, cli, environment  # noqa: F401
from tests.laboratory import SECRET
from tests.reference.b2b.adapter import b2b

B2B = b2b()
PLANTED = {"R1": 2.0, "V2": 1.4, "C1": 0.7, "N1": -1.2, "E1": 0.0}


def drawn(seed: int, number: int, weights: dict[str, float]) -> list[Example]:
    rng = Random(seed)
    found: list[Example] = []
    for place in range(number):
        evidence = {rule: rng.uniform(0.3, 1) for rule in weights if rng.random() < 0.4}
        odds = sum(weights[rule] * value for rule, value in evidence.items()) - 1.2
        good = rng.random() < 1 / (1 + 2.718281828 ** -(2 * odds))
        found.append(Example(f"p{place}", place * HOUR, evidence, good))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_planted_weights_come_back_in_sign_and_order(seed: int) -> None:
    found = suggest(drawn(seed, 1500, PLANTED), b2b())
    assert isinstance(found, Suggestion), found
    rules = {rule.rule: rule for rule in found.rules}
    points = {name: rule.points for name, rule in rules.items()}
    assert points["R1"] > points["V2"] > points["C1"] > 0 > points["N1"]
    assert not rules["E1"].told or abs(rules["E1"].points) < points["C1"]
    assert all(rule.low <= rule.high for rule in found.rules)
    assert all(rule.cases > 400 for rule in found.rules)
    assert found.auc > found.now - 0.02


def test_noise_teaches_nothing() -> None:
    for seed in range(10):
        found = suggest(drawn(seed, 600, dict.fromkeys(PLANTED, 0.0)), b2b())
        assert isinstance(found, Refusal), (seed, found)
        assert "nothing to learn" in found.reason


def test_thin_data_are_refused_with_their_numbers() -> None:
    few = suggest(drawn(1, 99, PLANTED), b2b())
    assert isinstance(few, Refusal)
    assert "99 handoffs" in few.reason
    good = [example._replace(good=True) for example in drawn(1, 500, PLANTED)]
    assert isinstance(suggest(good, b2b()), Refusal)


TELLS = {"title": "VP Marketing", "company": "Acme", "employees": 500, "country": "JP", "industry": "software"}
ASKS = {**TELLS, "form_type": "contact", "phone": "+81 3 1111 1111"}


def of(documents: list[dict[str, Any]], model: Model) -> list[Example]:
    source, terms = read(documents), Terms(model, SECRET)
    done = trial.run(list(source.events), terms, source.end, lambda count: None)
    return examples(source.events, done, terms, MEETING, source.end)


def test_nothing_after_the_handoff_and_nothing_of_sales_is_evidence() -> None:
    before = [
        event("content_downloaded", "ann", 0, offer_type="whitepaper", offer_id="x"),
        event("sales_contacted", "ann", 0.5, direction="inbound", source_kind="crm"),
        event("form_submitted", "ann", 1, **ASKS),
    ]
    after = [
        event("meeting_booked", "ann", 2),
        event("webinar_attended", "ann", 1.5, name="spring"),
        event("email_clicked", "ann", 3),
    ]
    (found,) = of([*before, *after, event("page_viewed", "zoe", 50)], b2b())
    assert found.good
    assert found.evidence.keys() == {"C1", "R1", "F1"}


SIGNS: dict[str, tuple[str, dict[str, Any]]] = {
    "C1": ("content_downloaded", {"offer_type": "whitepaper", "offer_id": "x"}),
    "C2": ("content_downloaded", {"offer_type": "ebook", "offer_id": "y"}),
    "E1": ("email_opened", {}),
}
"""Events that each make one rule count."""


def lived(seed: int, weights: dict[str, float], people: int) -> list[dict[str, Any]]:
    """A log of people who show signs, ask for contact, and are met as the weights of their signs say."""
    rng = Random(seed)
    documents = [event("page_viewed", "zoe", people + 40)]
    for number in range(people):
        who = f"p{number}"
        shown = [sign for sign in SIGNS if rng.random() < 0.45]
        for place, (kind, fields) in enumerate(SIGNS[sign] for sign in shown):
            documents.append(event(kind, who, number + 0.1 * place, **fields))
        documents.append(event("form_submitted", who, number + 0.5, **ASKS))
        odds = sum(weights.get(sign, 0.0) for sign in shown) - 0.8 * (any(weights.values()) and 1)
        if rng.random() < 1 / (1 + 2.718281828 ** (-2 * odds)):
            documents.append(event("meeting_booked", who, number + 2))
        else:
            documents.append(event("handoff_rejected", who, number + 2, reason="timing"))
    return documents


@pytest.mark.parametrize("seed", range(2))
def test_a_log_with_known_weights_gives_back_their_signs_and_order(seed: int) -> None:
    found = suggest(of(lived(seed, {"C1": 1.5, "C2": 0.7, "E1": -0.8}, 700), B2B), B2B)
    assert isinstance(found, Suggestion), found
    points = {rule.rule: rule.points for rule in found.rules if rule.told}
    assert points["C1"] > points["C2"] > 0 > points["E1"]


@pytest.mark.parametrize("seed", range(10))
def test_a_log_of_noise_teaches_nothing(seed: int) -> None:
    found = suggest(of(lived(seed, {}, 300), B2B), B2B)
    assert isinstance(found, Refusal), found
    assert "nothing to learn" in found.reason


def test_the_command_learns_from_a_file_writes_a_model_and_that_runs(cli: Cli, tmp_path: Path) -> None:  # noqa: F811
    rng = Random(4)
    documents: list[dict[str, Any]] = [event("page_viewed", "zoe", 400)]
    for number in range(260):
        who, day = f"p{number}", number
        paper = rng.random() < 0.5
        if paper:
            documents.append(event("content_downloaded", who, day, offer_type="whitepaper", offer_id="x"))
        if rng.random() < 0.5:
            documents.append(event("email_opened", who, day + 0.1))
        documents.append(event("form_submitted", who, day + 0.2, **ASKS))
        if rng.random() < (0.85 if paper else 0.15):
            documents.append(event("meeting_booked", who, day + 2))
        else:
            documents.append(event("handoff_rejected", who, day + 2, reason="timing"))
    path, out = tmp_path / "events.jsonl", tmp_path / "suggested.yaml"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, documents)))
    called = cli("model", "suggest", "b2b", "--file", str(path), "--out", str(out), "--json")
    assert called.code == 0, called.err
    rules = {rule["rule"]: rule for rule in called.json()["rules"]}
    assert rules["C1"]["told"]
    assert rules["C1"]["points"] > 0
    made = model_file.load(str(out))
    assert isinstance(made, Model), made
    assert made.by_id["C1"].points == rules["C1"]["points"]
    assert made.source.version == "suggested"


def test_a_revision_changes_points_only(tmp_path: Path) -> None:
    base = model_file.SHIPPED / "b2b.yaml"
    text = base.read_text()
    made = revised(text, {"V1": 3, "N1": -7}, "2")
    changed = [
        (one, other) for one, other in zip(text.splitlines(), made.splitlines(), strict=True) if one != other
    ]
    assert changed == [
        ('version: "1"', 'version: "2"'),
        ("    points: 10", "    points: 3"),
        ("    points: -15", "    points: -7"),
    ]
    write(base, tmp_path / "mine.yaml", {}, "2")
    assert isinstance(model_file.load(str(tmp_path / "mine.yaml")), Model)
    with pytest.raises(ValueError, match="no rule 'absent'"):
        revised(text, {"absent": 1}, "2")


def test_a_revision_takes_rules_on_one_line_too() -> None:
    rule = "  - {id: a, when: [{type: page_viewed, points: 4}], points: 10, max: 1}"
    text = "\n".join(["name: x", "version: 1  # ours", "rules:", rule, ""])
    assert revised(text, {"a": -3}, "2") == text.replace("points: 10", "points: -3").replace("1  #", '"2"  #')
