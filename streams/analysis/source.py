"""Events to be analysed, from a file or from the pipeline's log, in shares that can be replayed side by side."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from schemas.dead_letter import Rejected
from schemas.event import FEEDBACK_TYPES
from streams import log, topics
from streams.analysis.kin import Kin
from streams.follow_up.account import registrable
from streams.imports.row import lines, opened
from streams.log import Advance
from streams.scoring.event import decode
from streams.scoring.instant import milliseconds
from streams.settings import Settings

REFRESH: Final = 2_000
"""Records between two moves of the bar."""
AS_NEW: Final = -1
"""The way of an event that is never a repetition: an erasure makes its person's identities unknown again."""
ERASURE: Final = "lead_erased"
RELATION: Final = "relationship_set"


class Event(NamedTuple):
    """One event as bytes, and what its place in the order depends on. Instants in Unix ms; `line` of the file, or
    the number of the record; `answer`: it says what sales did."""

    kin: int
    at: int
    event_id: str
    line: int
    arrival: int
    way: int
    answer: bool
    raw: bytes


class Mistake(NamedTuple):
    """A line that is no event."""

    line: int
    reason: str
    detail: str


class Source(NamedTuple):
    """All events, each with the final number of its kin, and what cannot be read. `types` counts the events."""

    events: list[Event]
    mistakes: list[Mistake]
    types: Counter[str]
    first: int
    end: int


class _Head(msgspec.Struct, gc=False):
    """What the order and the kin of an event depend on."""

    type: str
    event_id: str
    occurred_at: str
    received_at: str | None = None
    source_kind: str | None = None
    email: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None
    company_domain: Any = None


_head: Final = msgspec.json.Decoder(_Head).decode


class Reader:
    """Takes records in any order and sorts out whose they are."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.mistakes: list[Mistake] = []
        self.types: Counter[str] = Counter()
        self._kin = Kin()
        self._companies: dict[str, set[int]] = {}
        self._related: set[str] = set()

    def take(self, raw: bytes, line: int, timestamp: int | None = None) -> None:
        """One record; `timestamp`: when the log got it, None for a line of a file."""
        try:
            head = _head(raw)
            at = milliseconds(head.occurred_at)
            said = None if head.received_at is None else _instant(head.received_at)
        except (msgspec.MsgspecError, ValueError):
            found = self._judged(raw, line)
            if found is None:
                return
            head, at, said = found
        received = at if timestamp is None else timestamp
        if said is not None:
            received = said if timestamp is None else min(said, timestamp)
        joined = self._kin.join(
            head.email, head.user_id, head.anonymous_id, head.previous_id, head.source_kind == "browser"
        )
        member, way = joined or self._nobody()
        self._note_company(head, member)
        self.types[head.type] += 1
        answer = head.type in FEEDBACK_TYPES
        way = AS_NEW if head.type == ERASURE else way
        self.events.append(Event(member, at, head.event_id, line, received, way, answer, raw))

    def _judged(self, raw: bytes, line: int) -> tuple[_Head, int, int | None] | None:
        """A record that is no event in the simplest form: the contract has the last word."""
        event = decode(raw)
        if isinstance(event, Rejected):
            self.mistakes.append(Mistake(line, event.reason.value, event.detail))
            return None
        names = (
            *(event.source_kind, event.email, event.user_id, event.anonymous_id, event.previous_id),
            event.company_domain,
        )
        return _Head(event.type, event.event_id, "", None, *names), event.at, event.received

    def _note_company(self, head: _Head, member: int) -> None:
        """What is said of a company concerns all who work there."""
        stated = str(head.company_domain) if head.company_domain else None
        for domain in (stated, (head.email or "").rpartition("@")[2]):
            if domain:
                self._companies.setdefault(domain, set()).add(member)
        if head.type == RELATION and stated:
            self._related.add(stated)

    def _join_related(self) -> set[int]:
        """Make kin of all whom something is told of by their company; the numbers of such kins."""
        related = {registrable(domain) for domain in self._related} - {None}
        groups: dict[str | None, set[int]] = {}
        for domain, members in self._companies.items() if related else ():
            if (known := registrable(domain)) in related:
                groups.setdefault(known, set()).update(members)
        for group in groups.values():
            self._kin.unite(sorted(group))
        return {self._kin.root(member) for group in groups.values() for member in group}

    def _nobody(self) -> tuple[int, int]:
        """About a company, or nobody at all: the core is to judge it."""
        return self._kin.join("nobody@nowhere", None, None, None, False) or (0, 0)

    def finish(self) -> Source:
        """Everything taken, with each event's final kin."""
        related = self._join_related()
        roots = {member: self._kin.root(member) for member in {event.kin for event in self.events}}
        events = [Event(roots[event[0]], *event[1:]) for event in self.events]
        if related:  # whatever one of them does may concern the others
            events = [event._replace(way=AS_NEW) if event.kin in related else event for event in events]
        first = min((event.at for event in events), default=0)
        end = max((event.at for event in events), default=0)
        return Source(events, self.mistakes, self.types, first, end)


def _instant(text: str) -> int | None:
    try:
        return milliseconds(text)
    except ValueError:
        return None


def from_file(path: Path, started: Callable[[int], None], advance: Advance) -> Source:
    """A file of JSON lines, packed or not; `advance` is told bytes. Raises OSError, EOFError."""
    reader = Reader()
    with opened(path) as source:
        started(source.size)
        before = 0
        for line, raw in lines(source.content):
            if raw.strip():
                reader.take(raw, line)
            if line % REFRESH == 0:
                before, position = source.position(), before
                advance(before - position)
    return reader.finish()


def from_log(settings: Settings, started: Callable[[int], None], advance: Advance) -> Source:
    """All that the input topics hold as of now; `advance` is told records. Raises Unreachable, Refused."""
    count = log.partitions(settings)
    return log.run(_read_log(settings, count, started, advance))


async def _read_log(settings: Settings, count: int, started: Callable[[int], None], advance: Advance) -> Source:
    reader = Reader()
    number = 0
    async with log.opened(settings) as found:
        places = [(topic, partition) for topic in topics.INPUTS for partition in range(count)]
        bounds = [await found.bounds(*place) for place in places]
        started(sum(end - first for first, end in bounds))
        for place, (first, end) in zip(places, bounds, strict=True):
            async for batch in found.read(*place, first, end):
                for record in batch:
                    number += 1
                    reader.take(record.value or b"", number, record.timestamp)
                advance(len(batch))
    return reader.finish()


def shares(events: list[Event], count: int) -> list[list[Event]]:
    """The events in at most so many shares of about one size, every kin whole in one of them."""
    sizes = Counter(event.kin for event in events)
    heap = [(0, number) for number in range(count)]
    home: dict[int, int] = {}
    for kin, size in sizes.most_common():
        load, number = heap[0]
        heapq.heapreplace(heap, (load + size, number))
        home[kin] = number
    found: list[list[Event]] = [[] for _ in range(count)]
    for event in events:
        found[home[event.kin]].append(event)
    return [share for share in found if share]


def kins(events: list[Event]) -> Iterator[list[Event]]:
    """The events in the order (kin, instant, id), one kin after the other."""
    events.sort()
    first = 0
    for place in range(1, len(events) + 1):
        if place == len(events) or events[place].kin != events[first].kin:
            yield events[first:place]
            first = place
