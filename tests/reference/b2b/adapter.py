"""The implementations of the `b2b` model, by name, behind one form."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import msgspec

from streams import model_file
from streams.scoring.application import apply
from streams.scoring.event import Event as CoreEvent
from streams.scoring.event import decode
from streams.scoring.lead import TICK as CORE_TICK
from streams.scoring.lead import Lead, Stage
from streams.scoring.lead import Move as CoreMove
from streams.scoring.lift import RELATIONSHIP
from streams.scoring.model import Model
from streams.scoring.qualification import Missing, missing
from streams.scoring.response import REVIEW, respond
from streams.scoring.score import ledger
from streams.scoring.stage import elapse
from streams.scoring.standing import Standing
from streams.scoring.timer import OVERDUE, due
from tests.reference.adapter import KEY, LATEST, named_by_the_core
from tests.reference.b2b import reference
from tests.reference.b2b.outcome import TICK, Event, Handoff, Line, Move, Notice, Outcome, Score


@cache
def b2b() -> Model:
    model = model_file.load("b2b")
    assert isinstance(model, Model), model
    return model


CODES = {
    "points": "score",
    "title": "title_unknown",
    "verified": "server_source",
    "company": "company_unknown",
    "phone": "phone_unknown",
    "customer": "existing_customer",
    "open_opportunity": "existing_open_opportunity",
    "partner": "existing_partner",
    "imported": "imported_only",
}
"""The reference's word for what the core says is missing, where it is another."""


@dataclass
class Core:
    """What the real core says of one lead."""

    lead: Lead
    model: Model
    path: list[CoreMove]

    @property
    def moves(self) -> tuple[Move, ...]:
        moves, before = [], 0
        for move in self.path:
            if move.stage != before:
                cause = TICK if move.id == CORE_TICK else move.id
                moves.append(Move(move.at, cause, Stage(before).word, Stage(move.stage).word))
            before = move.stage
        return tuple(moves)

    @property
    def handoffs(self) -> tuple[Handoff, ...]:
        found: dict[int, Handoff] = {}
        for number, move in enumerate(self.path):
            if move.cycle and move.cycle not in found:
                s = Standing(self.lead, self.model, move.at, move.id, self._before(number), KEY)
                response = respond(s, move.lane, move.at)
                assert response is not None
                may = s.value("unsubscribed") is not True and s.value("complained") is not True
                found[move.cycle] = Handoff(
                    move.at,
                    move.cycle,
                    move.lane,
                    move.deadline,
                    response.route.owner or response.route.queue,
                    may,
                )
        return tuple(found.values())

    def _before(self, number: int) -> CoreMove:
        from streams.scoring.lead import START

        return self.path[number - 1] if number else START

    @property
    def notices(self) -> tuple[Notice, ...]:
        found = []
        for number, move in enumerate(self.path):
            kind, _, level = move.note.partition(":")
            if kind in (REVIEW, RELATIONSHIP):
                s = Standing(self.lead, self.model, move.at, move.id, self._before(number), KEY)
                response = respond(s, kind if kind == REVIEW else "quote", move.at)
                assert response is not None
                owner = response.route.owner or "account-owner"
                queue = owner if kind == RELATIONSHIP else response.route.queue
                found.append(
                    Notice(move.at, kind, TICK if move.id == CORE_TICK else move.id, move.deadline, queue)
                )
            elif kind == OVERDUE:
                found.append(Notice(move.at, kind, TICK, move.deadline, "", level))
        return tuple(found)

    def standing(self, now: int) -> Standing:
        from streams.scoring.lead import START

        state = next((move for move in reversed(self.path) if move.at <= now), START)
        return Standing(self.lead, self.model, now, LATEST, state, KEY)

    def score_at(self, now: int) -> Score:
        s = self.standing(now)
        assert s.fit is not None
        return Score(s.total, s.behaviour, s.fit.points, s.fit.grade)

    def ledger_at(self, now: int) -> tuple[Line, ...]:
        s = self.standing(now)
        lines = ledger(self.lead, self.model, now, LATEST, s.state)
        return tuple(Line(line.rule, line.value, line.at, line.event_id or "") for line in lines)

    def held_at(self, now: int) -> frozenset[str]:
        s = self.standing(now)
        if s.state.stage != Stage.MQL:
            return frozenset()
        return frozenset(_code(one) for one in missing(s)) or frozenset(["next_event"])


def _code(one: Missing) -> str:
    name = one.name if one.code == "block" else one.code
    return CODES.get(name, name)


def run_engine(events: Iterable[Event]) -> Core:
    """The real core's answer for one lead's events, taken in the order given, then played to the end by ticks."""
    model, lead = b2b(), Lead()
    path: list[CoreMove] = []
    for document in events:
        event = decode(msgspec.json.encode(named_by_the_core(document, model)))
        assert isinstance(event, CoreEvent), event
        apply(lead, KEY, event, event.received or event.at, KEY, model)
    while at := due(lead, model):
        elapse(lead, at, model)
        lead.clock, lead.clock_id = max(lead.position, (at, CORE_TICK))
    path = list(lead.moves)
    return Core(lead, model, path)


IMPLEMENTATIONS: dict[str, Callable[[Iterable[Event]], Outcome]] = {
    "reference": reference.outcome,
    "core": run_engine,
}
