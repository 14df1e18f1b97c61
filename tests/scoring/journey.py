"""What a journey worked by hand says, and the beginnings that many share."""

from collections.abc import Sequence
from typing import NamedTuple

from tests.reference.events import at, identified, met, whitepaper
from tests.reference.outcome import Event


class Journey(NamedTuple):
    """Events as they arrive; score and stage at instants (ms) from the newest event on; and every move from
    `visitor` on as (instant, stage entered, cause), those that only time brings included."""

    sentence: str
    events: Sequence[Event]
    expected: dict[int, tuple[int, str]]
    moves: Sequence[tuple[int, str, str]]


ID = identified("id", at())
LEAD = (at(), "lead", "id")
SQL_AT_DAY_2 = [ID, whitepaper("w", at(1)), met("m", at(2))]
MOVES_TO_SQL = [LEAD, (at(1), "mql", "w"), (at(2), "sql", "m")]
