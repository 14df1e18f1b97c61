"""The same commands on a pipeline's log: what its workers told, and what sales answered."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from streams import admin, log, topics, transition
from streams.broker import end, free_port, guarded
from tests.cli.conftest import Cli, cli, environment  # noqa: F401
from tests.cli.test_reading import PARTITIONS, PATIENCE_S, Lived, lived  # noqa: F401
from tests.kafka.pipeline import PROGRAM

pytestmark = pytest.mark.embedded

Shadow = subprocess.Popen[bytes]


def test_the_report_and_the_backtest_of_a_log_agree_with_what_was_handed_over(
    cli: Cli,  # noqa: F811
    lived: Lived,  # noqa: F811
) -> None:
    replayed = cli("replay", "--json", **lived.environment).json()
    called = cli("report", "--json", **lived.environment)
    assert called.code == 0, called.err
    report = called.json()
    assert report["handoffs"] == len(replayed["handoffs"]) > 0
    assert report["leaks"]["undelivered"] == 0
    assert report["persons"] > 0
    assert [change["name"] for change in report["changes"]] == ["published"]
    called = cli("backtest", "published", "published", "--json", **lived.environment)
    assert called.code == 0, called.err
    backtest = called.json()
    assert backtest["counts"]["gained"] == backtest["counts"]["lost"] == backtest["counts"]["moved"] == 0
    assert backtest["counts"]["same"] + backtest["repeats"]["a"] == report["handoffs"]


def start_shadow(directory: Path, environment: dict[str, str], lived: Lived, *words: str) -> Shadow:  # noqa: F811
    own = {"LEADSTREAMS_WORKER_PORT": str(free_port()), "LEADSTREAMS_CONFIG": str(directory / "absent.toml")}
    with (directory / "shadow.log").open("ab") as output:
        return guarded([str(PROGRAM), "shadow", *words], output, {**environment, **lived.environment, **own})


def told(lived: Lived, topic: str) -> list[bytes]:  # noqa: F811
    async def read() -> list[bytes]:
        async with log.opened(lived.settings) as reader:
            batches = [[b async for b in reader.read(topic, number)] for number in range(PARTITIONS)]
            return sorted(record.value or b"" for part in batches for batch in part for record in batch)

    return log.run(read())


def until_told(lived: Lived, count: int, model: str, shadow: Shadow, output: Path) -> list[bytes]:  # noqa: F811
    """So many by this model. Looks whether the topic is there first: to read one that is not would make it."""
    deadline = time.monotonic() + 2 * PATIENCE_S
    found: list[bytes] = []
    while len(found) < count:
        assert shadow.poll() is None, output.read_text()
        assert time.monotonic() < deadline, f"{len(found)} of {count} told"
        time.sleep(0.3)
        with admin.connect(lived.settings) as client:
            there = len(admin.partition_counts(client, [topic.name for topic in topics.SHADOW]))
        read = told(lived, topics.LEAD_TRANSITIONS_SHADOW) if there == len(topics.SHADOW) else []
        found = [value for value in read if b'"model_name":"%s"' % model.encode() in value]
    return found


def test_a_shadow_of_the_same_model_tells_the_same_and_of_another_is_set_beside_it(
    cli: Cli,  # noqa: F811
    lived: Lived,  # noqa: F811
    environment: dict[str, str],  # noqa: F811
    tmp_path: Path,
) -> None:
    output = tmp_path / "shadow.log"
    live = told(lived, topics.LEAD_TRANSITIONS)
    handed = told(lived, topics.SALES_HANDOFFS)
    shadow = start_shadow(tmp_path, environment, lived, "published")
    try:
        assert _moves(until_told(lived, len(live), "published", shadow, output)) == _moves(live)
    finally:
        end(shadow, signal.SIGTERM, 20)
    report = cli("report", "--json", **lived.environment).json()
    assert report["shadow"]["model"] == "published 1"
    assert report["shadow"]["counts"] == {"same": 1, "moved": 0, "gained": 0, "lost": 0}
    refused = start_shadow(tmp_path, environment, lived, "b2b")
    assert refused.wait(60) == 1
    end(refused, signal.SIGTERM, 5)
    assert "--anew" in output.read_text()
    shadow = start_shadow(tmp_path, environment, lived, "b2b", "--anew")
    try:
        until_told(lived, 2, "b2b", shadow, output)
    finally:
        end(shadow, signal.SIGTERM, 20)
    report = cli("report", "--json", **lived.environment).json()
    assert report["shadow"]["model"] == "b2b 1"
    assert report["shadow"]["counts"]["lost"] == 1
    assert told(lived, topics.SALES_HANDOFFS) == handed
    assert told(lived, topics.SALES_HANDOFFS_SHADOW) == []


def _moves(values: list[bytes]) -> list[tuple[str, ...]]:
    """Who went where, when and why; arrivals and traces are a run's own."""
    found = [transition.decode(value) for value in values]
    return sorted((one.lead_key, one.occurred_at, one.type, one.to_stage, one.cause) for one in found if one)
