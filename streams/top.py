"""What the dashboards show, computed from the /metrics of the processes: rates and shares between two looks."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]

STAGES: Final = (
    *("visitor", "lead", "mql", "recycled", "disqualified", "sql", "accepted", "opportunity", "customer"),
)


class Look(NamedTuple):
    """All samples of all processes at one instant (Unix seconds): by name and labels, summed over processes.

    `silent` are the addresses that did not answer.
    """

    at: float
    samples: Mapping[str, Mapping[Labels, float]]
    silent: tuple[str, ...] = ()


class Figures(NamedTuple):
    """One screen. Rates are per second, durations in seconds; None is what nothing is known of."""

    events: Mapping[str, float]
    outcomes: Mapping[str, float]
    lag_records: Mapping[str, float]
    lag_seconds: float
    leads: Mapping[str, float]
    handoffs: float
    accepted: float | None
    overdue: float
    scores: Mapping[str, float]
    moves: float
    latency: tuple[float | None, float | None]
    age: tuple[float | None, float | None]
    delay: tuple[float | None, float | None]
    batch: tuple[float | None, float | None]
    transaction: tuple[float | None, float | None]
    restoring: tuple[float | None, float | None]
    restored: float
    lost: float
    failures: float
    halted: float
    waiting: float
    memory: float
    state_bytes: float
    dirty: float
    partitions: Mapping[str, float]
    models: Mapping[str, float]
    dead_letters: Mapping[str, float]
    requests: Mapping[str, float]
    refused: Mapping[str, float]
    produced: tuple[float | None, float | None]
    taken: float
    kafka_up: bool
    buffered: float
    connectors: Mapping[str, "Connector"]


class Connector(NamedTuple):
    """Deliveries a second, records to deliver, whether nothing is sent; then since its start."""

    rate: float
    lag: float
    stuck: bool
    repeated: float
    refused: float
    delivery: float | None
    age: float | None


def look(at: float, texts: Iterable[str], silent: Iterable[str] = ()) -> Look:
    """Read expositions. Samples with the same labels are added up, except of what is a highest value."""
    samples: dict[str, dict[Labels, float]] = defaultdict(lambda: defaultdict(float))
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = tuple(sorted(sample.labels.items()))
                samples[sample.name][labels] += sample.value
    return Look(at, {name: dict(found) for name, found in samples.items()}, tuple(silent))


def figures(before: Look, now: Look) -> Figures:
    """What is now, and what happened per second since `before`."""
    flow = Between(before, now)
    answered = flow.total("leadstreams_feedback_total", "type")
    accepted, rejected = (answered.get(f"handoff_{word}", 0.0) for word in ("accepted", "rejected"))
    models = _by(now, "leadstreams_model_partitions", "model", "version")
    return Figures(
        events=flow.rates("leadstreams_events_total", "topic"),
        outcomes=flow.rates("leadstreams_events_total", "outcome"),
        lag_records=_by(now, "leadstreams_lag_records", "topic"),
        lag_seconds=max(now.samples.get("leadstreams_lag_seconds", {}).values(), default=0.0),
        leads=_by(now, "leadstreams_leads", "stage"),
        handoffs=_sum(now, "leadstreams_handoffs_total"),
        accepted=accepted / (accepted + rejected) if accepted + rejected else None,
        overdue=flow.total("leadstreams_notes_total", "type").get("handoff_overdue", 0.0),
        scores=flow.total("leadstreams_transition_scores_total", "band"),
        moves=sum(flow.rates("leadstreams_transitions_total", "to_stage").values()),
        latency=_both(flow, "leadstreams_handoff_latency_seconds"),
        age=_both(flow, "leadstreams_handoff_age_seconds"),
        delay=_both(flow, "leadstreams_commit_delay_seconds"),
        batch=_both(flow, "leadstreams_batch_duration_seconds"),
        transaction=_both(flow, "leadstreams_transaction_duration_seconds"),
        restoring=_both(flow, "leadstreams_restore_duration_seconds"),
        restored=sum(flow.rates("leadstreams_restored_records_total", "").values()),
        lost=_sum(now, "leadstreams_transactions_lost_total"),
        failures=_sum(now, "leadstreams_apply_failures_total"),
        halted=_sum(now, "leadstreams_halted"),
        waiting=_sum(now, "leadstreams_buffered_bytes"),
        memory=_sum(now, "process_resident_memory_bytes"),
        state_bytes=_sum(now, "leadstreams_state_bytes"),
        dirty=_sum(now, "leadstreams_dirty_leads"),
        partitions=_by(now, "leadstreams_partitions", "state"),
        models={name: count for name, count in models.items() if count},
        dead_letters=flow.total("leadstreams_dead_letters_total", "reason"),
        requests=flow.rates("leadstreams_collector_requests_total", "status"),
        refused=flow.total("leadstreams_collector_rejected_total", "reason"),
        produced=_both(flow, "leadstreams_collector_produce_seconds"),
        taken=sum(flow.rates("leadstreams_collector_events_total", "topic").values()),
        kafka_up=all(_all(now, "leadstreams_broker_up") + _all(now, "leadstreams_collector_kafka_up")),
        buffered=_sum(now, "leadstreams_collector_in_flight_bytes"),
        connectors=_connectors(flow, now),
    )


def _connectors(flow: "Between", now: Look) -> dict[str, Connector]:
    """By name."""
    rates = flow.rates("leadstreams_connector_delivered_total", "connector")
    lags = _by(now, "leadstreams_connector_lag_records", "connector")
    stuck = _by(now, "leadstreams_connector_open", "connector")
    repeated = flow.total("leadstreams_connector_retried_total", "connector")
    refused = flow.total("leadstreams_connector_refused_total", "connector")
    return {
        name: Connector(
            rates.get(name, 0.0),
            lags.get(name, 0.0),
            bool(stuck.get(name)),
            repeated.get(name, 0.0),
            refused.get(name, 0.0),
            flow.quantile("leadstreams_connector_delivery_seconds", 0.95, ("connector", name)),
            flow.quantile("leadstreams_connector_age_seconds", 0.95, ("connector", name)),
        )
        for name in sorted({*rates, *lags, *stuck})
    }


def _all(at: Look, name: str) -> list[float]:
    return list(at.samples.get(name, {}).values())


def _sum(at: Look, name: str) -> float:
    return sum(_all(at, name))


def _both(flow: "Between", histogram: str) -> tuple[float | None, float | None]:
    return flow.quantile(histogram, 0.5), flow.quantile(histogram, 0.99)


def _by(at: Look, name: str, *labels: str) -> dict[str, float]:
    """Sums by one label, or by several joined with a blank."""
    sums: dict[str, float] = defaultdict(float)
    for found, value in at.samples.get(name, {}).items():
        known = dict(found)
        sums[" ".join(known.get(label, "") for label in labels)] += value
    return dict(sums)


class Between(NamedTuple):
    """What happened from one look to the next; a counter that fell was started anew."""

    before: Look
    now: Look

    def rates(self, name: str, label: str) -> dict[str, float]:
        """Per second, by one label; nothing at the first look."""
        span = self.now.at - self.before.at
        earlier, later = _by(self.before, name, label), _by(self.now, name, label)
        if span <= 0:
            return dict.fromkeys(later, 0.0)
        return {key: _grown(earlier.get(key, 0.0), value) / span for key, value in later.items()}

    def total(self, name: str, label: str) -> dict[str, float]:
        """Since the processes started, by one label, without what never happened."""
        return {key: value for key, value in _by(self.now, name, label).items() if value}

    def quantile(self, histogram: str, share: float, of: tuple[str, str] | None = None) -> float | None:
        """As Prometheus's `histogram_quantile` does it; over the processes' whole lives where nothing happened.

        `of`: only the series with this label and value.
        """
        later = _buckets(self.now, histogram, of)
        earlier = _buckets(self.before, histogram, of) if self.now.at > self.before.at else {}
        recent = {bound: _grown(earlier.get(bound, 0.0), count) for bound, count in later.items()}
        counts = recent if recent.get("+Inf") else later
        return quantile(share, {float(bound): count for bound, count in counts.items()})


def _buckets(at: Look, histogram: str, of: tuple[str, str] | None) -> dict[str, float]:
    found = at.samples.get(f"{histogram}_bucket", {})
    kept = {labels: value for labels, value in found.items() if of is None or of in labels}
    return _by(Look(at.at, {histogram: kept}), histogram, "le")


def _grown(earlier: float, later: float) -> float:
    return later - earlier if later >= earlier else later


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """Linear within a cumulative histogram's bucket; the highest finite bound for what lies beyond it."""
    total = buckets.get(math.inf, 0.0)
    if not total:
        return None
    low, below = 0.0, 0.0
    for bound, count in sorted(buckets.items()):
        if count >= share * total:
            if math.isinf(bound) or count == below:
                return low
            return low + (bound - low) * (share * total - below) / (count - below)
        low, below = bound, count
    return low
