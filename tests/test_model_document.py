"""docs/model.md says what is so: each of its examples is run."""

import json
import re
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from schemas.model import ScoringModel
from streams import topics
from streams.identity.keys import Secret, lead_keys
from streams.local import Local
from streams.scoring.instant import DAY, rfc3339
from streams.scoring.model import compile_model
from streams.scoring.score import score
from streams.shard import Terms

DOCUMENT = Path(__file__).parent.parent / "docs" / "model.md"
BLOCK = re.compile(r"^```(\S+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"day (\S+)\s+(?:([a-z_]+)((?: \w+=\S+)*)\s+)?(-?[\d.]+)(?:\s+(\w+))?")
START = 1_795_000_000_000
SECRET = Secret(b"a secret for tests")
PERSON = {"email": "ada@lovelace.example"}
AFTER_ALL = "\uffff"
BASE: dict[str, Any] = {
    "name": "shown",
    "version": "1",
    "stages": {"mql": {"enter": 20, "leave": 15}, "sql": {"enter": 40}},
}


class Example(NamedTuple):
    """A model and what it makes of a journey."""

    heading: str
    model: dict[str, Any]
    journey: str


def examples() -> list[Example]:
    """Each journey with what stands before it under the same heading."""
    found = []
    text = DOCUMENT.read_text()
    for section in re.split(r"^##+ ", text, flags=re.MULTILINE)[1:]:
        model = dict(BASE)
        for language, kind, body in BLOCK.findall(section):
            if language == "yaml" and kind == "model":
                model = yaml.safe_load(body)
            elif language == "yaml" and kind in ("rules", "pages", "groups"):
                model[kind] = yaml.safe_load(body)
            elif language == "journey":
                found.append(Example(section.partition("\n")[0], model, body))
    return found


EXAMPLES = examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.heading)
def test_an_example_gives_the_scores_and_stages_that_stand_beside_it(example: Example) -> None:
    model = compile_model(ScoringModel.model_validate(example.model))
    pipeline = Local(Terms(model, SECRET))
    (key,) = lead_keys(PERSON["email"], None, None, SECRET)
    numbers = count()
    steps = [STEP.fullmatch(line) for line in example.journey.splitlines()]

    assert steps
    for step in steps:
        assert step is not None, example.journey
        day, kind, fields, points, stage = step.groups()
        at = START + round(float(day) * DAY)
        if kind:
            own = dict(pair.split("=", 1) for pair in fields.split())
            event = {"event_id": f"e{next(numbers)}", "type": kind, "occurred_at": rfc3339(at), **PERSON, **own}
            pipeline.feed(topics.LEAD_ACTIVITIES, json.dumps(event).encode(), at)
        else:
            pipeline.pass_time(at + model.lateness)
        lead = pipeline.find(key)
        assert lead is not None
        assert score(lead, model, at, AFTER_ALL, lead.state).total == pytest.approx(float(points), abs=5e-4), day
        assert not stage or lead.stage.word == stage, day


def test_every_word_of_the_language_is_explained() -> None:
    text = DOCUMENT.read_text()
    schema = ScoringModel.model_json_schema()
    words = {word for part in (schema, *schema["$defs"].values()) for word in part.get("properties", {})}

    assert {word for word in words if not re.search(rf"\b{word}\b", text)} == set()
    assert len(EXAMPLES) >= 10


def test_the_fragments_are_valid() -> None:
    for language, kind, body in BLOCK.findall(DOCUMENT.read_text()):
        if (language, kind) == ("yaml", "fragment"):
            whole = {**EXAMPLES[0].model, **yaml.safe_load(body)}
            assert ScoringModel.model_validate(whole)
