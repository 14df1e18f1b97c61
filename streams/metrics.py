"""Every metric of the worker, and why it moves. Seconds and bytes; no lead, address or URL in a label."""

from importlib.metadata import version
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, Info

_DURATIONS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)

# One per record read, when it is applied: the rate is the load, and `outcome` says what became of it (scored,
# duplicate, forwarded, rejected...). Work that a lost transaction undid is counted again when it is repeated.
EVENTS = Counter("leadstreams_events", "Records applied", ["topic", "outcome"])

# One per batch that an agent hands to a partition: grows with the batch, jumps when scoring becomes slow.
BATCH_DURATION = Histogram(
    "leadstreams_batch_duration_seconds", "Time to apply one batch", ["topic"], buckets=_DURATIONS
)

# One per handoff, when its transaction is committed: from the event's arrival at the log to a handoff that
# consumers can read. Rises with lag, with slow transactions, and after a rebalance.
HANDOFF_LATENCY = Histogram(
    "leadstreams_handoff_latency_seconds",
    "From an event's arrival to its handoff's commit",
    buckets=(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)

# Records between what is applied and the last stable offset: rises when events come faster than they are applied,
# when a partition is restoring or halted, and while somebody's transaction is open.
LAG_RECORDS = Gauge("leadstreams_lag_records", "Records not yet applied", ["topic", "partition"])

# Age of the newest applied record while there are unread ones, else 0: how old a score may be.
LAG_SECONDS = Gauge("leadstreams_lag_seconds", "Age of the newest applied record", ["topic", "partition"])

# Leads in this worker's partitions: moves with stages, with new and swept leads, and with every rebalance.
LEADS = Gauge("leadstreams_leads", "Leads held", ["kind", "stage"])

# One per change of stage; a burst means an import, a new model or a wrong one.
TRANSITIONS = Counter("leadstreams_transitions", "Changes of stage", ["from_stage", "to_stage"])

# One per handoff event, by kind (sql, update, shadow); silence during sales hours is worth an alert.
HANDOFFS = Counter("leadstreams_handoffs", "Handoff events", ["kind"])

# One per refused record; `undecodable_batch` counts whole batches.
DEAD_LETTERS = Counter("leadstreams_dead_letters", "Refused records", ["reason"])

# One per partition taken over: fence, changelog, seek. Follows the number of leads, not their history.
RESTORE_DURATION = Histogram(
    "leadstreams_restore_duration_seconds",
    "Time to take over a partition",
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)

# Changelog records read while taking over.
RESTORED_RECORDS = Counter("leadstreams_restored_records", "Changelog records restored")

# One per flush, from the first batch sent to the confirmed commit: the broker's health in one number.
TRANSACTION_DURATION = Histogram(
    "leadstreams_transaction_duration_seconds", "Time of one transaction", buckets=_DURATIONS
)

# Flushes that were not confirmed (fenced, timed out, broker gone): the partition was restored and repeated.
TRANSACTIONS_LOST = Counter("leadstreams_transactions_lost", "Transactions without a confirmed commit")

# Events and bytes (before compression) in one flush: grow with load, since busy partitions flush less often.
FLUSH_EVENTS = Histogram(
    "leadstreams_flush_events", "Events in one flush", buckets=(1, 10, 100, 1_000, 5_000, 20_000, 100_000)
)
FLUSH_BYTES = Histogram(
    "leadstreams_flush_size_bytes",
    "Size of one flush",
    buckets=(1_000, 10_000, 100_000, 1_000_000, 5_000_000, 20_000_000),
)

# Batches that wait for an agent, in bytes: at the limit (64 MB) the worker reads no more until they are applied.
BUFFERED_BYTES = Gauge("leadstreams_buffered_bytes", "Bytes read and not yet applied")

# Partition numbers of this worker by state: open, opening, halted. Their sum changes with a rebalance.
PARTITIONS = Gauge("leadstreams_partitions", "Partitions owned", ["state"])

# 1 while a topic-partition is stopped because too much of it was refused: an operator is needed.
HALTED = Gauge("leadstreams_halted", "Topic-partition stopped", ["topic", "partition"])

# Exceptions while applying a batch: always a bug; the partition is restored and tried again a few times.
FAILURES = Counter("leadstreams_apply_failures", "Exceptions while applying a batch", ["topic"])

# 1 if the broker answered the last question (asked each second).
BROKER_UP = Gauge("leadstreams_broker_up", "Whether the broker answers")

# Constant 1; joins a version to the other metrics.
BUILD = Info("leadstreams_build", "Version of the program")
BUILD.info({"version": version("leadstreams")})


_COUNTERS: Final = {"event": EVENTS, "transition": TRANSITIONS, "handoff": HANDOFFS, "dead_letter": DEAD_LETTERS}


def add(name: tuple[str, ...], amount: int) -> None:
    """Count what a partition reports: (`event`, topic, outcome), (`transition`, from, to), (`handoff`, kind) or
    (`dead_letter`, reason)."""
    _COUNTERS[name[0]].labels(*name[1:]).inc(amount)
