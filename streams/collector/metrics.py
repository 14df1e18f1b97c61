"""The collector's metrics. Seconds and bytes; no label holds anything that a sender chose."""

from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

_PRODUCE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class EdgeMetrics:
    """One instance per collector, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "leadstreams_collector_requests",
            "Requests answered; moves with traffic, its 503 while Kafka is away",
            ["route", "status"],
            registry=self.registry,
        )
        self.events = Counter(
            "leadstreams_collector_events",
            "Events acknowledged by the broker",
            ["topic"],
            registry=self.registry,
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
        self._answered: dict[tuple[str, int], Counter] = {}
        self._accepted: dict[str, Counter] = {}

    def answered(self, route: str, status: int) -> None:
        """One request was answered."""
        counter = self._answered.get((route, status))
        if counter is None:
            counter = self._answered[route, status] = self.requests.labels(route, str(status))
        counter.inc()

    def accepted(self, topic: str, events: int) -> None:
        """So many events of a topic were acknowledged."""
        counter = self._accepted.get(topic)
        if counter is None:
            counter = self._accepted[topic] = self.events.labels(topic)
        counter.inc(events)
