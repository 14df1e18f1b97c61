"""What is measured is what is shown and what wakes people: metrics, rules, dashboards and runbook go together."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from streams import metrics
from streams.collector.metrics import EdgeMetrics
from streams.connectors import metrics as connector_metrics
from streams.demo.play import Demo, Options, started
from streams.demo.processes import ask
from streams.demo.screen import Screen
from streams.demo.story import FEWEST
from tests.operations.prometheus import RULES, Prometheus

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted(Path(__file__).parent.glob("*.test.yml"))
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
LABELS_OF_PEOPLE = {"lead", "lead_key", "key", "email", "user_id", "anonymous_id", "url", "address", "name"}
PERSON = re.compile(r"@|^[eua][a-z0-9]-[0-9a-f]{32}")
MOST_SERIES = 2_000
PATIENCE_S = 40.0

needs_prometheus = pytest.mark.skipif(
    shutil.which("promtool") is None or shutil.which("prometheus") is None,
    reason="not run: install Debian's package prometheus",
)


def _build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dashboards", ROOT / "deploy" / "grafana" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILD = _build()


def rules(kind: str) -> list[dict[str, Any]]:
    """All rules of a kind, `alert` or `record`."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def queries() -> list[str]:
    """Every expression of every dashboard."""
    panels = [panel for name in BUILD.DASHBOARDS for panel in BUILD.dashboard(name)["panels"]]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def documented(registry: CollectorRegistry) -> set[str]:
    """The names of our metrics, without what the type adds."""
    return {family.name for family in registry.collect() if family.name.startswith("leadstreams_")}


def registries() -> list[CollectorRegistry]:
    """Of a worker, a collector and a connector."""
    assert metrics
    connector_metrics.begin("any")
    return [REGISTRY, EdgeMetrics().registry, connector_metrics.REGISTRY]


def known() -> set[str]:
    """Every series name that a query may use."""
    families = [family for registry in registries() for family in registry.collect()]
    names = {family.name for family in families} | {rule["record"] for rule in rules("record")}
    return names | {
        f"{family.name}{end}" for family in families for end in ("_total", "_bucket", "_count", "_sum")
    }


# --- without Prometheus


def test_every_expression_asks_for_metrics_that_exist() -> None:
    names = known() | {"up"}
    for expression in [*queries(), *(rule["expr"] for rule in [*rules("alert"), *rules("record")])]:
        asked = set(re.findall(r"\b(?:leadstreams|process)[a-z0-9_:]+", re.sub(r'"[^"]*"', "", expression)))
        assert asked <= names, expression


def test_every_metric_of_ours_is_shown_or_watched() -> None:
    used = " ".join([*queries(), *(rule["expr"] for rule in [*rules("alert"), *rules("record")])])
    ours = set().union(*map(documented, registries()))
    unwatched = {name for name in ours if not re.search(rf"\b{name}(?:_total|_bucket|_count)?\b", used)}

    # Of use in an investigation only.
    assert unwatched <= {
        *("leadstreams_build", "leadstreams_collector_build", "leadstreams_connector_build"),
        "leadstreams_flush_events",
        *("leadstreams_flush_size_bytes", "leadstreams_connector_passed_over"),
    }


def test_the_dashboards_are_as_their_code_says() -> None:
    for name in BUILD.DASHBOARDS:
        found = (BUILD.FOLDER / f"{name}.json").read_text()
        assert found == BUILD.rendered(name), "run python deploy/grafana/build.py"
    assert {path.stem for path in BUILD.FOLDER.glob("*.json")} == set(BUILD.DASHBOARDS)


def test_every_alert_leads_to_its_section_of_the_runbook() -> None:
    headings = re.findall(r"^#+ (.+)$", OPERATIONS, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for rule in rules("alert"):
        document, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert document == "docs/operations.md"
        assert anchor in anchors, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_alert_has_a_scenario_in_which_it_fires() -> None:
    tested = {
        case["alertname"]
        for path in SCENARIOS
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }
    assert tested == {rule["alert"] for rule in rules("alert")}


# --- with Prometheus


@needs_prometheus
def test_the_rules_are_valid() -> None:
    _promtool("check", "rules", *map(str, RULES))
    _promtool("check", "config", str(ROOT / "deploy" / "prometheus" / "prometheus.yml"))


@needs_prometheus
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name.partition(".")[0])
def test_alerts_fire_when_they_should_and_resolve(scenario: Path) -> None:
    _promtool("test", "rules", str(scenario))


def _promtool(*words: str, given: str | None = None) -> None:
    ran = subprocess.run(["promtool", *words], input=given, capture_output=True, text=True, timeout=180)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """A pipeline that has had a month of leads."""
    with started(Options(leads=FEWEST), Screen(Console(quiet=True))) as running:
        running.play()
        yield running


def _expositions(demo: Demo) -> dict[str, str]:
    ports = {"worker": demo.settings.worker_port, "collector": demo.settings.collector_port}
    return {name: ask(port, "/metrics") or "" for name, port in ports.items()}


@needs_prometheus
@pytest.mark.embedded
def test_what_the_processes_expose_is_well_formed(demo: Demo) -> None:
    for text in _expositions(demo).values():
        _promtool("check", "metrics", given=text)


@pytest.mark.embedded
def test_labels_name_no_person_and_the_series_are_few(demo: Demo) -> None:
    for text in _expositions(demo).values():
        series = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        assert 0 < len(series) < MOST_SERIES
        for sample in series:
            assert not LABELS_OF_PEOPLE & sample.labels.keys(), sample
            assert not any(
                "@" in value or re.match(r"[eua][a-z0-9]-[0-9a-f]{32}", value) for value in sample.labels.values()
            )


@pytest.fixture(scope="module")
def prometheus(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    ports = {"worker": demo.settings.worker_port, "collector": demo.settings.collector_port}
    jobs = {f"leadstreams-{name}": [port] for name, port in ports.items()}
    server = Prometheus(tmp_path_factory.mktemp("prometheus"), jobs, RULES)
    try:
        scraped = server.until("rate(leadstreams_restored_records_total[1m])", PATIENCE_S)
        assert scraped, "Prometheus scraped nothing"
        yield server
    finally:
        server.stop()


@needs_prometheus
@pytest.mark.embedded
def test_prometheus_finds_every_documented_metric(prometheus: Prometheus) -> None:
    found = set(prometheus.ask("label/__name__/values"))
    wanted = documented(REGISTRY) | documented(EdgeMetrics().registry)
    for name in wanted - {"leadstreams_halted"}:  # no series until something is
        assert {name, f"{name}_total", f"{name}_bucket", f"{name}_info"} & found, name


@needs_prometheus
@pytest.mark.embedded
def test_every_query_and_alert_can_be_evaluated_and_the_dashboards_show_data(prometheus: Prometheus) -> None:
    for rule in rules("alert"):
        prometheus.ask("query", query=rule["expr"])
    # What needs days of feedback, a fault, or a connector that the demo does not run.
    quiet = re.compile(
        "connector|accepted_ratio|apply_failures|rejected|ratio30m|5xx|dead_letters|transition_scores|1h|6h"
    )
    for expression in queries():
        if quiet.search(expression):
            prometheus.ask("query", query=expression)
        else:
            assert prometheus.until(expression, PATIENCE_S), expression
    healthy = prometheus.ask("rules")["groups"]
    assert {rule["health"] for group in healthy for rule in group["rules"]} == {"ok"}
