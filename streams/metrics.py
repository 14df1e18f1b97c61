"""Every metric of the worker, and why it moves. Seconds and bytes; no lead, address or URL in a label."""

from importlib.metadata import version
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, Info, disable_created_metrics

from schemas.dead_letter import Reason
from schemas.event import FEEDBACK_TYPES
from streams import topics

# A counter's creation time would be a second series for each, which no query here asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

FAMILY: Final = "leadstreams_"
"""What all names begin with."""

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

# One per handoff, at the same instant as above, but from when the criteria were met on event time: what a
# salesperson would call its age. Rises with senders that are late; hours during an import of history.
HANDOFF_AGE = Histogram(
    "leadstreams_handoff_age_seconds",
    "From the instant at which the criteria were met to the handoff's commit",
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 86_400.0),
)

# One per flush: from the first record applied after the last flush to the confirmed commit, which is our own part
# of the latency. At least the setting flush_ms, up to 0.1 s more where no handoff waits; rises with slow
# transactions and with a backlog.
COMMIT_DELAY = Histogram(
    "leadstreams_commit_delay_seconds", "From the first record applied to its commit", buckets=_DURATIONS
)

# Records between what is applied and the last stable offset: rises when events come faster than they are applied,
# when a partition is restoring or halted, and while somebody's transaction is open.
LAG_RECORDS = Gauge("leadstreams_lag_records", "Records not yet applied", ["topic", "partition"])

# Age of the newest applied record while there are unread ones, else 0: how old a score may be.
LAG_SECONDS = Gauge("leadstreams_lag_seconds", "Age of the newest applied record", ["topic", "partition"])

# Leads in this worker's partitions: moves with stages, with new and swept leads, and with every rebalance.
LEADS = Gauge("leadstreams_leads", "Leads held", ["kind", "stage"])

# Bytes of all lead records, as they stand in the changelog; the process needs about three times as much.
STATE_BYTES = Gauge("leadstreams_state_bytes", "Size of the lead records held")

# Records changed and not yet written: follows the load, falls to 0 at each flush, grows while no commit succeeds.
DIRTY = Gauge("leadstreams_dirty_leads", "Records changed since the last flush")

# Partitions by the scoring model that they run: two models at once while a new one is being taken up.
MODEL = Gauge("leadstreams_model_partitions", "Partitions that run a model", ["model", "version", "hash"])

# One per change of stage; a burst means an import, a new model or a wrong one.
TRANSITIONS = Counter("leadstreams_transitions", "Changes of stage", ["from_stage", "to_stage"])

# One per change of stage, by the lower end of the 20 points into which the score falls (100: that or more). The
# shape is the model's: it changes with the model, with the audience, or with a broken sender.
SCORES = Counter("leadstreams_transition_scores", "Changes of stage by score", ["band"])

# At each change of stage one per rule with points there from the day before. A rule that falls silent lost its
# events (a renamed form, a broken tracker); one that counts at every change tells nobody apart.
RULES = Counter("leadstreams_transition_rules", "Changes of stage at which a rule counted anew", ["rule"])

# One per remark about a lead that changes no stage: review_requested, existing_relationship, handoff_overdue,
# lead_updated. Overdue handoffs are the ones to look at.
NOTES = Counter("leadstreams_notes", "Remarks about leads", ["type"])

# One per piece of feedback applied, by type. Rejected against accepted tells whether sales agrees with the model.
FEEDBACK = Counter("leadstreams_feedback", "Feedback of sales", ["type"])

# One per handoff event, by kind (sql, shadow); silence during sales hours is worth an alert.
HANDOFFS = Counter("leadstreams_handoffs", "Handoff events", ["kind"])

# One per refused record; `undecodable_batch` counts whole batches.
DEAD_LETTERS = Counter("leadstreams_dead_letters", "Refused records", ["reason"])

# One per partition taken over: fence, changelog, seek. Follows the number of leads, not their history.
RESTORE_DURATION = Histogram(
    "leadstreams_restore_duration_seconds",
    "Time to take over a partition",
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)

# Changelog records read while taking over, as it goes: the rate is how fast restoring is.
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


BANDS: Final = tuple(str(points) for points in range(0, 120, 20))
REMARKS: Final = ("review_requested", "existing_relationship", "handoff_overdue", "lead_updated")
_KNOWN: Final[dict[Counter, list[tuple[str, ...]]]] = {
    EVENTS: [(topic, outcome) for topic in topics.INPUTS for outcome in ("scored", "rejected")],
    HANDOFFS: [("sql",), ("shadow",)],
    SCORES: [(band,) for band in BANDS],
    NOTES: [(remark,) for remark in REMARKS],
    FEEDBACK: [(kind,) for kind in sorted(FEEDBACK_TYPES)],
    DEAD_LETTERS: [(reason.value,) for reason in Reason],
    FAILURES: [(topic,) for topic in topics.SOURCES],
}
"""What is counted from zero: Prometheus cannot see the first step of a series that begins with it."""

for _counter, _known in _KNOWN.items():
    for _labels in _known:
        _counter.labels(*_labels)

_COUNTERS: Final = {
    "event": EVENTS,
    "transition": TRANSITIONS,
    "score": SCORES,
    "rule": RULES,
    "note": NOTES,
    "feedback": FEEDBACK,
    "handoff": HANDOFFS,
    "dead_letter": DEAD_LETTERS,
}


def add(name: tuple[str, ...], amount: int) -> None:
    """Count what a partition reports: (`event`, topic, outcome), (`transition`, from, to), (`score`, band),
    (`rule`, id), (`note`, type), (`feedback`, type), (`handoff`, kind) or (`dead_letter`, reason)."""
    _COUNTERS[name[0]].labels(*name[1:]).inc(amount)
