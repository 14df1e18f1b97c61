"""The lane on Apache Kafka, exactly once: workers are killed, stopped and frozen, and every record counts once."""

import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from streams import topics
from tests.kafka.broker import KafkaBroker
from tests.kafka.fleet import Fleet, until

SOURCES = (topics.WEB_VISITS, topics.FORM_SUBMISSIONS, topics.SALES_FEEDBACK)


@pytest.fixture
def fleet(lane_kafka: KafkaBroker, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    made = Fleet(lane_kafka.bootstrap, f"p{abs(hash(request.node.nodeid)) % 10**9}", tmp_path)
    yield made
    made.close()


def test_what_is_sent_is_applied_once_and_sigterm_ends_the_worker_with_0(fleet: Fleet) -> None:
    worker = fleet.worker("a", *SOURCES)
    fleet.send(2_000, *SOURCES)
    fleet.wait_applied(60)
    until(lambda: worker.ready, 20, "being ready")
    started = time.monotonic()

    assert worker.stop() == 0
    assert time.monotonic() - started < 10
    fleet.assert_exact()
    assert fleet.unexplained_errors() == []


def test_sigterm_under_load_commits_what_was_applied_and_a_successor_goes_on(fleet: Fleet) -> None:
    fleet.send(10_000, *SOURCES)
    first = fleet.worker("a", *SOURCES)
    until(lambda: fleet.applied() > 0, 30, "the first commit")
    assert first.stop() == 0
    fleet.worker("b", *SOURCES)
    fleet.wait_applied(60)
    fleet.assert_exact()


@pytest.mark.parametrize("seed", [1])
def test_kill_9_of_three_workers_again_and_again_loses_and_repeats_nothing(fleet: Fleet, seed: int) -> None:
    chance = random.Random(seed)
    workers = [fleet.worker(name, *SOURCES) for name in "abc"]
    sending = threading.Thread(target=fleet.send, args=(15_000, *SOURCES))
    sending.start()
    kills = 0
    while sending.is_alive() or kills < 8:
        time.sleep(chance.uniform(0.3, 2.5))
        victim = chance.choice(workers)
        victim.kill()
        victim.start()
        kills += 1
    sending.join()
    fleet.wait_applied(90)
    fleet.assert_exact()
    assert fleet.unexplained_errors() == []


def test_a_worker_frozen_past_its_session_does_no_harm_when_it_wakes(fleet: Fleet) -> None:
    workers = [fleet.worker(name, *SOURCES) for name in "ab"]
    until(lambda: all(worker.ready for worker in workers), 30, "being ready")
    fleet.send(3_000, *SOURCES)
    workers[0].freeze()
    fleet.send(3_000, *SOURCES, seed=2)
    time.sleep(9)  # not a wait for something: the fault itself, 1.5 session timeouts long
    workers[0].thaw()
    fleet.send(3_000, *SOURCES, seed=3)
    fleet.wait_applied(90)
    fleet.assert_exact()


def test_workers_that_join_and_leave_all_the_time_lose_and_repeat_nothing(fleet: Fleet) -> None:
    fleet.worker("a", *SOURCES)
    sending = threading.Thread(target=fleet.send, args=(8_000, *SOURCES))
    sending.start()
    for turn in range(5):
        guest = fleet.worker(f"guest-{turn}", *SOURCES, instance="")
        until(partial(getattr, guest, "ready"), 30, "the guest's being ready")
        assert guest.stop() == 0
    sending.join()
    fleet.wait_applied(60)
    fleet.assert_exact()


def test_partitions_have_one_owner_even_when_workers_read_different_topics(fleet: Fleet) -> None:
    """The one that does not read the third topic owns its partitions all the same; after it, they are read."""
    old = fleet.worker("a", *SOURCES[:2])
    new = [fleet.worker(name, *SOURCES) for name in "bc"]
    fleet.send(3_000, *SOURCES[:2])
    fleet.wait_applied(60)
    fleet.send(1_000, SOURCES[2], seed=5)
    assert old.stop() == 0
    until(lambda: all(worker.ready for worker in new), 30, "being ready")
    fleet.wait_applied(60)
    fleet.assert_exact()
