"""`leadstreams topics`: create once, check often."""

from pathlib import Path

import pytest
from kafka import KafkaProducer

from streams import topics
from streams.broker import EmbeddedBroker
from streams.identity.keys import Secret
from streams.log import TAIL_RECORDS
from streams.model_file import SHIPPED, shipped
from streams.progress import CORE, KEY, Progress, encode
from streams.settings import Settings
from tests.cli.conftest import SECRET, Cli, Pipeline

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


@pytest.mark.parametrize("model", shipped())
def test_created_topics_are_kept_as_long_as_the_model_looks_back(
    cli: Cli, own_embedded: EmbeddedBroker, model: str
) -> None:
    environment = {"LEADSTREAMS_BROKER": own_embedded.bootstrap, "LEADSTREAMS_MODEL": model}
    assert cli("topics", "create", **environment).code == 0
    assert cli("topics", "check", "--json", **environment).json() == []


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


def test_without_being_told_the_check_takes_the_days_from_the_model(
    cli: Cli, pipeline: Pipeline, tmp_path: Path
) -> None:
    model = tmp_path / "long.yaml"
    shipped = (SHIPPED / "published.yaml").read_text()
    model.write_text(shipped.replace("cool_down: 0s", "cool_down: 31d"))  # with the 60 days of the longest rule
    assert cli("topics", "check", **{**pipeline.environment, "LEADSTREAMS_MODEL": str(model)}).code == 1
    model.write_text(shipped.replace("cool_down: 0s", "cool_down: 30d"))
    assert cli("topics", "check", **{**pipeline.environment, "LEADSTREAMS_MODEL": str(model)}).code == 0


def write_meta(settings: Settings, secret: bytes) -> None:
    """What a worker with this secret leaves in the changelog: leads, its progress, and leads of a next flush."""
    writer = Progress({}, 4, "at-least-once", CORE, "model", Secret(secret).fingerprint(), "leadstreams")
    producer = KafkaProducer(bootstrap_servers=settings.broker, enable_idempotence=False)
    try:
        for key, value in ((b"e1-one", b"x"), (KEY, encode(writer)), *([(b"e1-two", b"y")] * TAIL_RECORDS)):
            producer.send(topics.LEAD_SCORES, value, key, partition=2)
        producer.flush()
    finally:
        producer.close()


def test_the_check_fails_under_another_identity_secret_than_the_pipelines(cli: Cli, pipeline: Pipeline) -> None:
    write_meta(pipeline.settings, SECRET.encode())
    assert cli("topics", "check", **pipeline.environment).code == 0

    called = cli("topics", "check", "--json", **{**pipeline.environment, "LEADSTREAMS_SECRET": "another"})

    assert called.code == 1
    (found,) = [found for found in called.json() if found["setting"] == "identity secret"]
    assert found["severity"] == "error"
    assert "another" not in found["found"]


def test_the_check_says_that_it_could_not_compare_a_secret_that_is_not_set(cli: Cli, pipeline: Pipeline) -> None:
    write_meta(pipeline.settings, SECRET.encode())
    unset = {name: value for name, value in pipeline.environment.items() if name != "LEADSTREAMS_SECRET"}

    called = cli("topics", "check", **unset)

    assert called.code == 0
    assert "not compared" in called.out
