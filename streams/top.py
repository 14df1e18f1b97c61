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
    latency: tuple[float | None, float | None]
    transaction: tuple[float | None, float | None]
    lost: float
    state_bytes: float
    dirty: float
    partitions: Mapping[str, float]
    models: Mapping[str, float]
    dead_letters: Mapping[str, float]
    requests: Mapping[str, float]
    refused: Mapping[str, float]
    buffered: float
    connectors: Mapping[str, tuple[float, float, bool]]


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
        handoffs=sum(now.samples.get("leadstreams_handoffs_total", {}).values()),
        accepted=accepted / (accepted + rejected) if accepted + rejected else None,
        overdue=flow.total("leadstreams_notes_total", "type").get("handoff_overdue", 0.0),
        latency=_both(flow, "leadstreams_handoff_latency_seconds"),
        transaction=_both(flow, "leadstreams_transaction_duration_seconds"),
        lost=sum(now.samples.get("leadstreams_transactions_lost_total", {}).values()),
        state_bytes=sum(now.samples.get("leadstreams_state_bytes", {}).values()),
        dirty=sum(now.samples.get("leadstreams_dirty_leads", {}).values()),
        partitions=_by(now, "leadstreams_partitions", "state"),
        models={name: count for name, count in models.items() if count},
        dead_letters=flow.total("leadstreams_dead_letters_total", "reason"),
        requests=flow.rates("leadstreams_collector_requests_total", "status"),
        refused=flow.total("leadstreams_collector_rejected_total", "reason"),
        buffered=sum(now.samples.get("leadstreams_collector_in_flight_bytes", {}).values()),
        connectors=_connectors(flow, now),
    )


def _connectors(flow: "Between", now: Look) -> dict[str, tuple[float, float, bool]]:
    """By name: deliveries a second, records to deliver, whether nothing is sent."""
    rates = flow.rates("leadstreams_connector_delivered_total", "connector")
    lags = _by(now, "leadstreams_connector_lag_records", "connector")
    stuck = _by(now, "leadstreams_connector_open", "connector")
    names = sorted({*rates, *lags, *stuck})
    return {name: (rates.get(name, 0.0), lags.get(name, 0.0), bool(stuck.get(name))) for name in names}


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

    def quantile(self, histogram: str, share: float) -> float | None:
        """As Prometheus's `histogram_quantile` does it; over the processes' whole lives where nothing happened."""
        later = _by(self.now, f"{histogram}_bucket", "le")
        earlier = _by(self.before, f"{histogram}_bucket", "le") if self.now.at > self.before.at else {}
        recent = {bound: _grown(earlier.get(bound, 0.0), count) for bound, count in later.items()}
        counts = recent if recent.get("+Inf") else later
        return quantile(share, {float(bound): count for bound, count in counts.items()})


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
