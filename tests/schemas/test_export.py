"""The derived files are current, consistent in themselves, and no stricter than the readers."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from schemas import asyncapi, export, reference
from schemas.dead_letter import Rejected
from schemas.document import read
from schemas.event import ACTIVITY_TYPES, MODELS, parse
from schemas.json_schema import schemas
from streams import topics
from streams.collector.mapping import topic_of
from tests.scoring.event_documents import documents

DERIVED = "run python -m schemas.export"
SCHEMAS = schemas()
VALIDATORS = {name: jsonschema.Draft202012Validator(schema) for name, schema in SCHEMAS.items()}


def test_the_exported_files_are_current() -> None:
    assert export.stale() == [], DERIVED
    assert export.main(["--check"]) == 0


def test_a_wrong_call_says_how_to_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert export.main(["--chek"]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_missing_marker_is_named() -> None:
    with pytest.raises(ValueError, match="topics"):
        reference.filled("no tables here")


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_valid_schema_with_an_identity_of_its_own(name: str) -> None:
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith("urn:leadstreams:schema:")
    assert len({each["$id"] for each in SCHEMAS.values()}) == len(SCHEMAS)


@settings(max_examples=300, deadline=None)
@given(documents())
def test_what_the_reader_takes_the_schema_takes(document: dict[str, Any]) -> None:
    raw = json.dumps(document).encode()
    model = parse(raw)
    if not isinstance(model, Rejected):
        VALIDATORS[f"events/{model.type}"].validate(read(raw))


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def resolved(document: Any, reference_: str) -> Any:
    for part in reference_.removeprefix("#/").split("/"):
        document = document[part]
    return document


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi.document()
    for each in references(document):
        assert resolved(document, each)


def test_the_asyncapi_document_has_every_event_and_every_public_topic() -> None:
    document = asyncapi.document()
    assert set(MODELS) <= set(document["components"]["messages"])
    assert set(document["channels"]) == {
        *topics.INPUTS,
        topics.LEAD_TRANSITIONS,
        topics.SALES_HANDOFFS,
        topics.SALES_HANDOFFS_SHADOW,
        topics.LEAD_TRANSITIONS_SHADOW,
        topics.DEAD_LETTERS,
    }
    assert {asyncapi.home(kind) for kind in MODELS} == set(topics.INPUTS)


@pytest.mark.parametrize("kind", sorted(ACTIVITY_TYPES))
def test_the_collector_sends_a_type_to_the_topic_where_it_is_at_home(kind: str) -> None:
    assert topic_of(kind) == asyncapi.home(kind)
