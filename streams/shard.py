"""One partition number over all source topics: the leads that live there, and what their events cause.

A pure state machine: records in, changes out. The lane carries it over Kafka, `replay` over a log, tests over
lists; all of them get the same answer.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.dead_letter import Headers, Reason, Rejected
from streams import account_message, intake, order, progress, spectrum, topics, trace_context, transition, update
from streams.account import Accounts
from streams.account_agent import AccountAgent
from streams.account_message import Told
from streams.account_report import Reports
from streams.announcement import announce
from streams.breaker import Breaker
from streams.changes import Changes, Durable, Effect, Halted, Own, Record, Refused
from streams.clock import Clock
from streams.identity import forward, link
from streams.identity.directory import Directory
from streams.identity.forward import EventForward
from streams.identity.keys import Secret, partition_of
from streams.kinship import Kinship
from streams.model_document import Document
from streams.model_life import ModelLife
from streams.outbox import Outbox
from streams.progress import Progress
from streams.sales import Sales
from streams.scoring import application, relation
from streams.scoring.application import Outcome
from streams.scoring.event import Event, decode
from streams.scoring.instant import DAY, milliseconds
from streams.scoring.lead import TICK, Lead, Move
from streams.scoring.model import Model
from streams.table import ACCOUNT_KEYS, Table
from streams.transition import Cause, Transition

ERASURE: Final = "lead_erased"
FREQUENT: Final = (topics.WEB_VISITS, topics.EMAIL_ENGAGEMENT)
"""Events that seldom decide: one of these does not hurry on its way to its lead."""
NO_COMPANY: Final = Rejected(
    Reason.BAD_FIELD, "company_domain: expected the domain of a company, from another source than a browser"
)


class Terms(NamedTuple):
    """What all partitions of a pipeline agree on. `model` is what a new partition begins with."""

    model: Model
    secret: Secret
    exactly_once: bool = True
    reject_share: float = 0.5
    lead_url: str | None = None

    @property
    def delivery(self) -> str:
        return "exactly-once" if self.exactly_once else "at-least-once"


class Shard:
    """Implements `changes.Partition`."""

    def __init__(self, number: int, partitions: int, terms: Terms) -> None:
        self.number = number
        self.own = Own()
        self.partitions = partitions
        self.terms = terms
        self.model = terms.model
        self.table = Table()
        self.counts: dict[tuple[str, ...], int] = {}
        self.waiting: list[tuple[int, int]] = []
        fingerprint = terms.secret.fingerprint()
        self.progress = Progress(
            {}, partitions, terms.delivery, progress.CORE, self.model.hash, fingerprint, self.model.pipeline
        )
        self._routes = self.model.source.routing is not None
        self._found: bytes | None = None
        self._life = ModelLife(self.model)
        self._outbox = Outbox(self.table, terms.exactly_once)
        self._accounts = Accounts(self.table, self._outbox, partitions, self._announce)
        self._reports = Reports(self._outbox, partitions)
        self._kinship = Kinship(
            self.table, self._outbox, self._accounts, self._reports, partitions, self.model, self._announce
        )
        self._agent = AccountAgent(self.table)
        self._sales = Sales(self._outbox, self._agent, partitions, terms.lead_url)
        self._breaker = Breaker(terms.reject_share)
        self._runs: list[order.Run] = []
        self._events = 0
        self._gone: list[tuple[bytes, bytes | None]] = []
        self._durable: dict[str, int] = {}
        self._on_its_way: dict[str, int] | None = None
        self._clock = Clock(self.table, self._outbox, number)
        self._directory = Directory(terms.secret, partitions, number)

    # --- restoring

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one changelog record, in log order."""
        if key == progress.KEY:
            self._found = value
        elif key in progress.OWN:
            self._life.restore(key, value or b"")
        else:
            self.table.restore(key.decode(), value)

    def restored(self) -> Refused | None:
        """The changelog is read: ready, or refused."""
        if self._found is not None:
            found = progress.decode(self._found)
            if isinstance(found, Refused):
                return found
            refused = progress.compare(found, self.progress, self.number)
            if refused is not None:
                return refused
            self.progress.offsets, self.progress.swept = found.offsets, found.swept
            self._durable = dict(found.offsets)
        unfit = self._life.restored()
        if unfit is not None:
            return Refused(f"partition {self.number}: {unfit.message}")
        self._judge_by(self._life.model)
        later = self.table.restored()
        if later is not None:
            return Refused(f"partition {self.number} holds records of format {later}: upgrade this worker")
        self._outbox.restored()
        self._accounts.restored()
        return None

    @property
    def offsets(self) -> dict[str, int]:
        return self.progress.offsets

    @property
    def population(self) -> dict[tuple[str, str], int]:
        """Leads now, by kind of key and stage."""
        return self.table.population

    @property
    def held(self) -> tuple[int, int]:
        """Bytes of all records as the changelog has them, and how many records the next take writes."""
        return self.table.size, self.table.dirty

    # --- working

    def apply(self, topic: str, records: Sequence[Record], again: bool = False) -> Halted | None:
        """Apply one batch of one topic, in order; on Halted nothing of it was applied. `again`: not judged."""
        if topic == topics.LEAD_FORWARDS:
            self._life.examine(records)
        if self._life.unfit is not None:
            return Halted(topic, records[0].offset, self._life.unfit)
        if topic == topics.LEAD_TRANSITIONS:
            for record in records:
                self._hand_over(record)
        elif topic == topics.ACCOUNT_ACTIVITIES:
            for record in records:
                self._keep_account(record)
        elif topic == topics.LEAD_FORWARDS:
            for record in records:
                self._receive(record)
        else:
            halted = self._score(topic, records, again)
            if halted is not None:
                return halted
        self._advance(topic, records)
        return None

    def refuse(self, topic: str, record: Record, detail: str) -> None:
        """In place of applying a record at which the core fails: a dead letter, and the next offset."""
        self._reject(record, Rejected(Reason.SCORING_ERROR, detail))
        self._advance(topic, [record])

    def _advance(self, topic: str, records: Sequence[Record]) -> None:
        """The records have had their turn: next offset and order of application."""
        first, following = records[0].offset, records[-1].offset + 1
        if self._runs and self._runs[-1].topic == topic and self._runs[-1].following <= first:
            first = self._runs.pop().first
        self._runs.append(order.Run(topic, first, following))
        self.progress.offsets[topic] = following
        if not self.progress.swept:  # no sweep on the first day, amid an import of history
            self.progress.swept = records[0].timestamp // DAY * DAY
        self._events += len(records)

    def _score(self, topic: str, batch: Sequence[Record], again: bool) -> Halted | None:
        """The scoring agent: events and feedback to the leads' records."""
        events, refused = intake.read(topic, batch)
        why = None if again else self._breaker.judge(topic, len(batch), len(refused))
        if why is not None:
            return intake.halted(topic, batch[0], why, refused)
        scored = 0
        known, apply = self._directory.known, self._apply
        feedback = topic == topics.SALES_FEEDBACK
        for record, event, arrival in events:
            if isinstance(event, Rejected):
                self._reject(record, event)
                continue
            found = known.get((event.email, event.user_id, event.anonymous_id))
            keys, ours = self._directory.find(event) if found is None or event.previous_id else found
            spread = feedback and self._accounts.spread(event, arrival, self.model)
            if ours:
                outcome = apply(keys, event, arrival, record, 0, keys[0], keys[0])
            elif keys:
                self._pass_on(keys[0], record, arrival, 0, keys[0])
                outcome = Outcome.FORWARDED
            elif spread:
                outcome = Outcome.FORWARDED
            elif event.type == relation.EVENT:
                self._reject(record, NO_COMPANY)
                continue
            else:
                outcome = Outcome.NOBODY
            if outcome is Outcome.SCORED:
                scored += 1
                if feedback:
                    self._count("feedback", event.type)
            else:
                self._count("event", topic, outcome)
        self._count("event", topic, Outcome.SCORED, by=scored)
        return None

    def _apply(
        self, keys: list[str], event: Event, arrival: int, record: Record, hops: int, key: str, via: str
    ) -> Outcome:
        """Apply an event to the lead that `key` names, wherever that is by now; `via`: how it was addressed."""
        lead = self.table.get(key)
        while lead is not None and lead.claims and (target := link.target(key, lead)) is not None:
            if event.at <= lead.erased and event.type != ERASURE:
                return Outcome.ERASED
            if lead.arrival + DAY < arrival:  # in use; noted once a day at most
                lead.arrival = arrival
                self.table.touch(key)
            hops += 1
            if hops > forward.MOST_HOPS or partition_of(target, self.partitions) != self.number:
                self._pass_on(target, record, arrival, hops, via)
                return Outcome.FORWARDED
            key, lead = target, self.table.get(target)
        if event.type == ERASURE:
            return self._erase(key, keys, lead, event, arrival, record)
        if lead is None:
            lead = self.table.create(key)
        before = lead.moves[-1] if lead.moves else None
        clock, clock_id = lead.clock, lead.clock_id
        # What is known of the lead's company has to be known when the event is judged.
        news = self._accounts.meet(key, lead, event, self.model) if self._accounts else ()
        outcome = application.apply(lead, key, event, arrival, via, self.model)
        if outcome is not Outcome.SCORED:
            return outcome
        self.table.touch(key)
        if news:
            relation.follow(lead, key, news, (event.at, event.event_id), arrival, self.model)
        if self._routes and (event.at >= lead.present or event.company_domain is not None):
            self._reports.act(key, lead, event, self.model)
        if len(keys) > 1:
            self._kinship.link(key, lead, keys, event, arrival)
        if lead.moves and lead.moves[-1] is not before:
            late = (event.at, event.event_id) < (clock, clock_id)
            self._announce(
                key, lead, before, Cause(event.event_id, event.type, arrival, late, intake.traceparent(record))
            )
        return outcome

    def _erase(
        self, key: str, keys: list[str], lead: Lead | None, event: Event, arrival: int, record: Record
    ) -> Outcome:
        if event.source_kind == "browser":
            self._reject(record, Rejected(Reason.FORBIDDEN_LINK, "lead_erased: not taken from a browser"))
            return Outcome.REJECTED
        self._tell_erased(key, lead, event, arrival)
        self._kinship.erase(key, keys, lead, event, arrival)
        return Outcome.SCORED

    def _tell_erased(self, key: str, lead: Lead | None, event: Event, arrival: int) -> None:
        """Whoever got a handoff of this person has to erase it too."""
        if lead is not None and self.model.judges:
            for told in update.erased(lead, key, event, arrival, self.model):
                self._tell(key, lead, told)

    def _announce(self, key: str, lead: Lead, before: Move | None, cause: Cause) -> None:
        """Owe a transition for every move that was not told yet."""
        for told in announce(key, lead, before, cause, self.model):
            self._tell(key, lead, told)
            if told.type == "stage_changed":
                self._count("transition", told.from_stage, told.to_stage)
                self._count("score", spectrum.band(told.score))
                for rule in spectrum.fresh(told):
                    self._count("rule", rule)
            else:
                self._count("note", told.type)

    def _tell(self, key: str, lead: Lead, told: Transition) -> None:
        """Owe a transition to whoever reads them, and to the account by which sales hears of it."""
        value = transition.encode(told)
        self._outbox.owe(Effect(topics.LEAD_TRANSITIONS, self.number, key.encode(), value, (), key))
        if told.handoff_id is not None:
            self._outbox.hurry()
        self._reports.tell(key, lead, told)

    def _hand_over(self, record: Record) -> None:
        """The handoff agent: a transition that hands a lead over becomes one event for sales."""
        told = transition.decode(record.value or b"")
        if told is None:
            self._reject(record, Rejected(Reason.BAD_JSON, "expected a transition"))
        elif told.account is None:
            self._give_out(told, None)

    def _keep_account(self, record: Record) -> None:
        """The account agent: what a company's people do; and of their transitions what is for sales."""
        account, said = (record.key or b"").decode(errors="replace"), account_message.decode(record.value)
        told = transition.decode(said.transition) if isinstance(said, Told) else None
        if said is None or not account.startswith(ACCOUNT_KEYS) or (told is None and type(said) is Told):
            self._reject(record, Rejected(Reason.BAD_FORWARD, "expected a message of this version to an account"))
        elif told is not None:
            self._give_out(told, account)
        else:
            self._agent.note(account, said)

    def _give_out(self, told: Transition, account: str | None) -> None:
        if self._sales.give_out(told, self.model, account):
            mode = self.model.source.handoff.mode
            self._count("handoff", "sql" if mode == "live" else mode)
            self.waiting.append((milliseconds(told.occurred_at), milliseconds(told.arrived_at)))

    # --- what other partitions send

    def _pass_on(self, key: str, record: Record, arrival: int, hops: int, via: str) -> None:
        """Send an event on to where its lead lives."""
        if hops > forward.MOST_HOPS:
            self._reject(record, _lost(hops))
            return
        origin = forward.decode(record.value) if record.topic == topics.LEAD_FORWARDS else None
        if isinstance(origin, EventForward):
            source = (origin.topic, origin.partition, origin.offset)
            raw = origin.raw
        else:
            source = (record.topic, record.partition, record.offset)
            raw = record.value or b""
        trace = trace_context.headers(intake.traceparent(record))
        self._kinship.send(key, EventForward(*source, arrival, hops, raw, via), None, trace)
        if source[0] not in FREQUENT:
            self._outbox.hurry()

    def _receive(self, record: Record) -> None:
        """One record of `lead-forwards`."""
        message = forward.decode(record.value)
        if message is None or record.key is None:
            self._reject(record, Rejected(Reason.BAD_FORWARD, "expected a forward of this version"))
            return
        key = record.key.decode()
        outcome = type(message).__name__.lower()
        match message:
            case EventForward():
                self._receive_event(key, message, record)
            case forward.Link():
                if not self._kinship.receive_link(key, message):
                    outcome = "link_refused"
            case forward.Merge():
                if not self._kinship.receive_merge(key, message):
                    self._reject(record, _lost(message.hops))
            case forward.Erase():
                self._kinship.receive_erasure(key, message)
            case forward.Relation():
                self._accounts.receive(message, self.model)
            case forward.Tick():
                self._tick(key, message.due, record.timestamp)
            case forward.Sweep() if message.at <= record.timestamp:  # else its worker's clock runs ahead
                self._gone += self.table.sweep(message.at, self.model)
                self.progress.swept = max(self.progress.swept, message.at)
            case forward.ModelActivated():
                self._activate(message.document, record.timestamp)
        self._count("event", topics.LEAD_FORWARDS, outcome)

    def _receive_event(self, key: str, message: EventForward, record: Record) -> None:
        event = decode(message.raw)
        if isinstance(event, Rejected):
            self._reject(record, event)
            return
        keys, _ = self._directory.find(event)
        outcome = self._apply(keys, event, message.arrival, record, message.hops, key, message.via)
        self._count("event", message.topic, outcome)
        if outcome is Outcome.SCORED and message.topic == topics.SALES_FEEDBACK:
            self._count("feedback", event.type)

    def _activate(self, document: Document, at: int) -> None:
        """Judge by another model from here on; what the same model says again is nothing new."""
        before = self.model
        model = self._life.activate(document, at)
        if model is not None:
            self.table.renew(before)
            self._judge_by(model)

    def _judge_by(self, model: Model) -> None:
        self.model = self._kinship.model = model
        self._routes = model.source.routing is not None
        self.progress.model = model.hash

    # --- time

    @property
    def next_due(self) -> int | None:
        """When time next has something to do here (Unix ms)."""
        return self._clock.next_due(self.progress.swept, self.model)

    def issue_ticks(self, horizon: int) -> None:
        """Owe a tick for each timer due before `horizon` less the model's lateness, and the daily sweep."""
        self._clock.issue(horizon, self.progress.swept, self.model)

    def _tick(self, key: str, at: int, now: int) -> None:
        moved = self._clock.fire(key, at, now, self.model)
        if moved is not None:
            self._announce(key, *moved, Cause(TICK, transition.TIME, now))

    # --- giving out

    @property
    def pending(self) -> int:
        return self._events + len(self._outbox)

    @property
    def urgent(self) -> bool:
        return self._outbox.urgent

    def take(self) -> Changes:
        """Everything since the last take, in one synchronous step."""
        self._outbox.remember()
        table = [*self._life.take(), *self._gone, *self.table.take(self.model)]
        meta = (progress.KEY, progress.encode(self.progress))
        runs = order.encode(self._runs) if self._runs else None
        changes = Changes(table, meta, runs, self._outbox.take(), dict(self.progress.offsets), self._events)
        self._gone, self._runs, self._events = [], [], 0
        self._on_its_way = changes.offsets
        return changes

    def confirm(self) -> None:
        """The last take is durable: its debts are paid."""
        self._outbox.confirm()
        if self._on_its_way is not None:
            self._durable, self._on_its_way = self._on_its_way, None

    def durable(self, key: str) -> Durable | None:
        """A lead's record as the changelog holds it; None while it is not known that all applied is there."""
        if self._on_its_way is not None or self._gone or self.table.untaken(key):
            return None
        return Durable(self.table.stored(key), self._durable)

    def _reject(self, record: Record, why: Rejected) -> None:
        """A dead letter: the raw bytes, and in headers why and where from."""
        source = (record.topic, record.partition, record.offset, record.timestamp)
        headers = Headers(why.reason, why.detail, *source).encode()
        self._outbox.owe(Effect(topics.DEAD_LETTERS, self.number, record.key, record.value, headers))
        self._count("dead_letter", why.reason)
        self._count("event", record.topic, Outcome.REJECTED)

    def _count(self, *name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by


def _lost(hops: int) -> Rejected:
    return Rejected(Reason.TOO_MANY_HOPS, f"passed on {hops} times")
