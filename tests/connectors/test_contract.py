"""The contract by other people's programs: the official CloudEvents SDKs and the official AsyncAPI parser."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from cloudevents.core.formats.json import JSONFormat

from schemas.handoff import CONTENT_TYPE
from streams import topics
from streams.scoring.instant import HOUR
from tests.conftest import REQUIRE_KAFKA
from tests.connectors.handoffs import handoff, update
from tests.test_update import NOON, feed, handed_over

ROOT = Path(__file__).parents[2]
NODE = Path(__file__).parent / "node"
SAMPLES = ROOT / "tests" / "samples" / "outputs"
VALUES = [
    (SAMPLES / "handoff.json").read_bytes().strip(),
    (SAMPLES / "lead-update.json").read_bytes().strip(),
    handoff(1, cycle=3),
    update(1, "new_request"),
]


def of_a_pipeline() -> list[bytes]:
    """A handoff and each kind of update as the core itself writes them."""
    local = handed_over()
    feed(local, "q1", NOON + HOUR, type="form_submitted", form_type="quote", form_id="quote", message="見積を")
    feed(local, "u1", NOON + 2 * HOUR, type="email_unsubscribed")
    feed(local, "r1", NOON + 3 * HOUR, type="relationship_set", relationship="customer", source_kind="crm")
    feed(local, "e1", NOON + 4 * HOUR, type="lead_erased", source_kind="crm")
    return [effect.value or b"" for effect in local.outputs[topics.SALES_HANDOFFS]]


VALUES += of_a_pipeline()
HEADERS = {"content-type": CONTENT_TYPE.encode(), "handoff-id": b"ho-1", "traceparent": b"00-1-2-01"}


def missing() -> str | None:
    """Why Node cannot read the contract here and what to do, or None."""
    if shutil.which("node") is None:
        return "install Node.js 20 or later"
    return None if (NODE / "node_modules").is_dir() else "run make connect"


def ran(script: str, *arguments: str, told: str = "") -> str:
    """What a script of ours prints under Node."""
    if (why := missing()) is not None:
        if os.environ.get(REQUIRE_KAFKA) == "1":
            pytest.fail(f"the official SDKs are required where Kafka is: {why}", pytrace=False)
        pytest.skip(f"not run: {why}")
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


def test_the_sdks_are_shown_what_a_pipeline_writes_and_not_only_samples() -> None:
    told = [json.loads(value)["data"].get("change") for value in of_a_pipeline()]
    assert told == [None, "new_request", "opted_out", "became_customer", "erased"]


def test_the_official_parser_finds_the_asyncapi_document_valid() -> None:
    found = json.loads(ran("asyncapi.mjs", str(ROOT / "schemas" / "json" / "asyncapi.json")))
    assert found["errors"] == []
    assert {topics.SALES_HANDOFFS, topics.SALES_FEEDBACK} <= set(found["channels"])
