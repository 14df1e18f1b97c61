"""One partition number over all source topics: the leads that live there, and what their events cause.

A pure state machine: records in, changes out. The lane carries it over Kafka, `replay` over a log, tests over
lists; all of them get the same answer.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from schemas.dead_letter import Headers, Reason, Rejected
from streams import handoff, order, progress, topics, transition
from streams.changes import Changes, Effect, Halted, Record, Refused
from streams.identity import forward, link, merge
from streams.identity.forward import EventForward
from streams.identity.keys import Secret, lead_keys, partition_of
from streams.lane.record import UNDECODABLE
from streams.progress import Progress
from streams.scoring import application
from streams.scoring import lead as records
from streams.scoring.application import Outcome
from streams.scoring.event import Event, decode, refusal
from streams.scoring.instant import DAY, NEVER, milliseconds
from streams.scoring.lead import TICK, Issued, Lead, Move, Owed, Stage
from streams.scoring.model import Model
from streams.scoring.stage import Handoffs, due, elapse
from streams.table import Table
from streams.transition import Cause

JUDGED: Final = 100
"""Records of a topic before its share of refused ones is judged."""
WINDOW: Final = 1_000
"""Records after which older ones weigh half in that judgement."""
MOST_KNOWN: Final = 100_000
"""Identities whose keys are remembered, to spare the hashing."""
MOST_TICKS: Final = 5_000
"""Ticks issued at once, so that a flush stays small."""
MOST_ALIASES: Final = 200
ERASURE: Final = "lead_erased"


class Terms(NamedTuple):
    """What all partitions of a pipeline agree on."""

    model: Model
    secret: Secret
    pipeline: str = "leadstreams"
    exactly_once: bool = True
    reject_share: float = 0.5
    lead_url: str | None = None


class Shard:
    """Implements `changes.Partition`."""

    def __init__(self, number: int, partitions: int, terms: Terms) -> None:
        self.number = number
        self.partitions = partitions
        self.terms = terms
        self.model = terms.model
        self.table = Table()
        self.counts: dict[tuple[str, ...], int] = {}
        self.waiting: list[int] = []
        delivery = "exactly-once" if terms.exactly_once else "at-least-once"
        self.progress = Progress(
            {}, partitions, delivery, progress.CORE, self.model.hash, terms.secret.fingerprint(), terms.pipeline
        )
        self._found: bytes | None = None
        self._effects: list[Effect] = []
        self._runs: list[order.Run] = []
        self._events = 0
        self._gone: list[tuple[bytes, bytes | None]] = []
        self._owing: list[str] = []
        self._taken_owing: list[str] = []
        self._sweeping = 0
        self._keys: dict[tuple[str | None, str | None, str | None], tuple[list[str], bool]] = {}
        self._judged: dict[str, tuple[float, float]] = {}

    # --- restoring

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one changelog record, in log order."""
        if key == progress.KEY:
            self._found = value
        else:
            self.table.restore(key.decode(), value)

    def restored(self) -> Refused | None:
        """The changelog is read: ready, or refused."""
        if self._found is not None:
            found = progress.decode(self._found)
            refused = found if isinstance(found, Refused) else progress.compare(found, self.progress, self.number)
            if refused is not None or isinstance(found, Refused):
                return refused
            self.progress.offsets, self.progress.swept = found.offsets, found.swept
        later = self.table.restored()
        if later is not None:
            return Refused(f"partition {self.number} holds records of format {later}: upgrade this worker")
        if not self.terms.exactly_once:
            self._owe_again()
        return None

    def _owe_again(self) -> None:
        """What a former owner may have died before sending is sent again, the same bytes."""
        for key, lead in self.table.owing():
            self._effects += [Effect(o.topic, o.partition, o.key, o.value, o.headers, key) for o in lead.owed]
            self.table.touch(key)

    @property
    def offsets(self) -> dict[str, int]:
        return self.progress.offsets

    @property
    def population(self) -> dict[tuple[str, str], int]:
        """Leads now, by kind of key and stage."""
        return self.table.population

    # --- working

    def apply(self, topic: str, records: Sequence[Record]) -> Halted | None:
        """Apply one batch of one topic, in order; on Halted nothing of it was applied."""
        if topic == topics.LEAD_TRANSITIONS:
            for record in records:
                self._hand_over(record)
        elif topic == topics.LEAD_FORWARDS:
            for record in records:
                self._receive(record)
        else:
            halted = self._score(topic, records)
            if halted is not None:
                return halted
        self._advance(topic, records[0].offset, records[-1].offset + 1)
        self._events += len(records)
        return None

    def _advance(self, topic: str, first: int, following: int) -> None:
        if self._runs and self._runs[-1].topic == topic:
            first = self._runs.pop().first
        self._runs.append(order.Run(topic, first, following))
        self.progress.offsets[topic] = following

    def _score(self, topic: str, batch: Sequence[Record]) -> Halted | None:
        events: list[tuple[Record, Event | Rejected, int]] = []
        refused = 0
        for record in batch:
            event, arrival = _read(record, topic)
            if type(event) is Rejected:
                refused += 1
            events.append((record, event, arrival))
        halted = self._judge(topic, batch, refused, events)
        if halted is not None:
            return halted
        scored = 0
        for record, event, arrival in events:
            if isinstance(event, Rejected):
                self._reject(record, event)
                continue
            keys, ours = self._identify(event)
            if not keys:
                self._count("event", topic, "nobody")
            elif event.type == ERASURE and event.source_kind == "browser":
                self._reject(record, Rejected(Reason.FORBIDDEN_LINK, "lead_erased: not taken from a browser"))
            elif ours:
                outcome = self._apply(keys, event, arrival, record, 0, keys[0])
                if outcome is Outcome.SCORED:
                    scored += 1
                else:
                    self._count("event", topic, outcome)
            else:
                self._pass_on(keys[0], record, arrival, 0, keys[0])
                self._count("event", topic, Outcome.FORWARDED)
        if scored:
            self._count("event", topic, Outcome.SCORED, by=scored)
        return None

    def _judge(
        self, topic: str, batch: Sequence[Record], refused: int, events: list[tuple[Record, Event | Rejected, int]]
    ) -> Halted | None:
        """Stop before a bad deploy drains a topic into dead letters."""
        seen, bad = self._judged.get(topic, (0.0, 0.0))
        seen, bad = seen + len(batch), bad + refused
        if refused and seen >= JUDGED and bad / seen > self.terms.reject_share:
            reasons = sorted({str(e.reason) for _, e, _ in events if isinstance(e, Rejected)})
            message = (
                f"{topic}[{self.number}] stopped at offset {batch[0].offset}: {bad / seen:.0%} of its last "
                f"{seen:.0f} records are refused ({', '.join(reasons)}). Mend the producer and restart the worker; to "
                "let them all go to dead-letters, restart it with LEADSTREAMS_REJECT_SHARE=1"
            )
            return Halted(topic, batch[0].offset, message)
        weight = 0.5 if seen > WINDOW else 1.0
        self._judged[topic] = (seen * weight, bad * weight)
        return None

    def _identify(self, event: Event) -> tuple[list[str], bool]:
        """The keys of an event, the lead's first, and whether that one lives here."""
        identity = (event.email, event.user_id, event.anonymous_id)
        found = self._keys.get(identity)
        if found is None:
            keys = lead_keys(*identity, self.terms.secret)
            found = keys, bool(keys) and partition_of(keys[0], self.partitions) == self.number
            if len(self._keys) >= MOST_KNOWN:
                self._keys.clear()
            self._keys[identity] = found
        if event.previous_id:
            previous = lead_keys(None, event.previous_id, event.previous_id, self.terms.secret)
            return [*found[0], *(key for key in previous if key not in found[0])], found[1]
        return found

    def _apply(
        self,
        keys: list[str],
        event: Event,
        arrival: int,
        record: Record,
        hops: int,
        key: str,
        via: str | None = None,
    ) -> Outcome:
        """Apply an event to the lead that `key` names, wherever that is by now."""
        lead = self.table.get(key)
        while lead is not None and (target := link.target(key, lead)) is not None:
            if lead.arrival + DAY < arrival:  # in use; noted once a day at most
                lead.arrival = arrival
                self.table.touch(key)
            if partition_of(target, self.partitions) != self.number or hops >= forward.MOST_HOPS:
                self._pass_on(target, record, arrival, hops + 1, via or keys[0])
                return Outcome.FORWARDED
            key, hops = target, hops + 1
            lead = self.table.get(key)
        if event.type == ERASURE:
            return self._erase(key, lead, event, arrival)
        if lead is None:
            lead = self.table.create(key)
        before = lead.moves[-1] if lead.moves else None
        position = lead.position
        handoffs = Handoffs(key, self.terms.pipeline)
        place = self._via(lead, key, via or keys[0])
        outcome = application.apply(lead, event, arrival, place, self.model, handoffs)
        if outcome is Outcome.DUPLICATE:
            return outcome
        self.table.touch(key)
        if len(keys) > 1 or keys[0] != key:
            self._link(key, lead, keys, event, arrival)
        after = lead.moves[-1] if lead.moves else None
        if after is not before:
            late = (event.at, event.event_id) < position
            cause = Cause(event.event_id, event.type, arrival, late, _traceparent(record))
            self._announce(key, lead, before, cause, handoffs)
        return outcome

    def _via(self, lead: Lead, key: str, via: str) -> int:
        if via == key:
            return 0
        if via not in lead.via:
            lead.via.append(via)
        return lead.via.index(via) + 1

    # --- telling what happened

    def _announce(self, key: str, lead: Lead, before: Move | None, cause: Cause, handoffs: Handoffs) -> None:
        """Owe a transition for every move that was not told yet; a handoff is issued with it, once per cycle."""
        if cause.late:
            moves = _climb(lead)
        else:
            start = 0 if before is None else lead.moves.index(before) + 1 if before in lead.moves else 0
            moves = lead.moves[start:]
        for move in moves:
            issued = self._issue(lead, move, handoffs)
            if move.stage == lead.said and move.cycle == lead.said_cycle and issued is None:
                continue
            caused = cause if move.id != TICK else Cause(TICK, transition.TIME, cause.arrival, cause.late)
            told = transition.tell(lead, key, move, lead.said, caused, self.model, issued)
            value = transition.encode(told)
            self._effects.append(Effect(topics.LEAD_TRANSITIONS, self.number, key.encode(), value, (), key))
            self._count("transition", told.from_stage, told.to_stage)
            lead.said, lead.said_cycle = int(move.stage), move.cycle

    def _issue(self, lead: Lead, move: Move, handoffs: Handoffs) -> str | None:
        """The handoff that a move opens, if it was not issued before."""
        if not move.open or move.cycle <= max((i.cycle for i in lead.issued), default=0):
            return None
        handoff_id = handoffs.id(move.cycle)
        if handoff_id not in move.open:
            return None
        lead.issued = [*lead.issued, Issued(move.at, move.id, handoff_id, move.cycle)][-application.MOST_FACTS :]
        return handoff_id

    def _hand_over(self, record: Record) -> None:
        """The handoff agent: a transition that hands a lead over becomes one event for sales."""
        told = transition.decode(record.value or b"")
        if told is None:
            self._reject(record, Rejected(Reason.BAD_JSON, "expected a transition"))
            return
        mode = self.model.source.handoff.mode
        owed = handoff.effect(told, self.terms.pipeline, self.terms.lead_url, mode, self.number)
        if owed is not None:
            self._effects.append(owed)
            self._count("handoff", "sql" if mode == "live" else mode)
            self.waiting.append(milliseconds(told.arrived_at))

    # --- identity

    def _link(self, key: str, lead: Lead, keys: list[str], event: Event, arrival: int) -> None:
        """Tell the weaker identities of an event whose they are, once."""
        for weaker in keys:
            if weaker == key or weaker in lead.aliases:
                continue
            lead.aliases = sorted([*lead.aliases, weaker])[-MOST_ALIASES:]
            same = tuple(name for name in (*keys, *lead.aliases) if name not in (key, weaker))
            trusted = event.source_kind != "browser"
            said = forward.Link(key, event.at, event.event_id, trusted, arrival, same)
            self._send(weaker, said, key)

    def _send(self, to: str, message: forward.Forward, lead: str | None) -> None:
        partition = partition_of(to, self.partitions)
        value = forward.encode(message)
        self._effects.append(Effect(topics.LEAD_FORWARDS, partition, to.encode(), value, (), lead))

    def _pass_on(self, key: str, record: Record, arrival: int, hops: int, via: str) -> None:
        """Send an event on to where its lead lives."""
        origin = forward.decode(record.value) if record.topic == topics.LEAD_FORWARDS else None
        if hops > forward.MOST_HOPS:
            self._reject(record, Rejected(Reason.TOO_MANY_HOPS, f"passed on {hops} times"))
        elif isinstance(origin, EventForward):
            again = EventForward(origin.topic, origin.partition, origin.offset, arrival, hops, origin.raw, via)
            self._send(key, again, None)
        else:
            first = EventForward(
                record.topic, record.partition, record.offset, arrival, hops, record.value or b"", via
            )
            self._send(key, first, None)

    def _receive(self, record: Record) -> None:
        """One record of `lead-forwards`."""
        message = forward.decode(record.value)
        if message is None or record.key is None:
            self._reject(record, Rejected(Reason.BAD_FORWARD, "expected a forward of this version"))
            return
        key = record.key.decode()
        match message:
            case EventForward():
                self._receive_event(key, message, record)
            case forward.Link():
                self._receive_link(key, message)
            case forward.Merge():
                self._receive_merge(key, message)
            case forward.Erase():
                self._receive_erasure(key, message)
            case forward.Tick():
                self._tick(key, message.due, record)
            case forward.Sweep():
                self._gone += self.table.sweep(message.at)
                self.progress.swept = max(self.progress.swept, message.at)
        self._count("event", topics.LEAD_FORWARDS, type(message).__name__.lower())

    def _receive_event(self, key: str, message: EventForward, record: Record) -> None:
        event = decode(message.raw)
        if isinstance(event, Rejected):
            self._reject(record, event)
            return
        keys, _ = self._identify(event)
        outcome = self._apply(keys, event, message.arrival, record, message.hops, key, message.via)
        self._count("event", message.topic, outcome)

    def _receive_link(self, key: str, said: forward.Link) -> None:
        """Somebody says whose this key is."""
        lead = self.table.get(key) or self.table.create(key)
        before = link.target(key, lead)
        if not link.claim(key, lead, said):
            self._count("event", topics.LEAD_FORWARDS, "link_refused")
            return
        lead.arrival = max(lead.arrival, said.arrival)
        self.table.touch(key)
        for larger, smaller in link.same_person(key, lead):
            self._send(larger, forward.Link(smaller, said.at, said.id, True, said.arrival, (key,)), key)
        target = link.target(key, lead)
        if target is None or target == before:
            return
        for alias in lead.aliases:
            self._send(alias, forward.Link(target, said.at, said.id, True, said.arrival, (key,)), key)
        if merge.content(lead):
            blank = Lead(claims=lead.claims, arrival=lead.arrival, erased=lead.erased)
            lead.claims, lead.owed = {}, []
            moved = forward.Merge(key, said.at, said.id, said.arrival, 0, records.encode(lead, 0, 0, 0))
            self._send(target, moved, key)
            self.table.replace(key, blank)

    def _receive_merge(self, key: str, message: forward.Merge) -> None:
        """Another record of this person arrives."""
        lead = self.table.get(key)
        target = link.target(key, lead) if lead is not None else None
        if target is not None:
            if message.hops < forward.MOST_HOPS:
                message.hops += 1
                self._send(target, message, None)
            return
        if lead is None:
            lead = self.table.create(key)
        other = records.decode(message.record)
        if other.clock and other.clock <= lead.erased:
            return
        before = lead.moves[-1] if lead.moves else None
        position = lead.position
        handoffs = Handoffs(key, self.terms.pipeline)
        merge.merge(lead, key, other, message.source, (message.at, message.id), self.model, handoffs)
        if message.source not in lead.aliases:
            lead.aliases = sorted([*lead.aliases, message.source])[-MOST_ALIASES:]
        self.table.touch(key)
        late = (message.at, message.id) < position
        cause = Cause(message.id, "identities_linked", message.arrival, late)
        self._announce(key, lead, before, cause, handoffs)

    def _erase(self, key: str, lead: Lead | None, event: Event, arrival: int) -> Outcome:
        """Forget a person: what remains denies events up to the erasure, and keeps the last cycle."""
        for alias in lead.aliases if lead is not None else ():
            self._send(alias, forward.Erase(key, event.at, arrival), key)
        self._forget(key, lead, event.at, arrival)
        return Outcome.SCORED

    def _receive_erasure(self, key: str, message: forward.Erase) -> None:
        lead = self.table.get(key)
        if lead is not None and (not lead.claims or message.target in lead.claims):
            self._forget(key, lead, message.at, message.arrival)

    def _forget(self, key: str, lead: Lead | None, at: int, arrival: int) -> None:
        cycle = lead.state.cycle if lead is not None else 0
        stub = Lead(erased=max(at, lead.erased if lead is not None else NEVER), arrival=arrival)
        if cycle:
            stub.moves = [Move(stub.erased, TICK, Stage.VISITOR, cycle, stub.erased, NEVER, ())]
            stub.said_cycle = cycle
        self.table.replace(key, stub)

    # --- time

    @property
    def next_due(self) -> int | None:
        """When time next has something to do here (Unix ms)."""
        timer = self.table.next_timer
        if not len(self.table):
            return None
        sweep = (self.progress.swept // DAY + 1) * DAY
        return sweep if timer is None else min(sweep, timer + self.model.lateness)

    def issue_ticks(self, horizon: int) -> None:
        """Owe a tick for each timer due before `horizon` less the model's lateness, and the daily sweep."""
        today = horizon // DAY * DAY
        if today > max(self.progress.swept, self._sweeping):
            self._sweeping = today
            value = forward.encode(forward.Sweep(today))
            self._effects.append(Effect(topics.LEAD_FORWARDS, self.number, b"sweep", value))
        before = horizon - self.model.lateness
        for _ in range(MOST_TICKS):
            key = self.table.pop_timer(before)
            if key is None:
                return
            lead = self.table.get(key)
            at = due(lead, self.model) if lead is not None and link.target(key, lead) is None else NEVER
            if at == NEVER:
                continue
            if at >= before:
                self.table.set_timer(at, key)
                continue
            value = forward.encode(forward.Tick(at))
            self._effects.append(Effect(topics.LEAD_FORWARDS, self.number, key.encode(), value))

    def _tick(self, key: str, at: int, record: Record) -> None:
        """A timer fires, unless it is stale or comes from a clock that runs ahead of the broker's."""
        lead = self.table.get(key)
        if lead is None:
            return
        if at > record.timestamp:
            self.table.set_timer(at, key)
            return
        before = lead.moves[-1] if lead.moves else None
        elapse(lead, at, self.model)
        if lead.moves and lead.moves[-1] is not before:
            lead.clock, lead.clock_id = max(lead.position, (at, TICK))
            cause = Cause(TICK, transition.TIME, record.timestamp)
            self._announce(key, lead, before, cause, Handoffs(key, self.terms.pipeline))
        self.table.touch(key)

    # --- giving out

    @property
    def pending(self) -> int:
        return self._events + len(self._effects)

    def take(self) -> Changes:
        """Everything since the last take, in one synchronous step."""
        if not self.terms.exactly_once:
            self._remember_debts()
        table = [*self._gone, *self.table.take(self.model)]
        meta = (progress.KEY, progress.encode(self.progress))
        runs = order.encode(self._runs) if self._runs else None
        changes = Changes(table, meta, runs, self._effects, dict(self.progress.offsets), self._events)
        self._gone, self._effects, self._runs, self._events = [], [], [], 0
        return changes

    def _remember_debts(self) -> None:
        """At least once: a record says what its changes owe, until that is known to be sent."""
        for key in self._taken_owing:
            lead = self.table.get(key)
            if lead is not None:
                lead.owed = []
                self.table.touch(key)
        self._taken_owing = []
        for effect in self._effects:
            lead = self.table.get(effect.lead) if effect.lead is not None else None
            if lead is not None and effect.lead is not None:
                owed = Owed(effect.topic, effect.partition, effect.key, effect.value, effect.headers)
                if owed not in lead.owed:
                    lead.owed = [*lead.owed, owed]
                self.table.touch(effect.lead)
                self._owing.append(effect.lead)

    def confirm(self) -> None:
        """The last take is durable: its debts are paid."""
        self._taken_owing += self._owing
        self._owing = []

    def _reject(self, record: Record, why: Rejected) -> None:
        """A dead letter: the raw bytes, and in headers why and where from."""
        source = (record.topic, record.partition, record.offset, record.timestamp)
        headers = Headers(why.reason, why.detail, *source).encode()
        self._effects.append(Effect(topics.DEAD_LETTERS, self.number, record.key, record.value, headers))
        self._count("dead_letter", why.reason)
        self._count("event", record.topic, Outcome.REJECTED)

    def _count(self, *name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by


Make = Callable[[int, int], Shard]


def _read(record: Record, topic: str) -> tuple[Event | Rejected, int]:
    """The event of a record and its arrival: `received_at`, unless the log knows better."""
    if record.headers:
        for name, value in record.headers:
            if name == UNDECODABLE:
                return Rejected(Reason.UNDECODABLE_BATCH, f"offsets {value.decode()}"), record.timestamp
    event = decode(record.value)
    if isinstance(event, Rejected):
        return event, record.timestamp
    received = event.received
    arrival = record.timestamp if received is None or received > record.timestamp else received
    return refusal(event, topic, arrival) or event, arrival


def _traceparent(record: Record) -> str | None:
    return next((value.decode() for name, value in record.headers if name == "traceparent"), None)


def _climb(lead: Lead) -> list[Move]:
    """The way from the stage last told to the one that the refolded history ends in."""
    last = lead.state
    if (last.stage, last.cycle) == (lead.said, lead.said_cycle):
        return []
    if last.stage < lead.said or last.cycle < lead.said_cycle:
        return [last]
    between: dict[int, Move] = {}
    for move in lead.moves:
        if (lead.said < move.stage <= last.stage and move.cycle >= lead.said_cycle) or move is last:
            between[move.stage] = move
    return sorted(between.values(), key=lambda move: (move.at, move.stage))
