"""The collector's metrics. Seconds and bytes; no label holds anything that a sender chose."""

from collections.abc import Iterable
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

_PRODUCE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Tally(Collector):
    """A counter that moves with every request, in one thread: prometheus_client's own takes a lock each time."""

    def __init__(self, name: str, documentation: str, labels: list[str], registry: CollectorRegistry) -> None:
        self._described = name, documentation, labels
        self._numbers: dict[tuple[str, ...], int] = {}
        registry.register(self)

    def add(self, number: int, *labels: str) -> None:
        """So many more under these labels."""
        self._numbers[labels] = self._numbers.get(labels, 0) + number

    def collect(self) -> Iterable[Metric]:
        """What a scrape shows."""
        name, documentation, labels = self._described
        family = CounterMetricFamily(name, documentation, labels=labels)
        for found, number in self._numbers.items():
            family.add_metric(found, number)
        yield family


class EdgeMetrics:
    """One instance per collector, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Tally(
            "leadstreams_collector_requests",
            "Requests answered; moves with traffic, its 503 while Kafka is away",
            ["route", "status"],
            self.registry,
        )
        self.events = Tally(
            "leadstreams_collector_events",
            "Events acknowledged by the broker",
            ["topic"],
            self.registry,
        )
        self.rejected = Counter(
            "leadstreams_collector_rejected",
            "Requests refused and messages of batches that became dead letters; moves when a sender is broken",
            ["reason"],
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "leadstreams_collector_in_flight_bytes",
            "Bytes of requests and records held until the broker has them; grows when Kafka slows down",
            registry=self.registry,
        )
        self.produce = Histogram(
            "leadstreams_collector_produce_seconds",
            "From handing records over until the broker acknowledged them",
            buckets=_PRODUCE_BUCKETS,
            registry=self.registry,
        )
        self.kafka_up = Gauge(
            "leadstreams_collector_kafka_up",
            "1 while Kafka is reachable and its topics are as they should be",
            registry=self.registry,
        )
        Info("leadstreams_collector_build", "Version of the program; constant 1", registry=self.registry).info(
            {"version": version("leadstreams")}
        )
        ProcessCollector(registry=self.registry)
