"""The contract by other people's programs: the official CloudEvents SDKs and the official AsyncAPI parser."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from cloudevents.core.formats.json import JSONFormat

from schemas.handoff import CONTENT_TYPE
from streams import topics
from tests.connectors.handoffs import handoff, update

ROOT = Path(__file__).parents[2]
NODE = Path(__file__).parent / "node"
SAMPLES = ROOT / "tests" / "samples" / "outputs"
VALUES = [
    (SAMPLES / "handoff.json").read_bytes().strip(),
    (SAMPLES / "lead-update.json").read_bytes().strip(),
    handoff(1, cycle=3),
    update(1, "new_request"),
]
HEADERS = {"content-type": CONTENT_TYPE.encode(), "handoff-id": b"ho-1", "traceparent": b"00-1-2-01"}


def ran(script: str, *arguments: str, told: str = "") -> str:
    """What a script of ours prints under Node."""
    if shutil.which("node") is None:
        pytest.skip("not run: install Node.js 20 or later")
    if not (NODE / "node_modules").is_dir():
        pytest.skip("not run: run make connect")
    done = subprocess.run(
        ["node", str(NODE / script), *arguments], input=told, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("value", VALUES)
def test_the_python_sdk_reads_every_handoff_and_update(value: bytes) -> None:
    read = from_kafka_event(KafkaMessage(headers=HEADERS, key=b"e1-1", value=value), JSONFormat())
    said = json.loads(value)
    data: Any = read.get_data()
    assert (read.get_id(), read.get_type(), read.get_subject()) == (said["id"], said["type"], said["subject"])
    assert data == said["data"]


def test_the_javascript_sdk_reads_every_handoff_and_update() -> None:
    headers = {name: value.decode() for name, value in HEADERS.items()}
    lines = (json.dumps({"headers": headers, "value": value.decode()}) for value in VALUES)
    found = [json.loads(line) for line in ran("cloudevents.mjs", told="\n".join(lines)).splitlines()]
    said = [json.loads(value) for value in VALUES]
    assert [(one["id"], one["type"], one["subject"]) for one in found] == [
        (one["id"], one["type"], one["subject"]) for one in said
    ]
    assert found[2]["name"] == "田中 美香"


def test_the_official_parser_finds_the_asyncapi_document_valid() -> None:
    found = json.loads(ran("asyncapi.mjs", str(ROOT / "schemas" / "json" / "asyncapi.json")))
    assert found["errors"] == []
    assert {topics.SALES_HANDOFFS, topics.SALES_FEEDBACK} <= set(found["channels"])
