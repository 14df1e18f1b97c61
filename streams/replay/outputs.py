"""What the core gave out against what the topics hold: nothing missing, nothing twice, nothing unexplained."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from types import MappingProxyType
from typing import Final, NamedTuple

from streams import account_message, log, topics, transition, update
from streams.lane.restore import LogReader
from streams.log import Advance
from streams.replay.difference import Difference
from streams.replay.partition import CHECKED, Owed, digest, handoff_of
from streams.settings import Settings

WRITTEN_IN: Final = (topics.SALES_HANDOFFS, topics.SALES_HANDOFFS_SHADOW)
GIVEN_OUT_FROM: Final = (topics.LEAD_TRANSITIONS, topics.ACCOUNT_ACTIVITIES)
"""Where the agents read what they give out to sales."""


class Written(NamedTuple):
    """What stands in the topics, as digests. `due`: what becomes of transitions not read by then; `before`:
    handoffs that may be older than the replay's beginning."""

    owed: Counter[Owed]
    handoffs: dict[str, Counter[bytes]]
    due: set[str]
    transitions: Counter[Owed]
    before: Set[str] = frozenset()


class Expected(NamedTuple):
    """What all partitions' replays gave out."""

    owed: Counter[Owed]
    handoffs: dict[str, bytes]
    read: Mapping[tuple[str, int], int]
    """Per topic and partition the next transition that the agents which give out handoffs had to read."""
    since: Mapping[tuple[str, int], int] = MappingProxyType({})
    """From which offset on all must be explained: what is before it may be older than the replay's beginning."""


async def read(settings: Settings, count: int, expected: Expected, advance: Advance) -> Written:
    """Read the topics that the core writes, as a consumer of committed records sees them now."""
    handoffs: dict[str, Counter[bytes]] = defaultdict(Counter)
    owed: Counter[Owed] = Counter()
    transitions: Counter[Owed] = Counter()
    due: set[str] = set()
    before: set[str] = set()
    async with log.opened(settings) as reader:
        # First the handoffs, so that the transition of each of them is found afterwards.
        for topic in WRITTEN_IN:
            for number in range(count):
                since = expected.since.get((topic, number), 0)
                before |= await _read_handoffs(reader, topic, number, handoffs, since, advance)
        for topic in CHECKED:
            for number in range(count):
                async for batch in reader.read(topic, number):
                    for record in batch:
                        name = topic, number, digest(record.key, record.value)
                        owed[name] += 1
                        if topic in GIVEN_OUT_FROM and record.offset >= expected.read.get((topic, number), 0):
                            due |= _due(topic, record.value)
                        elif topic == topics.LEAD_TRANSITIONS and record.offset >= expected.since.get(name[:2], 0):
                            transitions[name] += 1
                    advance(len(batch))
    return Written(owed, handoffs, due, transitions, before)


async def _read_handoffs(
    reader: LogReader, topic: str, number: int, found: dict[str, Counter[bytes]], since: int, advance: Advance
) -> set[str]:
    """Those that stand before `since`."""
    before = set()
    async for batch in reader.read(topic, number):
        for record in batch:
            name = handoff_of(record.headers)
            found[name][digest(record.key, record.value)] += 1
            if record.offset < since:
                before.add(name)
        advance(len(batch))
    return before


def _due(topic: str, value: bytes | None) -> set[str]:
    """The events for sales that a record not read by then may have become since: by the names that they have."""
    if topic == topics.ACCOUNT_ACTIVITIES:
        said = account_message.decode(value)
        value = said.transition if isinstance(said, account_message.Told) else None
    told = transition.decode(value or b"")
    if told is None:
        return set()
    changed = update.update(told, "", "en")
    return {name for name in (told.handoff_id, changed and changed.id) if name}


def compare(expected: Expected, written: Written, exactly_once: bool) -> list[Difference]:
    """Where the topics are not as the core says; repeats are allowed at least once if they are the same bytes."""
    return [
        *_missing(expected, written, exactly_once),
        *_unexplained(expected, written, exactly_once),
        *_handoffs(expected, written, exactly_once),
    ]


def _missing(expected: Expected, written: Written, exactly_once: bool) -> list[Difference]:
    lost: Counter[tuple[str, int]] = Counter()
    for name, times in expected.owed.items():
        lacking = (times if exactly_once else 1) - written.owed[name]
        if lacking > 0:
            lost[name[:2]] += lacking
    return [
        Difference("topic", f"{topic}[{number}]", f"lacks {times} records that the core gives out")
        for (topic, number), times in sorted(lost.items())
    ]


def _unexplained(expected: Expected, written: Written, exactly_once: bool) -> list[Difference]:
    strange: Counter[int] = Counter()
    for name, times in written.transitions.items():
        allowed = expected.owed[name]
        if times > allowed and (exactly_once or not allowed):
            strange[name[1]] += times - allowed
    return [
        Difference("topic", f"{topics.LEAD_TRANSITIONS}[{number}]", f"holds {times} records not given by the core")
        for number, times in sorted(strange.items())
    ]


def _handoffs(expected: Expected, written: Written, exactly_once: bool) -> list[Difference]:
    found: list[Difference] = []
    for name in sorted(expected.handoffs.keys() | written.handoffs.keys()):
        there = written.handoffs.get(name)
        wanted = expected.handoffs.get(name)
        if there is None:
            found.append(Difference("handoff", name, "is missing in the topic"))
            continue
        if wanted is None:
            if name not in written.due and name not in written.before:
                found.append(Difference("handoff", name, "is in the topic, and the core does not give it"))
        elif wanted not in there:
            found.append(Difference("handoff", name, "has other bytes in the topic"))
        if exactly_once and there.total() > 1:
            found.append(Difference("handoff", name, f"is in the topic {there.total()} times"))
        elif len(there) > 1:
            found.append(Difference("handoff", name, "was repeated with other bytes"))
    return found
