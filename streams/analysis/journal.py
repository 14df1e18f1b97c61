"""Gathering a journal: by running a file through the core, or by reading what a pipeline really told."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from schemas.dead_letter import Headers, Rejected
from schemas.event import ANSWERS
from streams import admin, log, topics, transition
from streams.analysis import parallel, revenue, source
from streams.analysis.backtest import Started
from streams.analysis.parallel import Named
from streams.analysis.report import Journal
from streams.analysis.revenue import ChannelOf
from streams.analysis.source import ERASURE, Source
from streams.analysis.trial import LATEST, OUT, Answer, Held, held
from streams.identity import link
from streams.identity.keys import Secret, lead_keys
from streams.lane.restore import LogReader
from streams.log import Advance
from streams.replay.partition import handoff_of
from streams.scoring.event import decode
from streams.scoring.lead import Lead
from streams.scoring.model import Model
from streams.scoring.standing import Standing
from streams.settings import Settings
from streams.table import ACCOUNT, ALIASED, STAGE_BITS
from streams.transition import Transition

MOST_HOPS: Final = 8


def of_file(
    path: Path,
    models: Sequence[Named],
    secret: Secret,
    channel_of: ChannelOf,
    started: Started,
    advance: Advance,
) -> Journal:
    """What a model would have told of a file of events, and a second one beside it. Raises OSError, EOFError."""
    found = source.from_file(path, lambda total: started(f"reading {path}", total), advance)
    started("replaying", len(models) * len(found.events))
    done, *others = parallel.run(list(found.events), models, secret, found.end, advance).trials
    refused = Counter(mistake.reason for mistake in found.mistakes) + done.refused
    touches = revenue.touches(found.events, done.answers, channel_of)
    told = (done.told, done.answers, done.held, done.out, None, touches)
    shadow = others[0].told if others else None
    return Journal(*told, refused, found.types, done.outcomes["duplicate"], found.first, found.end, shadow)


class _Table(NamedTuple):
    """The score table: whose every key is in the end, who is out, who is held."""

    persons: dict[str, str]
    held: list[Held]
    out: frozenset[str]


def of_log(
    settings: Settings,
    model: Model,
    secret: Secret,
    channel_of: ChannelOf,
    end: int,
    started: Started,
    advance: Advance,
) -> Journal:
    """What the pipeline told, and how its leads stand as of `end` (Unix ms). Raises Unreachable, Refused."""
    count = log.partitions(settings)
    inputs = source.from_log(settings, lambda total: started("reading the events", total), advance)
    started("reading what was told", 0)
    with admin.connect(settings) as client:
        shadowed = bool(admin.partition_counts(client, [topics.LEAD_TRANSITIONS_SHADOW]))
    told, shadow, delivered, refused, table = log.run(_read(settings, count, model, end, shadowed))
    for one in (*told, *shadow):
        one.lead_key = table.persons.get(one.lead_key, one.lead_key)
    handed = {one.handoff_id: one.lead_key for one in told if one.handoff_id is not None}
    answers = list(_answers(inputs, secret, handed, table.persons))
    touches = revenue.touches(inputs.events, answers, channel_of)
    known = (told, answers, table.held, table.out, delivered, touches)
    twice = len(inputs.events) - len({event.event_id for event in inputs.events})
    return Journal(*known, refused, inputs.types, twice, inputs.first, end, shadow or None)


async def _read(
    settings: Settings, count: int, model: Model, end: int, shadowed: bool
) -> tuple[list[Transition], list[Transition], frozenset[str], Counter[str], _Table]:
    told: dict[str, Transition] = {}
    shadow: dict[str, Transition] = {}
    delivered: set[str] = set()
    refused: Counter[str] = Counter()
    records: dict[str, bytes] = {}
    async with log.opened(settings) as reader:
        for number in range(count):
            told |= await _told(reader, topics.LEAD_TRANSITIONS, number)
            if shadowed:
                shadow |= await _told(reader, topics.LEAD_TRANSITIONS_SHADOW, number)
            async for batch in reader.read(topics.SALES_HANDOFFS, number):
                delivered |= {handoff_of(record.headers) for record in batch}
            refused += await _refused(reader, number)
            records |= (await log.stored(reader, number)).everything()
    return _sorted(told), _sorted(shadow), frozenset(delivered), refused, _table(records, model, end)


async def _told(reader: LogReader, topic: str, number: int) -> dict[str, Transition]:
    """By its id, as it was told first: at least once, and when a late event comes, it may stand there again."""
    found: dict[str, Transition] = {}
    async for batch in reader.read(topic, number):
        for record in batch:
            one = transition.decode(record.value or b"")
            if one is not None:
                found.setdefault(one.id, one)
    return found


def _sorted(told: dict[str, Transition]) -> list[Transition]:
    return sorted(told.values(), key=lambda one: (one.occurred_at, one.lead_key))


async def _refused(reader: LogReader, number: int) -> Counter[str]:
    found: Counter[str] = Counter()
    async for batch in reader.read(topics.DEAD_LETTERS, number):
        for record in batch:
            known = Headers.decode(record.headers)
            found[known.reason.value if known is not None else "unknown"] += 1
    return found


def _table(records: dict[str, bytes], model: Model, end: int) -> _Table:
    leads = {key: log.lead(key, value) for key, value in records.items() if value[1] & STAGE_BITS != ACCOUNT}
    persons = {key: _person(key, leads) for key in leads}
    standings = [
        Standing(lead, model, end, LATEST, lead.state, key)
        for key, lead in leads.items()
        if records[key][1] & STAGE_BITS != ALIASED
    ]
    out = frozenset(s.key for s in standings if any(name in s.blocks for name in OUT))
    return _Table(persons, [one for s in standings if (one := held(s)) is not None], out)


def _person(key: str, leads: dict[str, Lead]) -> str:
    for _ in range(MOST_HOPS):
        target = link.target(key, leads[key]) if key in leads else None
        if target is None:
            break
        key = target
    return key


def _answers(inputs: Source, secret: Secret, handed: dict[str, str], persons: dict[str, str]) -> Iterable[Answer]:
    """What sales said, each event once, of the person whose handoff it names, else of whom it names."""
    seen: set[str] = set()
    for event in inputs.events:
        if not event.answer or event.event_id in seen:
            continue
        seen.add(event.event_id)
        found = decode(event.raw)
        if isinstance(found, Rejected) or found.type not in ANSWERS or found.type == ERASURE:
            continue
        keys = lead_keys(found.email, found.user_id, found.anonymous_id, secret)
        person = handed.get(found.handoff_id or "") or (persons.get(keys[0], keys[0]) if keys else None)
        if person is not None:
            said = (found.type, found.handoff_id, found.reason, found.amount, found.currency)
            yield Answer(person, found.at, found.event_id, *said)
