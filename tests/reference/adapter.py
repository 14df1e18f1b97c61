"""The implementations of the `published` model, by name, behind one form."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from streams import model_file
from streams.scoring.application import apply
from streams.scoring.event import Event as CoreEvent
from streams.scoring.event import decode
from streams.scoring.lead import TICK as CORE_TICK
from streams.scoring.lead import Lead, Stage
from streams.scoring.model import Model
from streams.scoring.score import ledger, score
from streams.scoring.stage import elapse
from streams.scoring.timer import due
from tests.reference import published
from tests.reference.outcome import TICK, Contribution, Event, Handoff, Move, Outcome, handoff_name

LATEST = "\U0010ffff"


def published_model() -> Model:
    model = model_file.load("published")
    assert isinstance(model, Model)
    return model


KEY = "e1-" + "0" * 32
CYCLES = range(1, 10)


def named_by_the_core(document: Event, model: Model) -> Event:
    """The journeys name a cycle's handoff in their own way; the core makes its id of pipeline, key and cycle."""
    ids = {handoff_name(cycle): model.handoff_id(KEY, cycle) for cycle in CYCLES}
    given = document.get("handoff_id")
    return document | {"handoff_id": ids.get(given, given)} if given is not None else document


@dataclass
class CoreOutcome:
    """What the real core says of one lead."""

    lead: Lead
    model: Model

    @property
    def moves(self) -> tuple[Move, ...]:
        moves, before = [], "visitor"
        for move in self.lead.moves:
            word = move_word(move.stage)
            if word != before:
                cause = TICK if move.id == CORE_TICK else move.id
                moves.append(Move(move.at, before, word, cause))
            before = word
        return tuple(moves)

    @property
    def handoffs(self) -> tuple[Handoff, ...]:
        found: dict[int, int] = {}
        for move in self.lead.moves:
            if move.cycle and move.cycle not in found:
                found[move.cycle] = move.at
        return tuple(Handoff(cycle, at) for cycle, at in found.items())

    def contributions_at(self, now: int) -> tuple[Contribution, ...]:
        lines = ledger(self.lead, self.model, now, LATEST, self.lead.state)
        found = [Contribution(line.rule, int(line.points), line.at, line.event_id or "") for line in lines]
        return tuple(sorted(found, key=lambda c: (c.at, c.event_id)))

    def score_at(self, now: int) -> float:
        return score(self.lead, self.model, now, LATEST, self.lead.state).total


def move_word(stage: int) -> str:
    return Stage(stage).word


def lead_of(events: Iterable[Event], model: Model) -> Lead:
    """One lead's record after its events in the order given; each arrives at the instant it happened."""
    lead = Lead()
    for document in events:
        event = decode(msgspec.json.encode(named_by_the_core(document, model)))
        assert isinstance(event, CoreEvent), event
        apply(lead, KEY, event, event.at, KEY, model)
    return lead


def outcome_of(events: Iterable[Event]) -> Outcome:
    """The real core's answer for one lead's events, taken in the order given, then played to the end by ticks."""
    model = published_model()
    lead = lead_of(events, model)
    while at := due(lead, model):
        elapse(lead, at, model)
        lead.clock, lead.clock_id = max(lead.position, (at, CORE_TICK))
    return CoreOutcome(lead, model)


IMPLEMENTATIONS: dict[str, Callable[[Iterable[Event]], Outcome]] = {
    "reference": published.outcome,
    "core": outcome_of,
}
