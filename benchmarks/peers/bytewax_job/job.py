"""The job on Bytewax: a stateful map with recovery in SQLite; the sink is at least once."""

import os
from typing import Any

import bytewax.operators as op  # type: ignore[import-not-found]
import orjson  # type: ignore[import-not-found,unused-ignore]
from bytewax.connectors.kafka import (  # type: ignore[import-not-found]
    KafkaSinkMessage,
    KafkaSource,
    KafkaSourceMessage,
)
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]

from benchmarks.peers.job import score_event

BROKERS = [os.environ["BENCH_BROKER"]]


def keyed(message: KafkaSourceMessage) -> tuple[str, tuple[str, dict[str, Any]]]:
    key = message.key.decode()
    return key, (key, orjson.loads(message.value))


def score(
    lead: dict[str, Any] | None, item: tuple[str, dict[str, Any]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    key, event = item
    lead = {} if lead is None else lead
    handoff = score_event(lead, key, event)
    return lead, [] if handoff is None else [handoff]


def message(item: tuple[str, dict[str, Any]]) -> KafkaSinkMessage:
    key, handoff = item
    return KafkaSinkMessage(key.encode(), orjson.dumps(handoff))


flow = Dataflow("scoring")
# Bytewax keeps its offsets in its own recovery store; these commits only show how far it is.
shown = {"group.id": os.environ["BENCH_GROUP"], "enable.auto.commit": "true", "auto.commit.interval.ms": "250"}
source = KafkaSource(BROKERS, os.environ["BENCH_TOPICS"].split(","), add_config=shown)
events = op.map("key", op.input("events", flow, source), keyed)
handed_over = op.stateful_flat_map("score", events, score)
kop.output("handoffs", op.map("message", handed_over, message), brokers=BROKERS, topic=os.environ["BENCH_OUTPUT"])
