"""The lane at least once, on the embedded broker: what a crash cut short is repeated, and nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams import topics
from streams.broker import EmbeddedBroker
from tests.kafka.fleet import Fleet, until

pytestmark = pytest.mark.embedded
SOURCES = (topics.WEB_VISITS, topics.FORM_SUBMISSIONS)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with EmbeddedBroker() as broker:
        made = Fleet(broker.bootstrap, "embedded", tmp_path, delivery="at-least-once", session_timeout_s="3")
        yield made
        made.close()


def test_what_is_sent_is_applied_and_sigterm_ends_the_worker_with_0(fleet: Fleet) -> None:
    worker = fleet.worker("a", *SOURCES)
    fleet.send(1_000, *SOURCES)
    fleet.wait_applied(30)
    until(lambda: worker.ready, 20, "being ready")
    assert worker.stop() == 0
    fleet.assert_exact()
    assert fleet.unexplained_errors() == []


@pytest.mark.parametrize("send", [10, 15])
def test_a_crash_within_a_flush_is_redone_in_the_recorded_order(fleet: Fleet, send: int) -> None:
    """Four sends make a flush (order, table, effects, meta), and four partitions flush at the same time."""
    fleet.send(4_000, *SOURCES, leads=300)
    worker = fleet.worker("a", *SOURCES)
    worker.stop()
    worker.start(CRASH_AT_SEND=str(send))
    assert worker.wait(30) == 9
    assert fleet.applied() <= sum(fleet.sent.values())
    worker.start()
    until(lambda: worker.ready, 40, "being ready")  # what was cut short may all be in the table already
    fleet.wait_applied(40)
    fleet.assert_exact(repeats_allowed=True)
    assert any("again" in line for line in worker.lines("INFO")), "nothing was redone: the crash hit nothing"
    assert worker.stop() == 0
    assert fleet.unexplained_errors() == []
