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
from streams.collector.mapping import topic_of
from streams.identity.keys import Secret, lead_keys
from streams.local import Local
from streams.scoring.instant import DAY, rfc3339
from streams.scoring.model import compile_model
from streams.scoring.score import score
from streams.shard import Terms
from streams.yaml_file import Plain

DOCUMENT = Path(__file__).parent.parent / "docs" / "model.md"
BLOCK = re.compile(r"^```(\S+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"day (\S+)\s+(?:([a-z_]+)((?: \w+=\S+)*)\s+)?(-?[\d.]+)(?:\s+(\w+))?(?:\s+(\S+(?: \S+)*))?")
START = 1_794_963_600_000
"""Wednesday, 18 November 2026, 10:00 in Tokyo."""
SECRET = Secret(b"a secret for tests")
PERSON = {"email": "ada@lovelace.example"}
AFTER_ALL = "\uffff"
BASE: dict[str, Any] = {
    "name": "shown",
    "version": "1",
    "timezone": "Asia/Tokyo",
    "stages": {"mql": {"enter": 20, "leave": 15}, "sql": {"enter": 40}},
}
PARTS = ("rules", "pages", "groups")


class Example(NamedTuple):
    """A model and what it makes of a journey."""

    heading: str
    model: dict[str, Any]
    journey: str


def read(text: str) -> Any:
    """YAML as model files are read."""
    return yaml.load(text, Plain)


def sections() -> list[str]:
    """The document by its headings."""
    return re.split(r"^##+ ", DOCUMENT.read_text(), flags=re.MULTILINE)[1:]


def follow_up() -> dict[str, Any]:
    """The follow-up that the document shows: that of every example with requests."""
    (section,) = (section for section in sections() if section.startswith("`routing`"))
    return next(read(body) for language, kind, body in BLOCK.findall(section) if kind == "fragment")


def examples() -> list[Example]:
    """Each journey with what stands before it under the same heading."""
    found = []
    for section in sections():
        model = dict(BASE)
        for language, kind, body in BLOCK.findall(section):
            if (language, kind) == ("yaml", "model"):
                model = read(body)
            elif (language, kind) == ("yaml", "part"):
                model |= read(body)
            elif language == "yaml" and kind in PARTS:
                model[kind] = read(body)
            elif language == "journey":
                extra = follow_up() if "requests" in model else {}
                found.append(Example(section.partition("\n")[0], {**extra, **model}, body))
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
        day, kind, fields, points, stage, remarks = step.groups()
        at = START + round(float(day) * DAY)
        before = len(pipeline.outputs.get(topics.LEAD_TRANSITIONS, []))
        if kind:
            own = dict(pair.split("=", 1) for pair in fields.split())
            event = {"event_id": f"e{next(numbers)}", "type": kind, "occurred_at": rfc3339(at), **PERSON, **own}
            pipeline.feed(topic_of(kind), json.dumps(event).encode(), at)
        pipeline.pass_time(at if kind else at + model.lateness)
        lead = pipeline.find(key)
        assert lead is not None
        assert score(lead, model, at, AFTER_ALL, lead.state).total == pytest.approx(float(points), abs=5e-4), day
        assert not stage or lead.stage.word == stage, day
        assert set((remarks or "").split()) <= told(pipeline, before), day


def told(pipeline: Local, since: int) -> set[str]:
    """What was announced: notes, handoffs, grades."""
    found = set()
    for effect in pipeline.outputs.get(topics.LEAD_TRANSITIONS, [])[since:]:
        transition = json.loads(effect.value or b"")
        found |= {transition["type"], str(transition["fit_grade"])}
        if transition["handoff_id"]:
            found |= {"handoff", transition["sales"].get("respond_by", "")}
    return found


def test_every_word_of_the_language_is_explained() -> None:
    text = DOCUMENT.read_text()
    schema = ScoringModel.model_json_schema()
    parts = (schema, *schema["$defs"].values())
    words = {word for part in parts for word in part.get("properties", {})}
    words |= {str(value) for part in parts for value in enumerated(part)}

    assert {word for word in words if not re.search(rf"\b{word}\b", text)} == set()
    assert len(EXAMPLES) >= 20


def enumerated(part: Any) -> list[str]:
    """All values that a schema lists."""
    if isinstance(part, dict):
        own = list(part["enum"]) if isinstance(part.get("enum"), list) else []
        return [*own, *(value for inner in part.values() for value in enumerated(inner))]
    return [value for inner in part for value in enumerated(inner)] if isinstance(part, list) else []


def test_the_fragments_are_valid() -> None:
    for language, kind, body in BLOCK.findall(DOCUMENT.read_text()):
        if (language, kind) == ("yaml", "fragment"):
            whole = {**EXAMPLES[0].model, **read(body)}
            assert compile_model(ScoringModel.model_validate(whole))
