"""The dry run: what would be sent for every event of the topic up to now. Asks no receiver, commits nothing."""

from collections.abc import Callable
from typing import Any

from schemas.dead_letter import Rejected
from streams import log
from streams.admin import Refused, connect, partition_counts
from streams.connectors.base import Receiver
from streams.connectors.event import Event
from streams.settings import Settings

Show = Callable[[dict[str, Any]], None]


def rehearse(settings: Settings, sink: Receiver, show: Show) -> None:
    """Raises Unreachable, Refused."""
    with connect(settings) as client:
        count = partition_counts(client, [sink.topic]).get(sink.topic)
    if not count:
        raise Refused(f"no topic {sink.topic}: run leadstreams topics create")
    log.run(_rehearse(settings, sink, show, count))


async def _rehearse(settings: Settings, sink: Receiver, show: Show, partitions: int) -> None:
    async with log.opened(settings) as reader:
        for partition in range(partitions):
            async for batch in reader.read(sink.topic, partition):
                for record in batch:
                    place = {"partition": partition, "offset": record.offset}
                    show({**place, **said(record.value, sink)})


def said(value: bytes | None, sink: Receiver) -> dict[str, Any]:
    """What would become of one record."""
    event = sink.read(value)
    if isinstance(event, Event):
        return {"id": event.id, "type": event.type, "requests": sink.preview(event)}
    if isinstance(event, Rejected):
        return {"dead_letter": event.reason.value, "detail": event.detail}
    return {"passed_over": "an event of a type that this version does not know"}
