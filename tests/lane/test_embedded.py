"""The lane at least once, on the embedded broker: a killed worker repeats, and nothing is lost or counted twice."""

import random
import threading
import time
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


def test_kill_9_again_and_again_loses_nothing_and_counts_nothing_twice(fleet: Fleet) -> None:
    chance = random.Random(1)
    worker = fleet.worker("a", *SOURCES)
    sending = threading.Thread(target=fleet.send, args=(12_000, *SOURCES))
    sending.start()
    for _ in range(4):
        before = fleet.applied()
        until(lambda before=before: fleet.applied() > before, 40, "progress")
        time.sleep(chance.uniform(0.0, 0.4))
        worker.kill()
        fleet.send(300, *SOURCES, seed=chance.randrange(100))
        worker.start()
    sending.join()
    fleet.wait_applied(60)
    fleet.assert_exact(repeats_allowed=True)
    assert fleet.unexplained_errors() == []
    assert any("again" in line for line in worker.lines("INFO")), "nothing was redone: the kills hit nothing"
