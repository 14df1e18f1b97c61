"""What the partitions tell each other about who is who: links, merges and erasures, at the leads that live here."""

from collections.abc import Callable
from typing import Final

from streams import topics
from streams.changes import Effect
from streams.identity import forward, link, merge
from streams.identity.keys import partition_of
from streams.outbox import Outbox
from streams.scoring import lead as records
from streams.scoring.event import Event
from streams.scoring.lead import TICK, Lead, Move, Stage
from streams.scoring.model import Model
from streams.table import Table
from streams.transition import Cause

MOST_ALIASES: Final = 200
MERGED: Final = "identities_linked"
"""The type of event that a merge's transitions name as their cause."""

Announce = Callable[[str, Lead, Move | None, Cause], None]


class Kinship:
    """The identity side of one partition: changes records of the table and owes messages to other keys."""

    def __init__(self, table: Table, outbox: Outbox, partitions: int, model: Model, announce: Announce) -> None:
        self._table = table
        self._outbox = outbox
        self._partitions = partitions
        self._model = model
        self._announce = announce

    def send(self, to: str, message: forward.Forward, lead: str | None) -> None:
        """Owe a message to a key, wherever it lives; `lead` is whose record remembers the debt."""
        partition = partition_of(to, self._partitions)
        value = forward.encode(message)
        self._outbox.owe(Effect(topics.LEAD_FORWARDS, partition, to.encode(), value, (), lead))

    def link(self, key: str, lead: Lead, keys: list[str], event: Event, arrival: int) -> None:
        """Tell the weaker identities of a lead's event whose they are, once."""
        for weaker in keys:
            if weaker == key or weaker in lead.aliases:
                continue
            lead.aliases = sorted([*lead.aliases, weaker])[-MOST_ALIASES:]
            same = tuple(name for name in dict.fromkeys((*keys, *lead.aliases)) if name not in (key, weaker))
            trusted = event.source_kind != "browser"
            self.send(weaker, forward.Link(key, event.at, event.event_id, trusted, arrival, same), key)

    def receive_link(self, key: str, said: forward.Link) -> bool:
        """Somebody says whose this key is; False if it is not believed."""
        lead = self._table.get(key) or self._table.create(key)
        before = link.target(key, lead)
        if not link.claim(key, lead, said):
            return False
        lead.arrival = max(lead.arrival, said.arrival)
        self._table.touch(key)
        for larger, smaller in link.same_person(key, lead):
            self.send(larger, forward.Link(smaller, said.at, said.id, True, said.arrival, (key,)), key)
        target = link.target(key, lead)
        if target is not None and target != before:
            for alias in lead.aliases:
                self.send(alias, forward.Link(target, said.at, said.id, True, said.arrival, (key,)), key)
            if merge.content(lead):
                self._move_out(key, lead, target, said)
        return True

    def _move_out(self, key: str, lead: Lead, target: str, said: forward.Link) -> None:
        """Send everything known under this key to the lead that it belongs to; a stub stays."""
        stub = Lead(claims=lead.claims, arrival=lead.arrival, erased=lead.erased)
        lead.claims, lead.owed = {}, []
        moved = forward.Merge(key, said.at, said.id, said.arrival, 0, records.encode(lead, 0, 0, 0))
        self.send(target, moved, key)
        self._table.replace(key, stub)

    def receive_merge(self, key: str, message: forward.Merge) -> None:
        """Another record of this person arrives."""
        lead = self._table.get(key) or self._table.create(key)
        target = link.target(key, lead)
        if target is not None:
            message.hops += 1
            if message.hops <= forward.MOST_HOPS:
                self.send(target, message, None)
            return
        other = records.decode(message.record)
        if lead.erased and other.clock <= lead.erased:
            return
        before = lead.moves[-1] if lead.moves else None
        late = (message.at, message.id) < lead.position
        merge.merge(lead, key, other, message.source, (message.at, message.id), self._model)
        if message.source not in lead.aliases:
            lead.aliases = sorted([*lead.aliases, message.source])[-MOST_ALIASES:]
        self._table.touch(key)
        self._announce(key, lead, before, Cause(message.id, MERGED, message.arrival, late))

    def erase(self, key: str, lead: Lead | None, event: Event, arrival: int) -> None:
        """Forget a person: what remains denies events up to the erasure, and keeps the last cycle."""
        for alias in lead.aliases if lead is not None else ():
            self.send(alias, forward.Erase(key, event.at, arrival), key)
        self._forget(key, lead, event.at, arrival)

    def receive_erasure(self, key: str, message: forward.Erase) -> None:
        """The person that this key was an alias of is erased."""
        lead = self._table.get(key)
        if lead is not None and (not lead.claims or message.target in lead.claims):
            self._forget(key, lead, message.at, message.arrival)

    def _forget(self, key: str, lead: Lead | None, at: int, arrival: int) -> None:
        cycle = lead.state.cycle if lead is not None else 0
        stub = Lead(erased=max(at, lead.erased if lead is not None else 0), arrival=arrival)
        if cycle:
            stub.moves = [Move(stub.erased, TICK, Stage.VISITOR, cycle, stub.erased, 0, ())]
            stub.said_cycle = cycle
        self._table.replace(key, stub)
