"""From events and dead messages to Kafka records: topic by type, key and partition by lead."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from schemas.dead_letter import Headers
from streams import topics
from streams.collector.event_time import instant_text
from streams.collector.gateway import Headers as Extra
from streams.collector.gateway import Outgoing
from streams.collector.mapping import topic_of
from streams.collector.request import Adapted, DeadMessage, Event
from streams.identity.keys import Secret, lead_keys, partition_of

SOURCE = "collector"
"""Stands in a dead letter where a Kafka topic would: the message came by HTTP and has no offset."""

NO_POSITION = -1

_encode = msgspec.json.Encoder().encode


def seal(adapted: Adapted, received_at: int) -> None:
    """Write what the collector alone decides into each event, over anything an adapter or a sender has said."""
    own = {
        "source": adapted.source.name,
        "source_kind": str(adapted.source.kind),
        "received_at": instant_text(received_at),
    }
    for event in adapted.events:
        event.update(own)


def event_record(event: Event, secret: Secret, partitions: Mapping[str, int], headers: Extra = ()) -> Outgoing:
    """The record of an event that names somebody."""
    topic = topic_of(str(event["type"]))
    email, user_id, anonymous_id = event.get("email"), event.get("user_id"), event.get("anonymous_id")
    if not (email or user_id or anonymous_id):  # about a company: any partition passes it on to all
        return Outgoing(topic, 0, None, _encode(event), headers)
    key, hashed = _place(email, user_id, anonymous_id, secret)
    return Outgoing(topic, hashed % partitions[topic], key, _encode(event), headers)


_SPACE = 2**31
"""murmur2's range after Kafka clears its sign: a partition is the rest of the division by their number."""


@lru_cache(maxsize=16_384)
def _place(email: str | None, user_id: str | None, anonymous_id: str | None, secret: Secret) -> tuple[bytes, int]:
    """Key and hash of the lead; remembered, since one visitor sends many events."""
    if email is not None:
        user_id = anonymous_id = None  # only the strongest identity decides
    elif user_id is not None:
        anonymous_id = None
    key = lead_keys(email, user_id, anonymous_id, secret)[0]
    return key.encode(), partition_of(key, _SPACE)


def dead_record(dead: DeadMessage, received_at: int, partitions: Mapping[str, int]) -> Outgoing:
    """The dead letter of one message of a batch: its raw bytes, and why it was refused."""
    headers = Headers(dead.reason, dead.detail, SOURCE, NO_POSITION, NO_POSITION, received_at)
    partition = received_at % partitions[topics.DEAD_LETTERS]
    return Outgoing(topics.DEAD_LETTERS, partition, None, dead.raw, headers.encode())
