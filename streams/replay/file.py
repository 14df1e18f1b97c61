"""A file of events through the whole pipeline in memory, in the order of event time: no Kafka, no workers."""

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from schemas.dead_letter import Headers, Rejected
from schemas.event import FEEDBACK_TYPES, RETRACTION
from streams import topics, transition
from streams.collector.mapping import topic_of
from streams.imports.row import lines, opened
from streams.local import Local
from streams.scoring.event import decode
from streams.scoring.lead import Stage
from streams.shard import Terms
from streams.transition import Transition

SHOWN_MISTAKES: Final = 10
REFRESH_LINES: Final = 500


class Mistake(NamedTuple):
    """A line that is no event."""

    line: int
    reason: str
    detail: str


class Result(NamedTuple):
    """What came of a file. `reached`: how many leads ever entered a stage; `leads`: where they are at the end."""

    events: int
    reached: dict[str, int]
    leads: dict[str, int]
    handoffs: list[Transition]
    refused: dict[str, int]
    mistakes: list[Mistake]
    end: int


class _Event(NamedTuple):
    at: int
    event_id: str
    line: int
    topic: str
    arrival: int
    raw: bytes


def run(path: Path, terms: Terms, started: Callable[[int], None], done: Callable[[int], None]) -> Result:
    """Read and replay a file. `started` is told the number of events, `done` how many more went through.

    Raises OSError, EOFError (a broken packed file).
    """
    events, mistakes = _read(path)
    started(len(events))
    local = Local(terms._replace(reject_share=1.0))
    for number, event in enumerate(sorted(events), start=1):
        local.pass_time(event.at)
        local.feed(event.topic, event.raw, event.arrival)
        if number % REFRESH_LINES == 0:
            done(REFRESH_LINES)
    return _result(local, len(events), mistakes, max((event.at for event in events), default=0))


def _read(path: Path) -> tuple[list[_Event], list[Mistake]]:
    events: list[_Event] = []
    mistakes: list[Mistake] = []
    with opened(path) as source:
        for line, raw in lines(source.content):
            if not raw.strip():
                continue
            event = decode(raw)
            if isinstance(event, Rejected):
                mistakes.append(Mistake(line, event.reason.value, event.detail))
                continue
            arrival = event.at if event.received is None else event.received
            events.append(_Event(event.at, event.event_id, line, _topic(event.type), arrival, raw))
    return events, mistakes


def _topic(kind: str) -> str:
    if kind in FEEDBACK_TYPES:
        return topics.SALES_FEEDBACK
    return topics.LEAD_ACTIVITIES if kind == RETRACTION else topic_of(kind)


def _result(local: Local, events: int, mistakes: list[Mistake], end: int) -> Result:
    told = [transition.decode(effect.value or b"") for effect in local.outputs.get(topics.LEAD_TRANSITIONS, [])]
    moves = [move for move in told if move is not None]
    reached: dict[str, set[str]] = defaultdict(set)
    for move in moves:
        reached[move.to_stage].add(move.lead_key)
    refused = Counter(mistake.reason for mistake in mistakes)
    for effect in local.outputs.get(topics.DEAD_LETTERS, []):
        headers = Headers.decode(effect.headers)
        refused[headers.reason.value if headers else "unknown"] += 1
    leads: Counter[str] = Counter()
    for shard in local.shards:
        for (_, stage), number in shard.population.items():
            leads[stage] += number
    for other in ("alias", "account"):
        leads.pop(other, None)
    return Result(
        events,
        {stage.word: len(reached[stage.word]) for stage in Stage if stage.word in reached},
        {stage: number for stage, number in leads.items() if number},
        [move for move in moves if move.handoff_id is not None],
        dict(refused),
        mistakes,
        end,
    )
