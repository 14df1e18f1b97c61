"""Erasing a person: the event that the pipeline understands, and a watch until all stores and connectors have it.

Nothing is deleted here. The worker that owns the person's partition forgets the record and tells aliases, sales
and nurture; each connector then does what its set-up sheet says. This asks, watches, and says how far it is.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from kafka import KafkaAdminClient

from schemas.instant import rfc3339
from streams import log, topics, transition
from streams.admin import Refused, connect, partition_counts
from streams.changes import Record
from streams.identity.keys import partition_of
from streams.imports.delivery import Delivery, input_partitions
from streams.imports.event import Prepared
from streams.imports.report import Place as Line
from streams.lane.restore import LogReader
from streams.privacy import connector
from streams.privacy.connector import Connector, Place
from streams.privacy.person import Person
from streams.scoring import lead as records
from streams.scoring.instant import NEVER
from streams.scoring.lead import Lead, Stage
from streams.settings import Settings
from streams.update import ERASED

TYPE: Final = "lead_erased"
SOURCE: Final = "privacy-request"
LOOK_S: Final = 0.3
TOLD: Final = (topics.LEAD_TRANSITIONS, topics.SALES_HANDOFFS)
"""Where connectors read that somebody is erased."""

Positions = dict[tuple[str, int], int]


class Progress(NamedTuple):
    """How far an erasure is. `told` are the records that tell of it; `behind` are connectors that owe it."""

    erased: frozenset[str]
    told: tuple[Place, ...]
    through: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    remark: str = ""


class Expected(NamedTuple):
    """What an erasure has to bring about."""

    keys: frozenset[str]
    topics: frozenset[str]

    def lacks(self, now: Progress) -> list[str]:
        """What is not done yet, in words; empty if all is."""
        lacking = []
        if left := self.keys - now.erased:
            lacking.append(f"{len(left)} of {len(self.keys)} records are not erased yet: is a worker running?")
        for topic in sorted(self.topics - {place.topic for place in now.told}):
            lacking.append(f"nobody is told on {topic} yet: is a worker running?")
        return lacking + [f"connector {name} has not delivered it yet: is it running?" for name in now.behind]


def expected(person: Person, live: bool) -> Expected:
    """What is to be seen in the log; `live`: handoffs go to sales and not to the shadow topic."""
    lead = person.lead
    aliases = [key for key in lead.aliases if key in person.keys]
    told = set()
    if lead.issued or lead.merged or lead.said != Stage.VISITOR:
        told.add(topics.LEAD_TRANSITIONS)
    if live and lead.issued:
        told.add(topics.SALES_HANDOFFS)
    return Expected(frozenset({person.key, *aliases}), frozenset(told))


def event(identity: Mapping[str, str], at: int) -> bytes:
    """The erasure as an event. `at` in Unix milliseconds."""
    return msgspec.json.encode(
        {
            "type": TYPE,
            "event_id": f"erase-{at}",
            "occurred_at": rfc3339(at),
            "received_at": rfc3339(at),
            "source": SOURCE,
            "source_kind": "server",
            **identity,
        }
    )


def issue(settings: Settings, key: str, identity: Mapping[str, str], at: int) -> None:
    """Put the event where the pipeline reads it. Raises Unreachable, Refused."""
    with Delivery(settings, input_partitions(settings)) as delivery:
        delivery.send(Prepared(topics.SALES_FEEDBACK, key, event(identity, at), TYPE, False), Line("erasure", 1))
    if delivery.failures:
        raise Refused(f"the broker did not take the erasure: {delivery.failures[0].reason}")


class Watch:
    """Reads on from where the log ended before the erasure."""

    def __init__(self, settings: Settings, person: Person, since: int, whole: bool) -> None:
        self._settings = settings
        self._person = person
        self._since = since
        self._whole = whole
        self._positions: Positions = {}
        self._erased: set[str] = set()
        self._told: dict[Place, None] = {}

    async def begin(self, reader: LogReader) -> None:
        """Note where the log ends; with `whole`, for what was asked before, it is read from its beginning."""
        count = log.partitions(self._settings)
        with connect(self._settings) as client:
            counts = partition_counts(client, TOLD)
        of_keys = {(topics.LEAD_SCORES, partition_of(key, count)) for key in self._person.keys}
        for topic, partition in [*of_keys, *((t, n) for t, number in counts.items() for n in range(number))]:
            first, end = await reader.bounds(topic, partition)
            self._positions[topic, partition] = first if self._whole else end

    async def look(self, reader: LogReader, client: KafkaAdminClient) -> Progress:
        """What has come about by now. Raises KafkaError, Stalled."""
        for (topic, partition), position in self._positions.items():
            async for batch in reader.read(topic, partition, position):
                for record in batch:
                    if record.offset >= position:
                        self._note(topic, record)
                        self._positions[topic, partition] = record.offset + 1
        return self._progress(connector.known(client, self._settings))

    def _note(self, topic: str, record: Record) -> None:
        key = (record.key or b"").decode("ascii", "replace")
        if key not in self._person.keys or record.value is None:
            return
        if topic == topics.LEAD_SCORES:
            (self._erased.add if self._forgotten(record.value) else self._erased.discard)(key)
        elif _tells(topic, record.value):
            self._told[Place(topic, record.partition, record.offset)] = None

    def _forgotten(self, value: bytes) -> bool:
        lead: Lead = records.decode(value)
        return lead.erased >= self._since and lead.erased != NEVER

    def _progress(self, found: list[Connector] | str) -> Progress:
        told = tuple(self._told)
        if isinstance(found, str):
            return Progress(frozenset(self._erased), told, remark=found)
        behind = tuple(one.name for one in found if one.behind(told))
        through = tuple(one.name for one in found if one.reads(told) and one.name not in behind)
        return Progress(frozenset(self._erased), told, through, behind)


def _tells(topic: str, value: bytes) -> bool:
    """Whether a record tells that somebody is erased."""
    if topic == topics.LEAD_TRANSITIONS:
        told = transition.decode(value)
        return told is not None and told.sales.get("change") == ERASED
    try:
        document: Any = msgspec.json.decode(value)
    except msgspec.MsgspecError:
        return False
    data = document.get("data") if isinstance(document, dict) else None
    return isinstance(data, dict) and data.get("change") == ERASED


async def carry_out(
    settings: Settings,
    person: Person,
    wanted: Expected,
    ask: Callable[[], None] | None,
    since: int,
    timeout_s: float,
    show: Callable[[Progress], None],
) -> Progress:
    """Ask, then look until nothing is lacking or the time is over. Without `ask` it was asked before.

    Raises Unreachable, Refused.
    """
    deadline = time.monotonic() + timeout_s
    async with log.opened(settings) as reader:
        watch = Watch(settings, person, since, whole=ask is None)
        await watch.begin(reader)
        if ask is not None:
            ask()
        with connect(settings) as client:
            while True:
                now = await watch.look(reader, client)
                show(now)
                if not wanted.lacks(now) or time.monotonic() >= deadline:
                    return now
                await asyncio.sleep(LOOK_S)
