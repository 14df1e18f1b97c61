"""The connectors of a pipeline, as Kafka knows them: how far each has come, and what it calls a person."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from streams.settings import Settings

GROUP: Final = "-connect-"

FINDS: Final = {
    "salesforce": "Lead and Contact with Leadstreams_Key__c = {key}; Task with Leadstreams_Event__c in events",
    "hubspot": "contact with leadstreams_key = {key}; notes with leadstreams_event in events",
    "hubspot-lists": "contact with leadstreams_key = {key}, and its lists",
    "sql": "rows of leads, handoffs and updates with lead_key = {key}",
    "webhook": "posts with Idempotency-Key in events",
    "nurture-webhook": "posts with lead_key {key}",
    "slack": "messages of the time of the handoff: a chat knows no keys",
    "teams": "messages of the time of the handoff: a chat knows no keys",
}
"""By the shipped connectors' names: how a person's data is found there."""


def known_as(name: str, key: str) -> str:
    """How a receiver's records about a lead are found."""
    return FINDS.get(name, "whatever its configuration makes of lead_key {key}").format(key=key)


class Place(NamedTuple):
    """A record in the log."""

    topic: str
    partition: int
    offset: int


class Connector(NamedTuple):
    """A connector's name and the next offset that it will read, by topic and partition."""

    name: str
    committed: dict[tuple[str, int], int]

    def behind(self, places: Iterable[Place]) -> list[Place]:
        """What of these it has not delivered yet, of the topics that it reads."""
        read = {topic for topic, _ in self.committed}
        return [p for p in places if p.topic in read and self.committed.get((p.topic, p.partition), 0) <= p.offset]

    def reads(self, places: Iterable[Place]) -> bool:
        """Whether any of these is for it."""
        return bool({place.topic for place in places} & {topic for topic, _ in self.committed})


def connectors(client: KafkaAdminClient, settings: Settings) -> list[Connector]:
    """Every connector that ever committed progress; raises kafka-python's KafkaError."""
    prefix = f"{settings.pipeline}{GROUP}"
    names = sorted(group for group in _groups(client) if group.startswith(prefix))
    return [Connector(name.removeprefix(prefix), _committed(client, name)) for name in names]


def _groups(client: KafkaAdminClient) -> list[str]:
    return [str(group["group_id"]) for group in client.list_groups()]


def _committed(client: KafkaAdminClient, group: str) -> dict[tuple[str, int], int]:
    found = client.list_group_offsets({group: None})
    offsets = found.get(group, {})
    return {(p.topic, p.partition): meta.offset for p, meta in offsets.items() if isinstance(p, TopicPartition)}


def known(client: KafkaAdminClient, settings: Settings) -> list[Connector] | str:
    """As `connectors`, or why they cannot be told."""
    try:
        return connectors(client, settings)
    except KafkaError as error:
        return f"the broker does not tell the connectors' progress ({type(error).__name__})"
