"""Writing the stage history: each step of it is complete enough to go on from."""

from typing import Final

from streams.scoring.instant import NEVER
from streams.scoring.lead import Lead, Move, Stage, Timer

MOVES: Final = 48
"""Moves kept of one lead, the newest."""


def move(
    lead: Lead,
    at: int,
    event_id: str,
    stage: Stage | int,
    *,
    cycle: int | None = None,
    floor: int | None = None,
    back: int = NEVER,
    open: tuple[str, ...] | None = None,
    lane: str | None = None,
    spent: int | None = None,
    timers: tuple[Timer, ...] | None = None,
    grade: str = "",
    note: str = "",
    deadline: int = NEVER,
) -> Move:
    """Go on from the newest checkpoint to a stage; what is not named stays as it is."""
    state = lead.state
    made = Move(
        at,
        event_id,
        int(stage),
        state.cycle if cycle is None else cycle,
        state.floor if floor is None else floor,
        back,
        state.open if open is None else open,
        state.lane if lane is None else lane,
        state.spent if spent is None else spent,
        state.timers if timers is None else timers,
        grade,
        note,
        deadline,
    )
    lead.moves.append(made)
    lead.quiet = NEVER
    del lead.moves[:-MOVES]
    return made


def remark(
    lead: Lead, at: int, event_id: str, note: str, deadline: int, timers: tuple[Timer, ...] | None = None
) -> Move:
    """No change of stage, but something that a person should know."""
    state = lead.state
    return move(
        lead,
        at,
        event_id,
        state.stage,
        back=state.back,
        grade=state.grade,
        timers=timers,
        note=note,
        deadline=deadline,
    )
