"""One model over events through the workers' own core: what it would have told, and where everybody stands.

Kins are replayed one after the other, each in the order in which things happened; leads of different kins never
meet, so nothing but the speed depends on that. Pure: events, terms and an end in, a result out.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from schemas.dead_letter import Headers, Rejected
from schemas.event import ANSWERS
from streams import topics, transition
from streams.analysis.source import AS_NEW, ERASURE, Event, kins
from streams.changes import Effect
from streams.clock import SWEEP_KEY
from streams.identity import link
from streams.identity.keys import Secret, lead_keys
from streams.lane.record import Record
from streams.scoring.event import decode
from streams.scoring.lead import Stage
from streams.scoring.qualification import missing
from streams.scoring.score import score
from streams.scoring.standing import Standing
from streams.shard import Shard, Terms
from streams.transition import Transition

TAKE: Final = 2_000
"""Events between two takes; when the table is taken does not matter."""
LATEST: Final = "\U0010ffff"
OUT: Final = ("own", "competitor")
"""Blocks whose leads are in no report: tests, agencies, our own people, competitors."""


class Answer(NamedTuple):
    """What sales said of somebody. `amount` as it was given, a number or a text."""

    person: str
    at: int
    event_id: str
    kind: str
    handoff: str | None
    reason: str | None
    amount: object
    currency: str | None


class Held(NamedTuple):
    """A marketing-qualified lead at the end, and what keeps it from sales: codes, and words."""

    person: str
    since: int
    score: float
    codes: tuple[str, ...]
    words: str


class Trial(NamedTuple):
    """What came of the events under one model. Everybody is named by one key; `out` are the keys that no report
    counts, `leads` the persons at the end by stage, aliases and visitors among them."""

    told: list[Transition]
    answers: list[Answer]
    held: list[Held]
    out: frozenset[str]
    leads: dict[str, int]
    refused: Counter[str]
    refused_lines: list[tuple[int, str, str]]
    outcomes: Counter[str]
    events: int


class Passage:
    """Events on their way through a shard."""

    def __init__(self, terms: Terms, end: int, advance: Callable[[int], None]) -> None:
        self.shard = Shard(0, 1, terms._replace(exactly_once=True, reject_share=1.0))
        self.told: list[Transition] = []
        self.dead: list[tuple[int, str, str]] = []
        self._end = end
        self._advance = advance
        self._batch: list[Record] = []
        self._topic = topics.WEB_VISITS
        self._since_take = 0

    def run(self, kin: list[Event]) -> None:
        """The events of one kin, in order."""
        seen: set[int] = set()
        for event in kin:
            if event.way and event.way not in seen:  # it may join identities: that is carried out before the next
                self._settle()
                self._put(event)
                if self._settle():
                    seen.clear()
                if event.way != AS_NEW:
                    seen.add(event.way)
            else:
                self._put(event)

    def _put(self, event: Event) -> None:
        topic = topics.SALES_FEEDBACK if event.answer else topics.WEB_VISITS
        if topic != self._topic or len(self._batch) >= TAKE:
            self._apply()
            self._topic = topic
        self._batch.append(Record(topic, 0, event.line, event.arrival, b"", event.raw, []))

    def _apply(self) -> None:
        if self._batch:
            self.shard.apply(self._topic, self._batch)
            self._advance(len(self._batch))
            self._since_take += len(self._batch)
            self._batch = []
        if self._since_take >= TAKE:
            self._deliver()

    def _settle(self) -> bool:
        """Carry out what the leads of a kin owe each other; whether there was anything."""
        self._apply()
        return self.shard.pending > self._since_take and self._deliver()

    def _deliver(self) -> bool:
        """Pass on what is owed until nothing is; whether there was anything."""
        found = False
        while forwards := self._take():
            found = True
            self._pass_on(forwards)
        return found

    def _take(self) -> list[Effect]:
        """Note what was told; what leads owe each other is still to be passed on."""
        changes = self.shard.take()
        self.shard.confirm()
        self._since_take = 0
        forwards: list[Effect] = []
        for effect in changes.effects:
            if effect.topic == topics.LEAD_TRANSITIONS:
                told = transition.decode(effect.value or b"")
                if told is not None:
                    told.history = []
                    self.told.append(told)
            elif effect.topic == topics.LEAD_FORWARDS and effect.key != SWEEP_KEY:
                forwards.append(effect)
            elif effect.topic == topics.DEAD_LETTERS:
                self._note_dead(effect)
        return forwards

    def _note_dead(self, effect: Effect) -> None:
        known = Headers.decode(effect.headers)
        if known is not None:
            self.dead.append((known.source_offset, known.reason.value, known.detail))

    def _pass_on(self, forwards: list[Effect]) -> None:
        records = [Record(topics.LEAD_FORWARDS, 0, 0, self._end, f.key, f.value, []) for f in forwards]
        self.shard.apply(topics.LEAD_FORWARDS, records)
        self._since_take += len(records)

    def deliver(self) -> None:
        """Apply what waits and carry out what follows; time does not pass."""
        self._apply()
        self._deliver()

    def finish(self) -> None:
        """Let time pass up to the end: what only time brings happens at its own instant."""
        self.deliver()
        self.shard.issue_ticks(self._end)
        while self._deliver():
            self.shard.issue_ticks(self._end)


def run(events: list[Event], terms: Terms, end: int, advance: Callable[[int], None]) -> Trial:
    """The trial of one model; `advance` is told how many more events went through."""
    passage = Passage(terms, end, advance)
    for kin in kins(events):
        passage.run(kin)
    passage.finish()
    shard = passage.shard
    person = Persons(shard)
    told = passage.told
    for one in told:
        one.lead_key = person.of(one.lead_key)
    spoken = {one.handoff_id: one.lead_key for one in told if one.handoff_id is not None}
    answers = [_addressed(answer, spoken, person) for answer in _answers(events, terms.secret)]
    standings = list(_standings({one.lead_key for one in told}, shard, end))
    dead = passage.dead
    return Trial(
        told,
        sorted(answers, key=lambda answer: (answer.at, answer.event_id)),
        [kept for standing in standings if (kept := held(standing)) is not None],
        frozenset(s.key for s in standings if any(name in s.blocks for name in OUT)),
        _leads(shard),
        Counter(reason for _, reason, _ in dead),
        dead,
        _outcomes(shard),
        len(events),
    )


class Persons:
    """Whose key a key is in the end."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    def of(self, key: str) -> str:
        for _ in range(8):  # hops that links between identities can explain
            lead = self._shard.table.get(key)
            target = link.target(key, lead) if lead is not None else None
            if target is None:
                break
            key = target
        return key


def _answers(events: list[Event], secret: Secret) -> Iterator[Answer]:
    seen: set[str] = set()
    for event in events:
        if not event.answer or event.event_id in seen:
            continue
        seen.add(event.event_id)
        found = decode(event.raw)
        if isinstance(found, Rejected) or found.type not in ANSWERS or found.type == ERASURE:
            continue
        keys = lead_keys(found.email, found.user_id, found.anonymous_id, secret)
        if keys:
            said = (found.type, found.handoff_id, found.reason, found.amount, found.currency)
            yield Answer(keys[0], found.at, found.event_id, *said)


def _addressed(answer: Answer, spoken: dict[str, str], person: Persons) -> Answer:
    """An answer belongs to the lead whose handoff it names, else to whom it names."""
    return answer._replace(person=spoken.get(answer.handoff or "") or person.of(answer.person))


def _standings(keys: set[str], shard: Shard, end: int) -> Iterator[Standing]:
    for key in sorted(keys):
        lead = shard.table.get(key)
        if lead is not None:
            yield Standing(lead, shard.model, end, LATEST, lead.state, key)


def held(s: Standing) -> Held | None:
    if s.state.stage != Stage.MQL or s.model.source.handoff.stage == "mql":
        return None
    found = missing(s)
    codes = tuple(dict.fromkeys(one.name if one.code == "block" else one.code for one in found))
    total = score(s.lead, s.model, s.at, s.upto, s.state).total
    return Held(s.key, s.state.at, round(total, 1), codes, transition.held_because(s) or "")


def _outcomes(shard: Shard) -> Counter[str]:
    """What became of the events themselves; not of what leads told each other."""
    found: Counter[str] = Counter()
    for name, number in shard.counts.items():
        if name[0] == "event" and name[1] != topics.LEAD_FORWARDS and number:
            found[str(name[2])] += number
    return found


def _leads(shard: Shard) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for (kind, stage), number in shard.population.items():
        if kind != "company":
            counts[stage] += number
    return {stage: number for stage, number in counts.items() if number}
