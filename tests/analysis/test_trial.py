"""A trial is what the pipeline would have done: held to the pipeline in memory, event by event."""

from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from streams.analysis import source, trial
from streams.analysis.source import Reader, Source
from streams.analysis.trial import Trial
from streams.replay import file
from streams.scoring.model import Model
from streams.shard import Terms
from tests.laboratory import MODEL, SECRET
from tests.persons import acts
from tests.reference.b2b.adapter import b2b
from tests.reference.b2b.journeys import history

Document = dict[str, Any]


def read(documents: list[Document]) -> Source:
    reader = Reader()
    for line, document in enumerate(documents, start=1):
        reader.take(msgspec.json.encode(document), line)
    return reader.finish()


def tried(documents: list[Document], model: Model) -> Trial:
    found = read(documents)
    return trial.run(found.events, Terms(model, SECRET), found.end, lambda count: None)


def replayed(documents: list[Document], model: Model, path: Path) -> file.Result:
    path.write_bytes(b"\n".join(map(msgspec.json.encode, documents)))
    return file.run(path, Terms(model, SECRET), lambda total: None, lambda count: None)


def several(rng: Random) -> list[Document]:
    """The journeys of a few b2b leads, each under its own address."""
    found: list[Document] = []
    for person in range(6):
        for event in history(rng):
            own: Document = {"event_id": f"{person}-{event['event_id']}", "anonymous_id": f"device-{person}"}
            if "email" in event:
                own["email"] = event["email"].replace("kana", f"p{person}")
            if "retracts" in event:
                own["retracts"] = f"{person}-{event['retracts']}"
            if "handoff_id" in event:
                own["handoff_id"] = None
            found.append({**event, **own})
    rng.shuffle(found)
    return found


def handed(told: list[Any]) -> list[tuple[Any, ...]]:
    return sorted(
        (t.handoff_id, t.occurred_at, round(t.score, 6), t.reason) for t in told if t.handoff_id is not None
    )


@pytest.mark.parametrize("seed", range(12))
def test_a_trial_of_b2b_hands_over_whom_the_pipeline_hands_over(seed: int, tmp_path: Path) -> None:
    documents = several(Random(seed))
    found, wanted = tried(documents, b2b()), replayed(documents, b2b(), tmp_path / "events")
    assert handed(found.told) == handed(wanted.handoffs)
    at_work = {stage: number for stage, number in found.leads.items() if stage not in ("alias", "visitor")}
    assert at_work == {stage: number for stage, number in wanted.leads.items() if stage != "visitor"}


@pytest.mark.parametrize("seed", range(30))
def test_people_with_several_identities_are_joined_as_in_the_pipeline(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    people: list[Document] = [
        {"email": "a@example.com"},
        {"email": "a@example.com", "anonymous_id": "d1"},
        {"anonymous_id": "d1"},
        {"user_id": "u1", "anonymous_id": "d1"},
        {"user_id": "u1", "email": "a@example.com"},
        {"anonymous_id": "d2"},
        {"anonymous_id": "d2", "email": "b@example.com"},
        {"email": "b@example.com"},
    ]
    documents = acts(rng, people[: rng.randint(2, len(people))], 40)
    found, wanted = tried(documents, MODEL), replayed(documents, MODEL, tmp_path / "events")
    assert handed(found.told) == handed(wanted.handoffs)
    assert {s: n for s, n in found.leads.items() if s != "alias"} == wanted.leads


def test_a_kin_is_never_divided_between_shares() -> None:
    found = read(several(Random(5)))
    divided = source.shares(list(found.events), 3)
    assert sum(map(len, divided)) == len(found.events)
    homes = [{event.kin for event in share} for share in divided]
    assert not homes[0] & homes[1]
    assert len({event.kin for event in found.events}) == sum(map(len, homes))
