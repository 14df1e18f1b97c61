"""Telling the outside what the stage history says, each move once, and issuing each cycle's handoff once."""

from typing import Final

from msgspec.structs import replace

from streams import transition
from streams.scoring import issue
from streams.scoring.application import MOST_FACTS
from streams.scoring.instant import NEVER
from streams.scoring.lead import TICK, Issued, Lead, Move
from streams.scoring.model import Model
from streams.scoring.response import REVIEW, respond
from streams.scoring.standing import Standing
from streams.scoring.timer import OVERDUE
from streams.scoring.update import NEW_REQUEST, UPDATES
from streams.transition import Cause, Transition


def announce(key: str, lead: Lead, before: Move | None, cause: Cause, model: Model) -> list[Transition]:
    """The transitions that the moves after `before` make; the record notes what was told.

    What was told is never taken back. An event that came late may have rewritten the history: then the way from
    the stage last told to the present one is told, which issues no cycle's handoff a second time.
    """
    told: list[Transition] = []
    for move in _ways(lead, before, cause):
        if move.note:
            noted = (move.at, move.id, move.note)
            if noted not in lead.noted:
                lead.noted = (*lead.noted, noted)[-MOST_FACTS:]
                heard = _heard(lead, key, move, cause, model)
                if heard is not None:
                    told.append(transition.tell(lead, key, heard, heard.stage, _by(heard, cause), model, None))
            continue
        issued = _issue(key, lead, move, model)
        if (move.stage, move.cycle) == (lead.said, lead.said_cycle) and issued is None:
            continue
        told.append(transition.tell(lead, key, move, lead.said, _by(move, cause), model, issued))
        if issued is not None and (account := told[-1].account) is not None:
            issue.issued_by(lead, account)
        lead.said, lead.said_cycle = int(move.stage), move.cycle
    return told


def _heard(lead: Lead, key: str, note: Move, cause: Cause, model: Model) -> Move | None:
    """A note as it is told. What was learnt late may name a handoff that a history rewritten since never gave out:
    nobody is late with it, a new request has to be looked at, and the rest is no news to sales."""
    name = note.note.partition(":")[0]
    given_out = {issued.handoff for issued in lead.issued} | {one for fact in lead.merged for one in fact.open}
    if name not in FOR_SALES or not note.open or not given_out.isdisjoint(note.open):
        return note
    if name == OVERDUE:
        return None
    if name != NEW_REQUEST:
        return replace(note, open=())
    response = respond(Standing(lead, model, note.at, note.id, note, key), REVIEW, cause.arrival)
    return replace(note, note=REVIEW, open=(), deadline=response.respond_by if response else NEVER)


FOR_SALES: Final = UPDATES | {OVERDUE}
"""Notes about a handoff."""


def _by(move: Move, cause: Cause) -> Cause:
    return cause if move.id != TICK else Cause(TICK, transition.TIME, cause.arrival, cause.late)


def _ways(lead: Lead, before: Move | None, cause: Cause) -> list[Move]:
    """The moves to tell, and the notes among them, in their order."""
    if not cause.late:
        return _since(lead, before)
    notes = [move for move in lead.moves if move.note]
    return sorted([*_climb(lead), *notes], key=lambda move: (move.at, bool(move.note), move.stage))


def _since(lead: Lead, before: Move | None) -> list[Move]:
    """The moves after `before`, which is the last but a few; if it was rewritten, the way from what was told."""
    if before is None:
        return list(lead.moves)
    for back in range(len(lead.moves) - 1, -1, -1):
        if lead.moves[back] is before:
            return lead.moves[back + 1 :]
    return _climb(lead)


def _climb(lead: Lead) -> list[Move]:
    """The way from the stage last told to the one that the refolded history ends in."""
    last = lead.state
    if (last.stage, last.cycle) == (lead.said, lead.said_cycle):
        return []
    if last.stage < lead.said or last.cycle < lead.said_cycle:
        return [last]
    between: dict[int, Move] = {}
    for move in lead.moves:
        on_the_way = lead.said < move.stage <= last.stage and move.cycle >= lead.said_cycle
        if (on_the_way or move is last) and not move.note:
            between[move.stage] = move
    return sorted(between.values(), key=lambda move: (move.at, move.stage))


def _issue(key: str, lead: Lead, move: Move, model: Model) -> str | None:
    """The handoff that a move opens, if it was not issued before."""
    if not move.open or move.cycle <= max((issued.cycle for issued in lead.issued), default=0):
        return None
    handoff_id = model.handoff_id(key, move.cycle)
    if handoff_id not in move.open:
        return None
    lead.issued = (*lead.issued, Issued(move.at, move.id, handoff_id, move.cycle, move.lane, move.timers))[
        -MOST_FACTS:
    ]
    return handoff_id
