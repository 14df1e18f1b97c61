"""What all tests share: which of them this machine can run, and a word at the end about those it cannot."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from xdist.scheduler import LoadScopeScheduling, Scheduling

from streams.broker import EmbeddedBroker
from tests.kafka.broker import missing as kafka_missing

NOT_RUN = "not run: "
OF_ONE_PIPELINE = ("tests/operations/", "tests/console/")
REQUIRE_KAFKA = "LEADSTREAMS_REQUIRE_KAFKA"


class KafkaTogether(LoadScopeScheduling):  # type: ignore[misc]  # untyped
    """All tests with Apache Kafka go to one process, which starts it once, and each file that runs one pipeline
    for all its tests to one process; the others to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(("tests/kafka/", "tests/faults/")):
            return "kafka"
        return nodeid.partition("::")[0] if nodeid.startswith(OF_ONE_PIPELINE) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling | None:
    """What `--dist loadgroup` means here; xdist 3.8's own does not see the groups under pytest 9.2."""
    return KafkaTogether(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked `kafka` need Apache Kafka; where it is required its absence is an error."""
    if item.get_closest_marker("kafka") is None:
        return
    remedy = kafka_missing()
    if remedy is None:
        return
    if os.environ.get(REQUIRE_KAFKA) == "1":
        pytest.fail(f"Apache Kafka is required here ({REQUIRE_KAFKA}=1): {remedy}", pytrace=False)
    pytest.skip(f"{NOT_RUN}{remedy}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What could not run on this machine, and what to do about it."""
    reasons = Counter(
        reason
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
        for _, found, reason in [report.longrepr[2].partition(NOT_RUN)]
        if found
    )
    if reasons:
        terminalreporter.section("could not run on this machine")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count} test{'s' if count > 1 else ''} {NOT_RUN}{reason}")


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedBroker]:
    """An embedded broker that tests of one process share: use topics and groups of your own."""
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture
def own_embedded() -> Iterator[EmbeddedBroker]:
    """An embedded broker for one test, to be stopped and killed at will."""
    with EmbeddedBroker() as broker:
        yield broker
