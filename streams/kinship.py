"""What the partitions tell each other about who is who: links, merges and erasures, at the leads of one."""

from collections.abc import Callable
from typing import Final

from streams import topics
from streams.account import Accounts
from streams.account_report import Reports
from streams.changes import Effect, Headers
from streams.identity import forward, link, merge, stub
from streams.identity.keys import Kind, partition_of, rank
from streams.outbox import Outbox
from streams.scoring import lead as records
from streams.scoring import relation
from streams.scoring.event import Event
from streams.scoring.lead import Lead, Move
from streams.scoring.model import Model
from streams.scoring.stage import elapse
from streams.table import Table
from streams.transition import Cause

MOST_ALIASES: Final = 200
MERGED: Final = "identities_linked"
"""The type of event that a merge's transitions name as their cause."""

Announce = Callable[[str, Lead, Move | None, Cause], None]


class Kinship:
    """The identity side of one partition: changes records of the table and owes messages to other keys."""

    def __init__(
        self,
        table: Table,
        outbox: Outbox,
        accounts: Accounts,
        reports: Reports,
        partitions: int,
        model: Model,
        announce: Announce,
    ) -> None:
        self._table = table
        self._outbox = outbox
        self._accounts = accounts
        self._reports = reports
        self._partitions = partitions
        self.model = model
        self._announce = announce

    def send(self, to: str, message: forward.Forward, lead: str | None, headers: Headers = ()) -> None:
        """Owe a message to a key, wherever it lives; `lead` is whose record remembers the debt."""
        partition = partition_of(to, self._partitions)
        value = forward.encode(message)
        self._outbox.owe(Effect(topics.LEAD_FORWARDS, partition, to.encode(), value, headers, lead))

    def link(self, key: str, lead: Lead, keys: list[str], event: Event, arrival: int) -> None:
        """Tell the other identities of a lead's event whose they are, once; and again when it is proven."""
        trusted = event.source_kind != "browser"
        news = [k for k in keys if k != key and (k not in lead.aliases or (trusted and k in lead.unproven))]
        if not news:
            return
        lead.aliases = tuple(sorted({*lead.aliases, *news})[-MOST_ALIASES:])
        doubtful = {k for k in news if not trusted and k[0] == Kind.USER}
        lead.unproven = tuple(sorted({*lead.unproven, *doubtful} - ({*news} - doubtful)))
        # A key that may refuse to be this lead's does not speak for others.
        sure = [k for k in dict.fromkeys((*keys, *lead.aliases)) if k != key and k not in lead.unproven]
        for other in news:
            same = tuple(k for k in sure if k != other)
            self.send(other, forward.Link(key, event.at, event.event_id, trusted, arrival, same), key)

    def receive_link(self, key: str, said: forward.Link) -> bool:
        """Somebody says whose this key is; False if it is not believed."""
        if rank(said.target) > rank(key):
            return self._turn(key, said)
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
                self.send(alias, forward.Link(target, said.at, said.id, said.trusted, said.arrival, (key,)), key)
            if merge.content(lead):
                self._move_out(key, lead, target, said)
        return True

    def _turn(self, key: str, said: forward.Link) -> bool:
        """The key addressed is the smaller of the two: if somebody is known by it, the other one is told so."""
        lead = self._table.get(key)
        if lead is None or not (merge.content(lead) or lead.claims):
            return False
        smaller = link.target(key, lead) or key
        self.send(said.target, forward.Link(smaller, said.at, said.id, said.trusted, said.arrival, (key,)), key)
        return True

    def _move_out(self, key: str, lead: Lead, target: str, said: forward.Link) -> None:
        """Send everything known under this key to the lead that it belongs to; a stub stays."""
        if (said.at, said.id) >= lead.position:  # whether its timer has fired by now makes no difference
            elapse(lead, said.at, self.model)
        remains = stub.moved(lead)
        lead.claims, lead.owed = {}, ()
        moved = forward.Merge(key, said.at, said.id, said.arrival, 0, records.encode(lead, 0, 0, 0))
        self.send(target, moved, key)
        self._table.replace(key, remains)

    def receive_merge(self, key: str, message: forward.Merge) -> bool:
        """Another record of this person arrives; False if it was passed on too often."""
        lead = self._table.get(key) or self._table.create(key)
        target = link.target(key, lead)
        if target is not None:
            message.hops += 1
            if message.hops > forward.MOST_HOPS:
                return False
            self.send(target, message, None)
            return True
        other = records.decode(message.record)
        if lead.erased:
            stub.deny(other, lead.erased)
            if other.clock <= lead.erased:
                return True
        before = lead.moves[-1] if lead.moves else None
        linked = max((message.at, message.id), (lead.erased + 1, ""))
        late = linked < lead.position
        told = relation.domains(lead) | relation.domains(other) if self._accounts else set()
        news = self._accounts.introduce(key, lead, told, self.model)
        merge.merge(lead, key, other, message.source, linked, message.arrival, self.model)
        relation.follow(lead, key, news, linked, message.arrival, self.model)
        self._reports.merged(key, lead, other, message.source)
        if message.source not in lead.aliases:
            lead.aliases = tuple(sorted([*lead.aliases, message.source])[-MOST_ALIASES:])
        self._table.touch(key)
        self._announce(key, lead, before, Cause(message.id, MERGED, message.arrival, late))
        return True

    def erase(self, key: str, keys: list[str], lead: Lead | None, event: Event, arrival: int) -> None:
        """Forget a person: what remains denies events up to the erasure, and keeps the last cycle."""
        aliases = lead.aliases if lead is not None else ()
        for alias in sorted({*keys, *aliases} - {key}):
            named = alias in keys and alias not in aliases
            self.send(alias, forward.Erase(alias if named else key, event.at, arrival), key)
        self._forget(key, lead, event.at, arrival)

    def receive_erasure(self, key: str, message: forward.Erase) -> None:
        """The person that this key was an alias of is erased, or was named by this key too."""
        lead = self._table.get(key)
        if message.target == key or (lead is not None and link.is_alias(key, lead, message.target)):
            self._forget(key, lead, message.at, message.arrival)

    def _forget(self, key: str, lead: Lead | None, at: int, arrival: int) -> None:
        self._reports.forget(key, lead)
        self._table.replace(key, stub.erased(lead, at, arrival))
