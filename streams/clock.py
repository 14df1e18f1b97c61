"""What time alone brings to a partition: ticks for due timers and the daily sweep, as messages in its own log."""

from typing import Final

from streams import topics
from streams.changes import Effect
from streams.identity import forward, link
from streams.outbox import Outbox
from streams.scoring.instant import DAY
from streams.scoring.lead import TICK, Lead, Move
from streams.scoring.model import Model
from streams.scoring.stage import elapse
from streams.scoring.timer import due
from streams.table import Table

MOST_TICKS: Final = 5_000
"""Ticks issued at once, so that a flush stays small."""
SWEEP_KEY: Final = b"sweep"


class Clock:
    """One partition's. `swept`: the day up to which the table was swept last (Unix ms)."""

    def __init__(self, table: Table, outbox: Outbox, number: int) -> None:
        self._table = table
        self._outbox = outbox
        self._number = number
        self._sweeping = 0

    def next_due(self, swept: int, model: Model) -> int | None:
        """When time next has something to do here (Unix ms)."""
        if not len(self._table):
            return None
        sweep = (max(swept, self._sweeping) // DAY + 1) * DAY
        timer = self._table.next_timer
        return sweep if timer is None else min(sweep, timer + model.lateness)

    def issue(self, horizon: int, swept: int, model: Model) -> None:
        """Owe a tick for each timer due before `horizon` less the model's lateness, and the daily sweep."""
        today = horizon // DAY * DAY
        if today > max(swept, self._sweeping):
            self._sweeping = today
            self._send_home(SWEEP_KEY, forward.Sweep(today))
        before = horizon - model.lateness
        for _ in range(MOST_TICKS):
            key = self._table.pop_timer(before)
            if key is None:
                return
            lead = self._table.get(key)
            at = due(lead, model) if lead is not None and link.target(key, lead) is None else 0
            if at and at < before:
                self._send_home(key.encode(), forward.Tick(at))
            elif at:
                self._table.set_timer(at, key)

    def _send_home(self, key: bytes, message: forward.Forward) -> None:
        self._outbox.owe(Effect(topics.LEAD_FORWARDS, self._number, key, forward.encode(message)))

    def fire(self, key: str, at: int, now: int, model: Model) -> tuple[Lead, Move | None] | None:
        """A timer fires: the lead if it moved, and its newest move before.

        None if it did not, or if the timer is stale or came from a clock that runs ahead of the broker's, `now`.
        """
        lead = self._table.get(key)
        if lead is None:
            return None
        if at > now:
            self._table.set_timer(at, key)
            return None
        before = lead.moves[-1] if lead.moves else None
        elapse(lead, at, model)
        self._table.touch(key)
        if not lead.moves or lead.moves[-1] is before:
            return None
        lead.clock, lead.clock_id = max(lead.position, (at, TICK))
        return lead, before
