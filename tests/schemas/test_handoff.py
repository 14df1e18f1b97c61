"""A handoff survives what sinks do to it."""

import json
import re

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from cloudevents.core.formats.json import JSONFormat
from pydantic import ValidationError

from schemas.handoff import CONTENT_TYPE, Flat, Handoff, HandoffData, LeadUpdate, UpdateData, blank

ID = "ho-" + "0" * 32
KEY = "e1-" + "0" * 32
KNOWN = {
    "handoff_id": ID,
    "lead_key": KEY,
    "name": "田中 美香",
    "employees": 320,
    "score": 40,
    "behaviour_score": 89.5,
    "fit_score": 0,
    "stage": "sql",
    "cycle": 1,
    "model_id": "0" * 32,
    "model_version": "1",
    "respond_by": "2026-11-02T10:00:00+09:00",
}


def handoff() -> Handoff:
    data = HandoffData.model_validate(blank(HandoffData, **KNOWN))
    envelope = {"id": ID, "source": "/leadstreams/test", "subject": KEY, "time": "2026-11-02T01:00:00Z"}
    return Handoff.model_validate(envelope | {"data": data})


def test_every_field_is_always_there_and_flat() -> None:
    data = json.loads(handoff().encode())["data"]
    assert set(data) == set(HandoffData.model_fields)
    assert all(value is None or isinstance(value, str | int | float | bool) for value in data.values())


@pytest.mark.parametrize("model", [HandoffData, UpdateData])
def test_field_names_suit_every_sink(model: type[Flat]) -> None:
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in model.model_fields)


def test_a_number_keeps_one_kind_whatever_its_value() -> None:
    text = handoff().encode().decode()
    assert '"score":40.0,' in text
    assert '"behaviour_score":89.5,' in text
    assert '"employees":320.0,' in text
    assert '"cycle":1,' in text


def test_the_json_is_ascii_and_times_are_utc() -> None:
    value = handoff().encode()
    assert value.isascii()
    assert json.loads(value)["data"]["name"] == "田中 美香"
    assert json.loads(value)["data"]["respond_by"] == "2026-11-02T01:00:00.000Z"


def test_the_same_handoff_is_the_same_bytes() -> None:
    assert handoff().encode() == handoff().encode()
    assert Handoff.model_validate_json(handoff().encode()).encode() == handoff().encode()


@pytest.mark.parametrize("change", [{"score": None}, {"score": float("inf")}, {"cycle": 0}, {"surprise": 1}])
def test_data_that_a_sink_could_not_hold_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HandoffData.model_validate(blank(HandoffData, **KNOWN) | change)


def test_a_field_cannot_be_left_out() -> None:
    with pytest.raises(ValidationError):
        HandoffData.model_validate(KNOWN)


def test_the_cloudevents_library_reads_it_as_structured() -> None:
    headers = {"content-type": CONTENT_TYPE.encode(), "handoff-id": ID.encode()}
    event = from_kafka_event(
        KafkaMessage(headers=headers, key=KEY.encode(), value=handoff().encode()), JSONFormat()
    )
    assert (event.get_id(), event.get_type()) == (ID, "com.leadstreams.lead.sql.v1")
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["score"] == 40.0


def test_an_update_names_one_of_the_known_changes() -> None:
    known = {name: KNOWN[name] for name in ("handoff_id", "lead_key", "cycle", "model_id", "model_version")}
    fields = blank(UpdateData, **known, change="merged", changed_at="2026-11-02T01:00:00Z", merged_into=KEY)
    envelope = {"id": "up-1", "source": "/leadstreams/test", "subject": KEY, "time": "2026-11-02T01:00:00Z"}
    update = LeadUpdate.model_validate(envelope | {"data": fields})
    assert json.loads(update.encode())["data"]["change"] == "merged"
    with pytest.raises(ValidationError):
        UpdateData.model_validate(fields | {"change": "something"})
