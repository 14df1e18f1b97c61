"""`leadstreams topics`: create once, check often."""

import pytest

from streams import topics
from streams.broker import EmbeddedBroker
from tests.cli.conftest import Cli, Pipeline

pytestmark = pytest.mark.embedded


def test_topics_are_created_once_and_then_found(cli: Cli, own_embedded: EmbeddedBroker) -> None:
    def create() -> list[bool]:
        called = cli("topics", "create", "--json", LEADSTREAMS_BROKER=own_embedded.bootstrap)
        assert called.code == 0, called.err
        return [topic["new"] for topic in called.json()]

    assert create() == [True] * len(topics.ALL)
    assert create() == [False] * len(topics.ALL)


def test_the_check_passes_on_created_topics(cli: Cli, pipeline: Pipeline) -> None:
    assert cli("topics", "check", **pipeline.environment).code == 0


def test_the_check_fails_on_another_number_of_partitions(cli: Cli, pipeline: Pipeline) -> None:
    called = cli("topics", "check", "--json", **pipeline.environment, LEADSTREAMS_PARTITIONS="8")

    assert called.code == 1
    found = {(difference["topic"], difference["setting"]) for difference in called.json()}
    assert (topics.WEB_VISITS, "partitions") in found
    assert called.err.count("\n") == 1


def test_the_check_fails_where_the_model_looks_back_further_than_the_inputs_are_kept(
    cli: Cli, pipeline: Pipeline
) -> None:
    assert cli("topics", "check", "--needed-days", "91", **pipeline.environment).code == 1
    assert cli("topics", "check", "--needed-days", "90", **pipeline.environment).code == 0


def test_the_check_fails_without_topics(cli: Cli, own_embedded: EmbeddedBroker) -> None:
    called = cli("topics", "check", LEADSTREAMS_BROKER=own_embedded.bootstrap)

    assert called.code == 1
    assert "leadstreams topics create" in called.out
