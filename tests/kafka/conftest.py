"""Brokers for the tests that need Apache Kafka. Every test in this folder is marked `kafka`; all run one after
the other in one process of a parallel run: two Kafkas would only slow each other down on a small machine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kafka.broker import KafkaBroker

HERE = Path(__file__).parent
NewBroker = Callable[..., KafkaBroker]


# Before `-m kafka` selects.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """The broker that tests share: use topics and groups of your own, and leave it running."""
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"))
    with broker:
        yield broker


@pytest.fixture
def new_broker(tmp_path: Path) -> Iterator[NewBroker]:
    """Makes brokers for one test, to be stopped and killed at will; `new_broker({"some.property": "1"})`."""
    made: list[KafkaBroker] = []

    def make(properties: dict[str, str] | None = None) -> KafkaBroker:
        made.append(KafkaBroker(tmp_path / f"kafka-{len(made)}", properties).start())
        return made[-1]

    yield make
    for broker in made:
        broker.kill()


@pytest.fixture(scope="module")
def lane_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """The broker of one module's lane tests, which make the pipeline's topics anew."""
    broker = KafkaBroker(tmp_path_factory.mktemp("lane"))
    with broker:
        yield broker
