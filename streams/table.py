"""The rolling score table of one partition: every lead's record in memory, as bytes until it is needed.

Records that were used lately are kept as objects; all others as the bytes that the changelog holds, which is a
third of the memory and makes restore a matter of copying.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from typing import Final

from streams import account_record
from streams.account_record import Account
from streams.scoring import lead as records
from streams.scoring.instant import DAY, NEVER
from streams.scoring.lead import ALIAS, FORMAT, Lead, Stage
from streams.scoring.model import Model
from streams.scoring.timer import quiet_until

HOT: Final = 20_000
"""Records kept as objects between flushes, per partition: about 50 MB."""
UNUSED_STUBS: Final = 400 * DAY
OWED: Final = 0x80
"""In a header's stage: effects are owed."""
STAGE_BITS: Final = 0x7F
ALIASED: Final = ALIAS & STAGE_BITS
ACCOUNT: Final = account_record.STAGE
ACCOUNT_KEYS: Final = account_record.KEYS


class Table:
    """Leads and accounts by key. A record that was changed must be `touch`ed."""

    def __init__(self) -> None:
        self.population: Counter[tuple[str, str]] = Counter()
        self.size = 0
        self._stored: dict[str, bytes] = {}
        self._hot: dict[str, Lead] = {}
        self._accounts: dict[str, Account] = {}
        self._dirty: dict[str, None] = {}
        self._settled: dict[bytes, bytes | None] = {}
        self._timers: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._stored)

    @property
    def dirty(self) -> int:
        """Records changed since the last take."""
        return len(self._dirty)

    def restore(self, key: str, value: bytes | None) -> None:
        """A changelog record, in log order."""
        if value is None:
            self._stored.pop(key, None)
        else:
            self._stored[key] = value

    def restored(self) -> int | None:
        """Everything is read: set the timers. The format of a record that a later version wrote, if any."""
        for key, value in self._stored.items():
            head = records.header(value)
            if head.format > (account_record.FORMAT if key.startswith(ACCOUNT_KEYS) else FORMAT):
                return head.format
            if head.due:
                self._timers.append((head.due, key))
            self.population[_kind(key, head.stage)] += 1
            self.size += len(value)
        heapq.heapify(self._timers)
        return None

    def owing(self) -> Iterator[tuple[str, Lead]]:
        """The records that a former owner may have died with effects owed."""
        keys = [key for key, value in self._stored.items() if value[1] & OWED]
        for key in keys:
            found = self.get(key)
            if found is not None:
                yield key, found

    def account(self, key: str) -> Account | None:
        """The record of a company, None for one that was never told of."""
        found = self._accounts.get(key)
        if found is None:
            value = self._stored.get(key)
            if value is None:
                return None
            found = self._accounts[key] = account_record.decode(value)
        return found

    def open_account(self, key: str) -> Account:
        """The record of a company, a new and empty one if there is none."""
        found = self.account(key)
        if found is None:
            found = self._accounts[key] = Account()
        return found

    def lasting_accounts(self) -> Iterator[tuple[str, Account]]:
        """After a restore: the companies that are something to us, and some that have open handoffs."""
        for key, value in self._stored.items():
            if key.startswith(ACCOUNT_KEYS) and records.header(value).expires == NEVER:
                yield key, account_record.decode(value)

    def get(self, key: str) -> Lead | None:
        """The record, None for a key that was never seen."""
        found = self._hot.get(key)
        if found is None:
            value = self._stored.get(key)
            if value is None:
                return None
            found = self._hot[key] = records.decode(value)
        return found

    def create(self, key: str) -> Lead:
        """A new, empty record."""
        fresh = self._hot[key] = Lead()
        return fresh

    def __iter__(self) -> Iterator[str]:
        """The keys of all records, also of those that were never taken."""
        yield from self._stored
        yield from (key for key in self._dirty if key not in self._stored)

    def each(self) -> Iterator[tuple[str, Lead]]:
        """Every lead's record as it is now; none is kept as an object for that."""
        for key in self:
            if not key.startswith(ACCOUNT_KEYS):
                yield key, self._hot.get(key) or records.decode(self._stored[key])

    def replace(self, key: str, record: Lead) -> None:
        """Put another record in a key's place."""
        self._hot[key] = record
        self._dirty[key] = None

    def touch(self, key: str) -> None:
        self._dirty[key] = None

    def stored(self, key: str) -> bytes | None:
        """The record as it was taken last, None if there is none; only where nothing of it is `untaken`."""
        return self._stored.get(key)

    def untaken(self, key: str) -> bool:
        """Whether the record changed since the last take."""
        return key in self._dirty or key.encode() in self._settled

    def dump(self) -> dict[str, bytes]:
        """All records as bytes, for comparison; nothing may be dirty."""
        return self._stored

    def take(self, model: Model) -> list[tuple[bytes, bytes | None]]:
        """The changed records as changelog entries; the table holds the same bytes from now on."""
        self.settle(model)
        taken, self._settled = list(self._settled.items()), {}
        if len(self._hot) > HOT:
            for key in list(self._hot)[: len(self._hot) - HOT // 2]:
                del self._hot[key]
        if len(self._accounts) > HOT:
            self._accounts.clear()
        return taken

    def settle(self, model: Model) -> None:
        """Turn the changed records into bytes by the model under which they changed; `take` gives them out."""
        for key in self._dirty:
            self._settled[key.encode()] = self._store(key, model)
        self._dirty = {}

    def renew(self, before: Model) -> None:
        """Another model than `before` is in force: what time alone brings to a lead follows from it anew."""
        self.settle(before)
        for key, value in list(self._stored.items()):
            if value[1] & STAGE_BITS == Stage.MQL:
                found = self.get(key)
                assert found is not None
                found.quiet = NEVER
                self.touch(key)

    def _store(self, key: str, model: Model) -> bytes:
        before = self._stored.get(key)
        if key.startswith(ACCOUNT_KEYS):
            value, due = account_record.encode(self._accounts[key]), NEVER
        else:
            found = self._hot[key]
            aliased = bool(found.claims and not found.clock) or (found.erased != NEVER and not found.clock)
            stage = ALIASED if aliased else found.state.stage
            due = NEVER if aliased else _due(found, model)
            expires = _expires(found, aliased, model)
            value = records.encode(found, stage | OWED if found.owed else stage, due, expires)
        self._stored[key] = value
        self.size += len(value) - (len(before) if before is not None else 0)
        if before is None or before[1] != value[1]:
            if before is not None:
                self.population[_kind(key, before[1])] -= 1
            self.population[_kind(key, value[1])] += 1
        if due and (before is None or records.header(before).due != due):
            heapq.heappush(self._timers, (due, key))
        return value

    @property
    def next_timer(self) -> int | None:
        return self._timers[0][0] if self._timers else None

    def pop_timer(self, before: int) -> str | None:
        """The key of a timer that may be due before this instant, each once; None if there is no more."""
        while self._timers and self._timers[0][0] < before:
            due, key = heapq.heappop(self._timers)
            value = self._stored.get(key)
            if value is not None and (key in self._dirty or records.header(value).due <= due):
                return key
        return None

    def set_timer(self, due: int, key: str) -> None:
        heapq.heappush(self._timers, (due, key))

    def sweep(self, at: int, model: Model) -> list[tuple[bytes, bytes | None]]:
        """Drop the records that nothing needs any more; their tombstones."""
        for key in self._dirty:  # what goes must not depend on when the table was last taken
            self._store(key, model)
        gone = [key for key, value in self._stored.items() if 0 < records.header(value).expires < at]
        for key in gone:
            self._dirty.pop(key, None)
            self._settled.pop(key.encode(), None)
            dropped = self._stored.pop(key)
            self.population[_kind(key, dropped[1])] -= 1
            self.size -= len(dropped)
            self._hot.pop(key, None)
            self._accounts.pop(key, None)
        return [(key.encode(), None) for key in gone]


def _kind(key: str, stage: int) -> tuple[str, str]:
    kind = {"e": "email", "u": "user", "a": "anonymous"}.get(key[0], "other")
    plain = stage & STAGE_BITS
    if plain == ACCOUNT:
        return "company", "account"
    return kind, "alias" if plain == ALIASED else Stage(plain).word


def _due(found: Lead, model: Model) -> int:
    """When a timer has to be looked at: never too late, and often too early."""
    quiet = found.quiet if found.quiet > found.clock else quiet_until(found, model, found.clock)
    return quiet + 1 if quiet != NEVER else NEVER


def _expires(found: Lead, aliased: bool, model: Model) -> int:
    """When a record may be dropped: nobody's, and nothing in it can count any more; or a stub unused for long."""
    if aliased:
        return NEVER if found.state.cycle else found.arrival + UNUSED_STUBS
    if found.known or found.issued or found.erased or found.state.stage != Stage.VISITOR:
        return NEVER
    useless = found.clock + model.longest + DAY
    return max(useless, found.arrival + UNUSED_STUBS) if found.claims else useless  # known to be shared
