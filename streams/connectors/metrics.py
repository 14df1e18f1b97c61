"""Every metric of a connector, and why it moves. Seconds and records; no lead, address or URL in a label."""

from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from streams.connectors.event import CHANGES

REGISTRY: Final = CollectorRegistry()
"""Of its own: what a worker has to say of itself would be a lie here (no broker, no leads)."""

# One per event that the receiver has, by kind (sql, or the change): silence during sales hours is worth an alert.
DELIVERED = Counter(
    "leadstreams_connector_delivered", "Events delivered", ["connector", "kind"], registry=REGISTRY
)

# One per dead letter: the receiver will never take the event. Any is worth a look.
REFUSED = Counter(
    "leadstreams_connector_refused", "Events that became dead letters", ["connector"], registry=REGISTRY
)

# One per event and failed attempt: moves while the receiver is away, slow or out of quota.
RETRIED = Counter("leadstreams_connector_retried", "Deliveries to be repeated", ["connector"], registry=REGISTRY)

# One per event of a type that this version does not know: the worker is newer than the connector.
PASSED_OVER = Counter(
    "leadstreams_connector_passed_over", "Events of an unknown type", ["connector"], registry=REGISTRY
)

# Records between what is delivered and the end of the topic: rises while the receiver cannot keep up.
LAG = Gauge("leadstreams_connector_lag_records", "Records not yet delivered", ["connector"], registry=REGISTRY)

# 1 while nothing is sent because the receiver as a whole refuses: its quota, its outage, our credentials.
OPEN = Gauge("leadstreams_connector_open", "Whether the circuit breaker is open", ["connector"], registry=REGISTRY)

# One per delivery, which may be many events: the receiver's own pace.
_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
DURATION = Histogram(
    "leadstreams_connector_delivery_seconds",
    "Time of one delivery",
    ["connector"],
    buckets=_SECONDS,
    registry=REGISTRY,
)

# One per delivered event: from the instant at which the criteria were met until the receiver had it.
_AGES: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 86400.0)
AGE = Histogram(
    "leadstreams_connector_age_seconds",
    "Age of an event at delivery",
    ["connector"],
    buckets=_AGES,
    registry=REGISTRY,
)

# Constant 1; joins a version to the other metrics.
BUILD = Info("leadstreams_connector_build", "Version of the program", registry=REGISTRY)
BUILD.info({"version": version("leadstreams")})
ProcessCollector(registry=REGISTRY)


def begin(connector: str) -> None:
    """Every series of a connector from zero: Prometheus cannot see the first step of one that begins with it."""
    for kind in ("sql", *CHANGES):
        DELIVERED.labels(connector, kind)
    for metric in (REFUSED, RETRIED, PASSED_OVER, LAG, OPEN, DURATION, AGE):
        metric.labels(connector)
