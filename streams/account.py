"""What companies as a whole are to us: each partition keeps all of it, and tells it to the leads that it has.

A company is not a lead: its record has a key of its own kind, which no lead's can equal. Here it is about the
record's attributes; the rest of it is the account agent's.
"""

from collections.abc import Callable, Iterable
from typing import Final

from streams import topics
from streams.account_record import Account
from streams.changes import Effect
from streams.follow_up.account import account_key
from streams.identity.forward import Relation, encode
from streams.outbox import Outbox
from streams.scoring import relation
from streams.scoring.attribute import SAID, START, unite
from streams.scoring.event import Event
from streams.scoring.lead import Lead, Move, Position, Version
from streams.scoring.model import Model
from streams.table import Table
from streams.transition import Cause

DOMAIN: Final = "company_domain"

Announce = Callable[[str, Lead, Move | None, Cause], None]


class Accounts:
    """The companies that one partition was told of.

    Every lead's record holds what the partition knows of any domain that the record was told: a lead learns it at
    the event that tells the domain, and the leads of a domain when something is said of it. To find these there is
    an index in memory, made when it is first needed. Models without blocks ask for nothing of this.
    """

    def __init__(self, table: Table, outbox: Outbox, partitions: int, announce: Announce) -> None:
        self._table = table
        self._outbox = outbox
        self._partitions = partitions
        self._announce = announce
        self._keys: dict[str, str] = {}  # by domain
        self._members: dict[str, set[str]] | None = None  # keys of leads by domain; some may have moved

    def __bool__(self) -> bool:
        return bool(self._keys)

    def restored(self) -> None:
        """The table is read."""
        for key, record in self._table.lasting_accounts():
            if DOMAIN in record.attributes:
                self._keys[str(record.attributes[DOMAIN][0].value)] = key

    def spread(self, event: Event, arrival: int, model: Model) -> bool:
        """Tell all partitions what an event says of a company as a whole; whether it says anything."""
        domain = relation.company(event, model)
        key = account_key(domain)
        if domain is None or key is None:
            return False
        said = Relation(domain, str(event.relationship), event.sales_person, event.at, event.event_id, arrival)
        for partition in range(self._partitions):
            self._outbox.owe(Effect(topics.LEAD_FORWARDS, partition, key.encode(), encode(said)))
        return True

    def receive(self, said: Relation, model: Model) -> None:
        """Something is said of a company: note it, and tell its people here. Said again it changes nothing."""
        key = account_key(said.domain)
        if key is None:
            return
        if not _note(self._table.open_account(key), said):
            return
        self._table.touch(key)
        self._keys[said.domain] = key
        if not model.source.blocks:
            return
        for name in sorted(self._found(said.domain)):
            lead = self._table.get(name)
            if lead is not None and said.domain in relation.domains(lead):
                self._tell(name, lead, said, model)

    def _tell(self, key: str, lead: Lead, said: Relation, model: Model) -> None:
        before, late = lead.moves[-1] if lead.moves else None, (said.at, said.id) < lead.position
        news = self._note(lead, said.domain)
        if news:
            relation.follow(lead, key, news, START, said.arrival, model)
            self._table.touch(key)
            self._announce(key, lead, before, Cause(said.id, relation.EVENT, said.arrival, late))

    def meet(self, key: str, lead: Lead, event: Event, model: Model) -> list[Position]:
        """Before an event is applied: the record learns what is known of the domains that the event tells."""
        if (event.email is None and event.company_domain is None) or event.at <= lead.erased:
            return []
        return self.introduce(key, lead, relation.told_by(event), model)

    def introduce(self, key: str, lead: Lead, domains: Iterable[str], model: Model) -> list[Position]:
        """A record is told these domains: it notes what is known of them. The positions of what was news."""
        news: list[Position] = []
        for domain in sorted(domains):
            if self._members is not None:
                self._members.setdefault(domain, set()).add(key)
            if model.source.blocks:
                news += self._note(lead, domain)
        if news:
            self._table.touch(key)
        return news

    def _note(self, lead: Lead, domain: str) -> list[Position]:
        key = self._keys.get(domain)
        record = None if key is None else self._table.account(key)
        return [] if record is None else relation.note(lead, domain, record.attributes)

    def _found(self, domain: str) -> set[str]:
        """The keys of the records that may have been told this domain."""
        if self._members is None:
            self._members = {}
            for key, lead in self._table.each():
                for one in relation.domains(lead):
                    self._members.setdefault(one, set()).add(key)
        return self._members.get(domain, set())


def _note(record: Account, said: Relation) -> bool:
    """Put what was said into a company's record; whether it was news."""
    told = {DOMAIN: said.domain, "relationship": said.relationship, "owner": said.owner}
    changed = False
    for name, value in told.items():
        before = record.attributes.get(name, [])
        if value is None or (name == DOMAIN and before):
            continue
        after = unite(before, [Version(said.at, said.id, SAID, value)])
        if after != before:
            record.attributes[name] = after
            changed = changed or name != DOMAIN
    return changed
