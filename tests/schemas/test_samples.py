"""Samples of all that ever went over the wire: none may stop being readable, none may change its meaning."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from schemas.dead_letter import Rejected
from schemas.envelope import Envelope
from schemas.event import ANY_EVENT, MODELS, parse
from schemas.handoff import Handoff, LeadUpdate
from schemas.json_schema import schemas
from schemas.transition import Transition
from streams.scoring.event import Event, decode

SAMPLES = Path(__file__).parent.parent / "samples"
EVENTS = sorted(path.stem for path in (SAMPLES / "events").glob("*.json"))
OUTPUTS: dict[str, type[BaseModel]] = {
    "transition": Transition,
    "transition-held": Transition,
    "handoff": Handoff,
    "lead-update": LeadUpdate,
}
SCHEMAS = schemas()
RESERVED = re.compile(r"(?:^|\.)example(?:\.com|\.jp)?$")
"""Domains that never belong to anybody."""
MAIL_SERVERS = {"smtp-relay.mailin.fr", "ismtpd-555"}
"""In the ids that mail providers give their messages."""


def event(name: str) -> Envelope:
    model = parse((SAMPLES / "events" / f"{name}.json").read_bytes())
    assert not isinstance(model, Rejected), model
    return model


def written(model: Envelope) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_none=True)


def conforms(document: dict[str, Any], schema: str) -> None:
    jsonschema.validate(document, SCHEMAS[schema], format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def test_there_is_a_sample_of_each_event_type() -> None:
    assert {event(name).type for name in EVENTS} == set(MODELS)


@pytest.mark.parametrize("name", EVENTS)
def test_a_sample_still_means_what_it_meant(name: str) -> None:
    stored = json.loads((SAMPLES / "normalised" / f"{name}.json").read_bytes())
    assert written(event(name)) == stored


@pytest.mark.parametrize("name", EVENTS)
def test_the_normalised_form_is_read_as_itself(name: str) -> None:
    stored = (SAMPLES / "normalised" / f"{name}.json").read_bytes()
    again = parse(stored)
    assert isinstance(again, Envelope)
    assert written(again) == json.loads(stored)
    assert ANY_EVENT.validate_python(json.loads(stored)) == again


@pytest.mark.parametrize("name", EVENTS)
def test_the_scoring_worker_takes_each_sample(name: str) -> None:
    taken = decode((SAMPLES / "events" / f"{name}.json").read_bytes())
    assert isinstance(taken, Event)
    assert taken.type == event(name).type


@pytest.mark.parametrize("name", EVENTS)
def test_a_sample_conforms_to_the_exported_schema(name: str) -> None:
    for folder in ("events", "normalised"):
        document = json.loads((SAMPLES / folder / f"{name}.json").read_bytes())
        conforms(document, f"events/{event(name).type}")


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_sample_is_read_and_written_unchanged(name: str) -> None:
    stored = (SAMPLES / "outputs" / f"{name}.json").read_bytes()
    model = OUTPUTS[name].model_validate_json(stored)
    assert model.model_dump(mode="json") == json.loads(stored)
    conforms(json.loads(stored), name.removesuffix("-held"))
    assert not isinstance(model, Handoff | LeadUpdate) or model.encode() == stored.strip()


def test_the_values_of_a_transitions_contributions_add_up_to_its_score() -> None:
    for name in ("transition", "transition-held"):
        sample = json.loads((SAMPLES / "outputs" / f"{name}.json").read_bytes())
        assert sum(line["value"] for line in sample["contributions"]) == sample["score"]


def test_the_samples_are_of_made_up_people() -> None:
    for path in SAMPLES.rglob("*.json"):
        domains = set(re.findall(r"@([\w.-]+)", path.read_text().lower())) - MAIL_SERVERS
        assert {domain for domain in domains if not RESERVED.search(domain)} == set(), path
