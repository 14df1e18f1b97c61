"""What a partition takes in and gives out: the vocabulary between the pure core and the lane."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from streams import topics

Headers = tuple[tuple[str, bytes], ...]


class Record(Protocol):
    """A record as read from Kafka (aiokafka's ConsumerRecord is one); `timestamp` in Unix milliseconds."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Effect(NamedTuple):
    """A record that is owed to another topic. `lead` is whose record remembers the debt at least once."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    lead: str | None = None


class Own(NamedTuple):
    """The topics in which a partition keeps itself: its records, and the order in which it applied others'."""

    table: str = topics.LEAD_SCORES
    order: str = topics.LEAD_ORDER


class Changes(NamedTuple):
    """All that one flush writes, taken in one synchronous step so that offsets and state cannot disagree.

    `table` holds changelog records (None deletes), `meta` the partition's own record, to be written after them;
    `order` the value of one `lead-order` record; `offsets` the next offset to read of each source topic; `own` the
    topics that the table and the order belong to.
    """

    table: list[tuple[bytes, bytes | None]]
    meta: tuple[bytes, bytes]
    order: bytes | None
    effects: list[Effect]
    offsets: dict[str, int]
    events: int
    own: Own = Own()


class Durable(NamedTuple):
    """A record as the changelog holds it, None if there is none: everything before `offsets` is in it."""

    value: bytes | None
    offsets: dict[str, int]


class Refused(NamedTuple):
    """A partition cannot be taken over: one line that says why and what to do."""

    message: str


class Halted(NamedTuple):
    """A topic-partition was stopped at `offset` before anything of the batch was applied: too much was refused."""

    topic: str
    offset: int
    message: str


class Partition(Protocol):
    """The pure state of one partition number over all source topics: what the lane carries.

    Nothing here does I/O or awaits. `apply` after `restored`; `take` may be called at any time between batches.
    """

    number: int
    own: Own

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one changelog record, in log order."""

    def restored(self) -> Refused | None:
        """The changelog is read to its end: ready, or refused (unknown format, other partition count or mode)."""

    @property
    def offsets(self) -> dict[str, int]:
        """The next offset to read per source topic, from the meta record; a topic never read is absent."""

    def apply(self, topic: str, records: Sequence[Record], again: bool = False) -> Halted | None:
        """Apply one batch of one topic, in order. On Halted nothing of the batch was applied.

        `again`: the records were applied before a crash and are not judged once more: never Halted.
        """

    def refuse(self, topic: str, record: Record, detail: str) -> None:
        """In place of applying a record at which the core fails: a dead letter, and the next offset.

        `detail` names the failure and holds nothing of the record.
        """

    def issue_ticks(self, horizon: int) -> None:
        """Owe a tick for each timer due before `horizon` (Unix ms) less the model's lateness."""

    @property
    def next_due(self) -> int | None:
        """When the earliest timer is due (Unix ms), None without timers; a cheap look."""

    @property
    def pending(self) -> int:
        """Events applied and effects owed since the last `take`; 0 means there is nothing to flush."""

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for what is pending: a handoff, or what may become one, is on its way."""

    def take(self) -> Changes:
        """Hand over everything since the last `take`."""

    def confirm(self) -> None:
        """The last `take` is durable. At least once: its outbox entries are cleared by the next `take`."""
