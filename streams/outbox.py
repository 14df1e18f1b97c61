"""What a partition owes to other topics until a flush has delivered it."""

from streams.changes import Effect
from streams.scoring.lead import Lead, Owed
from streams.table import Table


class Outbox:
    """Effects in the order in which they arose.

    Where the broker has no transactions, a lead's record also says what its changes owe: written before the
    effects are sent, cleared by the flush after the one that sent them. Whoever restores the record meanwhile
    sends the same bytes again.
    """

    def __init__(self, table: Table, exactly_once: bool) -> None:
        self._table = table
        self._exactly_once = exactly_once
        self.urgent = False
        self._effects: list[Effect] = []
        self._taken: set[str] = set()
        self._paid: set[str] = set()

    def __len__(self) -> int:
        return len(self._effects)

    def owe(self, effect: Effect) -> None:
        self._effects.append(effect)

    def hurry(self) -> None:
        """Sales waits for what is owed: it should not wait for others to be sent with."""
        self.urgent = True

    def restored(self) -> None:
        """What a former owner may have died before sending is owed again."""
        if self._exactly_once:
            return
        for key, lead in self._table.owing():
            for owed in lead.owed:
                self._effects.append(Effect(owed.topic, owed.partition, owed.key, owed.value, owed.headers, key))
            self._table.touch(key)

    def remember(self) -> None:
        """Before the table is taken: put into each record what its changes owe."""
        if self._exactly_once:
            return
        for key in sorted(self._paid):
            if (lead := self._table.get(key)) is not None:
                lead.owed = ()
                self._table.touch(key)
        self._paid = set()
        for effect in self._effects:
            if effect.lead is not None and (lead := self._table.get(effect.lead)) is not None:
                _note(lead, effect)
                self._table.touch(effect.lead)
                self._taken.add(effect.lead)

    def take(self) -> list[Effect]:
        """Hand over the effects."""
        effects, self._effects, self.urgent = self._effects, [], False
        return effects

    def confirm(self) -> None:
        """What was taken is delivered."""
        self._paid |= self._taken
        self._taken = set()


def _note(lead: Lead, effect: Effect) -> None:
    owed = Owed(effect.topic, effect.partition, effect.key, effect.value, effect.headers)
    if owed not in lead.owed:
        lead.owed = (*lead.owed, owed)
