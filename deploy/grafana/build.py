"""The Grafana dashboards as code: `python deploy/grafana/build.py` writes deploy/grafana/dashboards/*.json."""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDER: Final = Path(__file__).parent / "dashboards"
SOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
WIDTH, HEIGHT = 8, 7
PER_ROW: Final = 3


class Panel(NamedTuple):
    """One panel: `queries` are expressions with their legends; `unit` is one of Grafana's."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    says: str = ""


def _quantiles(histogram: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (f"histogram_quantile({share}, sum by (le) (rate({histogram}_bucket[5m])))", f"p{share * 100:g}")
        for share in (0.5, 0.95, 0.99)
    )


def _p95_of(histogram: str) -> str:
    return f"histogram_quantile(0.95, sum by (connector, le) (rate({histogram}_bucket[5m])))"


FUNNEL: Final = (
    Panel("Leads by stage", (("leadstreams:leads:sum", "{{stage}}"),), kind="bargauge"),
    Panel(
        "Handoffs a day",
        (("sum by (kind) (increase(leadstreams_handoffs_total[1d]))", "{{kind}}"),),
        says="shadow: what would have been handed over",
    ),
    Panel(
        "Accepted by sales, 7 days",
        (("leadstreams:feedback:accepted_ratio7d", "accepted"),),
        "percentunit",
        "stat",
        "of the handoffs that sales accepted or rejected",
    ),
    Panel(
        "Answered late, 7 days",
        (('sum(increase(leadstreams_notes_total{type="handoff_overdue"}[7d]))', "overdue"),),
        kind="stat",
    ),
    Panel(
        "What sales did, a day",
        (("sum by (type) (increase(leadstreams_feedback_total[1d]))", "{{type}}"),),
        says="feedback by type",
    ),
    Panel(
        "Changes of stage an hour",
        (
            (
                "sum by (from_stage, to_stage) (increase(leadstreams_transitions_total[1h]))",
                "{{from_stage}} to {{to_stage}}",
            ),
        ),
    ),
    Panel(
        "Score at changes of stage",
        (("leadstreams:transition_scores:share6h", "from {{band}}"),),
        "percentunit",
        says="share of each band of 20 points; moves with the model",
    ),
    Panel(
        "To look at, a day",
        (("sum by (type) (increase(leadstreams_notes_total[1d]))", "{{type}}"),),
    ),
    Panel(
        "Age of a handoff",
        _quantiles("leadstreams_handoff_age_seconds"),
        "s",
        says="from when the criteria were met to when sales can read it",
    ),
)

PIPELINE: Final = (
    Panel("Events by topic", (("sum by (topic) (leadstreams:events:rate5m)", "{{topic}}"),), "ops"),
    Panel("What becomes of them", (("sum by (outcome) (leadstreams:events:rate5m)", "{{outcome}}"),), "ops"),
    Panel("Refused", (("leadstreams:rejected:ratio30m", "{{topic}}"),), "percentunit"),
    Panel("Lag", (("leadstreams:lag_records:sum", "{{topic}}"),), says="records not yet applied"),
    Panel("Lag in time", (("leadstreams:lag_seconds:max", "{{topic}}"),), "s"),
    Panel("Event's arrival to handoff", _quantiles("leadstreams_handoff_latency_seconds"), "s"),
    Panel(
        "Handoffs over a second",
        (
            ("leadstreams:handoff_latency:slow_ratio1h", "1 h"),
            ("leadstreams:handoff_latency:slow_ratio6h", "6 h"),
        ),
        "percentunit",
        says="the objective allows 1 %",
    ),
    Panel("Applied to committed", _quantiles("leadstreams_commit_delay_seconds"), "s"),
    Panel("Transactions", _quantiles("leadstreams_transaction_duration_seconds"), "s"),
    Panel("Batches", _quantiles("leadstreams_batch_duration_seconds"), "s"),
    Panel("Transactions lost", (("sum(increase(leadstreams_transactions_lost_total[15m]))", "in 15 min"),)),
    Panel("Exceptions", (("sum by (topic) (increase(leadstreams_apply_failures_total[15m]))", "{{topic}}"),)),
    Panel("Partitions", (("sum by (state) (leadstreams_partitions)", "{{state}}"),)),
    Panel("Restoring", (("sum(rate(leadstreams_restored_records_total[1m]))", "records/s"),), "ops"),
    Panel("Time to take over a partition", _quantiles("leadstreams_restore_duration_seconds"), "s"),
    Panel("State", (("sum by (instance) (leadstreams_state_bytes)", "{{instance}}"),), "bytes"),
    Panel("Memory of the process", (("process_resident_memory_bytes", "{{job}} {{instance}}"),), "bytes"),
    Panel(
        "Models",
        (("sum by (model, version, hash) (leadstreams_model_partitions)", "{{model}} {{version}} {{hash}}"),),
    ),
    Panel(
        "Dead letters an hour",
        (("sum by (reason) (increase(leadstreams_dead_letters_total[1h])) > 0", "{{reason}}"),),
    ),
    Panel("Halted", (("sum by (topic, partition) (leadstreams_halted) or vector(0)", "{{topic}} {{partition}}"),)),
    Panel(
        "Waiting",
        (
            ("sum(leadstreams_buffered_bytes)", "bytes read, not applied"),
            ("sum(leadstreams_dirty_leads)", "records changed, not written"),
        ),
    ),
)

EDGE: Final = (
    Panel(
        "Requests", (("sum by (status) (rate(leadstreams_collector_requests_total[5m]))", "{{status}}"),), "reqps"
    ),
    Panel(
        "Requests by route",
        (("sum by (route) (rate(leadstreams_collector_requests_total[5m]))", "{{route}}"),),
        "reqps",
    ),
    Panel("Answered with 5xx", (("leadstreams:collector_requests:ratio5xx5m", "share"),), "percentunit"),
    Panel(
        "Events taken", (("sum by (topic) (rate(leadstreams_collector_events_total[5m]))", "{{topic}}"),), "ops"
    ),
    Panel("Refused", (("sum by (reason) (rate(leadstreams_collector_rejected_total[5m]))", "{{reason}}"),), "ops"),
    Panel("Until Kafka has it", _quantiles("leadstreams_collector_produce_seconds"), "s"),
    Panel("Buffer", (("sum by (instance) (leadstreams_collector_in_flight_bytes)", "{{instance}}"),), "bytes"),
    Panel("Kafka", (("leadstreams_collector_kafka_up", "{{instance}}"),), kind="stat"),
)

CONNECTORS: Final = (
    Panel(
        "Delivered",
        (
            (
                "sum by (connector, kind) (rate(leadstreams_connector_delivered_total[5m]))",
                "{{connector}} {{kind}}",
            ),
        ),
        "ops",
    ),
    Panel("Waiting", (("sum by (connector) (leadstreams_connector_lag_records)", "{{connector}}"),)),
    Panel(
        "Age at delivery, p95",
        (
            (
                _p95_of("leadstreams_connector_age_seconds"),
                "{{connector}}",
            ),
        ),
        "s",
    ),
    Panel(
        "One delivery, p95",
        (
            (
                _p95_of("leadstreams_connector_delivery_seconds"),
                "{{connector}}",
            ),
        ),
        "s",
    ),
    Panel(
        "Repeated",
        (("sum by (connector) (rate(leadstreams_connector_retried_total[5m]))", "{{connector}}"),),
        "ops",
    ),
    Panel(
        "Refused for good",
        (("sum by (connector) (increase(leadstreams_connector_refused_total[1h]))", "{{connector}}"),),
    ),
    Panel("Circuit open", (("max by (connector) (leadstreams_connector_open)", "{{connector}}"),)),
)

DASHBOARDS: Final = {
    "funnel": ("Leadstreams: funnel and follow-up", FUNNEL),
    "pipeline": ("Leadstreams: pipeline", PIPELINE),
    "edge": ("Leadstreams: edge", EDGE),
    "connectors": ("Leadstreams: connectors", CONNECTORS),
}


def dashboard(name: str) -> dict[str, Any]:
    """One dashboard's JSON model."""
    title, panels = DASHBOARDS[name]
    return {
        "uid": f"leadstreams-{name}",
        "title": title,
        "tags": ["leadstreams"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-6h", "to": "now"},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, PER_ROW)
    return {
        "id": number + 1,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for place, (query, legend) in enumerate(panel.queries)
        ],
    }


def rendered(name: str) -> str:
    """The file's content."""
    return json.dumps(dashboard(name), indent=2) + "\n"


if __name__ == "__main__":
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(rendered(name))
