"""The lane on Apache Kafka: brokers that go away, topics that do not fit, batches nobody can decode, bugs."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewPartitions

from streams import topics
from streams.lane.tenure import MOST_GUILTY
from tests.kafka.broker import KafkaBroker
from tests.kafka.conftest import NewBroker
from tests.kafka.fleet import PARTITIONS, Fleet, read_committed, until

SOURCES = (topics.WEB_VISITS, topics.FORM_SUBMISSIONS)


@pytest.fixture
def fleet(lane_kafka: KafkaBroker, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    made = Fleet(lane_kafka.bootstrap, f"f{abs(hash(request.node.nodeid)) % 10**9}", tmp_path)
    yield made
    made.close()


def dead_letters(fleet: Fleet) -> list[tuple[bytes | None, dict[str, bytes]]]:
    found = read_committed(fleet.bootstrap, topics.DEAD_LETTERS, PARTITIONS)
    return [(record.value, dict(record.headers)) for record in found]


def put(fleet: Fleet, topic: str, value: bytes, partition: int, key: bytes = b"k") -> None:
    with fleet.producer() as producer:
        producer.send(topic, value, key, partition=partition).get(20)


def test_a_broker_that_is_killed_makes_the_worker_unready_and_costs_nothing(
    new_broker: NewBroker, tmp_path: Path
) -> None:
    broker = new_broker()
    fleet = Fleet(broker.bootstrap, "outage", tmp_path)
    try:
        worker = fleet.worker("a", *SOURCES)
        fleet.send(5_000, *SOURCES)
        until(lambda: fleet.applied() > 0, 30, "the first commit")
        broker.kill()
        until(lambda: worker.get("/readyz")[0] == 503, 20, "being unready")
        assert worker.get("/healthz")[0] == 200
        before = worker.log.read_text().count("\n")
        time.sleep(5)  # the outage
        assert worker.log.read_text().count("\n") - before < 40
        broker.start()
        fleet.send(1_000, *SOURCES, seed=2)
        fleet.wait_applied(90)
        until(lambda: worker.ready, 30, "being ready again")
        fleet.assert_exact()
        broker.kill()
        until(lambda: worker.get("/readyz")[0] == 503, 20, "being unready")
        started = time.monotonic()
        assert worker.stop() == 0
        assert time.monotonic() - started < 10
    finally:
        fleet.close()


def test_a_worker_waits_for_a_broker_that_is_not_there_yet_and_stops_when_told(
    new_broker: NewBroker, tmp_path: Path
) -> None:
    broker = new_broker()
    fleet = Fleet(broker.bootstrap, "early", tmp_path)
    broker.stop()
    try:
        worker = fleet.worker("a", *SOURCES)
        until(lambda: "waiting for the broker" in worker.reasons, 20, "saying what it waits for")
        assert worker.stop() == 0
        worker.start()
        until(lambda: "waiting for the broker" in worker.reasons, 20, "saying what it waits for")
        broker.start()
        until(lambda: worker.ready, 40, "being ready")
    finally:
        fleet.close()


def test_unequal_partition_counts_refuse_to_start_and_say_so(fleet: Fleet) -> None:
    client = KafkaAdminClient(bootstrap_servers=fleet.bootstrap)
    client.create_partitions({SOURCES[0]: NewPartitions(PARTITIONS + 1)})
    client.close()
    worker = fleet.worker("a", *SOURCES)
    assert worker.wait(20) == 1
    (line,) = worker.lines("ERROR")
    assert f"{SOURCES[0]} has {PARTITIONS + 1}" in line
    assert "topics check" in line


def test_a_missing_topic_refuses_to_start_and_says_what_to_run(fleet: Fleet) -> None:
    worker = fleet.worker("a", "no-such-topic")
    assert worker.wait(20) == 1
    (line,) = worker.lines("ERROR")
    assert "no-such-topic" in line
    assert "topics create" in line


def test_a_log_that_lost_unapplied_records_refuses_to_start(fleet: Fleet) -> None:
    fleet.send(100, *SOURCES)
    worker = fleet.worker("a", *SOURCES)
    fleet.wait_applied(30)
    assert worker.stop() == 0
    fleet.send(100, *SOURCES, seed=2)
    delete_records(fleet.bootstrap, SOURCES[0])
    worker.start()
    assert worker.wait(30) == 1
    assert any("lost records" in line for line in worker.lines("ERROR"))


def delete_records(bootstrap: str, topic: str) -> None:
    """Everything in the log, as retention would."""
    from kafka import TopicPartition

    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    client.delete_records({TopicPartition(topic, number): -1 for number in range(PARTITIONS)})
    client.close()


def test_a_record_at_which_the_core_fails_becomes_a_dead_letter_and_the_others_count(fleet: Fleet) -> None:
    fleet.send(100, *SOURCES)
    put(fleet, SOURCES[0], b"bug", 1)
    fleet.send(100, *SOURCES, seed=2)
    put(fleet, SOURCES[0], b"bug", 1)
    worker = fleet.worker("a", *SOURCES)
    fleet.wait_applied(60)
    until(lambda: worker.ready and len(dead_letters(fleet)) == 2, 30, "refusing both")
    for value, headers in dead_letters(fleet):
        assert value == b"bug"
        assert (headers["reason"], headers["detail"]) == (b"scoring_error", b"ZeroDivisionError")
    assert b"k" not in fleet.table()
    fleet.assert_exact()
    assert worker.stop() == 0


def test_a_core_that_fails_at_everything_stops_the_worker_and_keeps_the_offset(fleet: Fleet) -> None:
    fleet.send(100, *SOURCES)
    with fleet.producer() as producer:
        for _ in range(MOST_GUILTY + 10):
            producer.send(SOURCES[0], b"bug", b"k", partition=1)
    worker = fleet.worker("a", *SOURCES)
    assert worker.wait(90) == 1
    assert any(f"the core failed at {MOST_GUILTY + 1} records" in line for line in worker.lines("ERROR"))
    assert len(dead_letters(fleet)) <= MOST_GUILTY
    assert b"k" not in fleet.table()


def test_a_halted_topic_partition_leaves_the_others_running(fleet: Fleet) -> None:
    worker = fleet.worker("a", *SOURCES)
    until(lambda: worker.ready, 30, "being ready")
    put(fleet, SOURCES[0], b"halt", 1)
    until(lambda: f"{SOURCES[0]}[1] is halted" in worker.reasons, 20, "being halted")
    fleet.send(200, SOURCES[1])
    fleet.wait_applied(30)
    assert len(worker.lines("ERROR")) == 1
    assert 'leadstreams_halted{partition="1",topic="web-visits"} 1.0' in worker.get("/metrics")[1]
    assert worker.stop() == 0


def test_a_batch_nobody_can_decode_becomes_one_dead_letter_and_stops_nothing(
    new_broker: NewBroker, tmp_path: Path
) -> None:
    broker = new_broker()
    fleet = Fleet(broker.bootstrap, "poison", tmp_path)
    try:
        fleet.send(10, SOURCES[0])
        with fleet.producer(compression=None) as producer:
            victim = producer.send(SOURCES[0], b"poison " * 50, b"victim", partition=2).get(20)
        fleet.send(10, SOURCES[0], seed=2)
        broker.stop()
        damage(broker.directory / "data", SOURCES[0], 2, b"poison " * 50)
        broker.start()
        worker = fleet.worker("a", *SOURCES)
        fleet.wait_applied(60)
        (letter,) = dead_letters(fleet)
        assert letter[1]["reason"] == b"undecodable_batch"
        assert letter[1]["detail"] == f"{victim.offset}-{victim.offset}".encode()
        assert letter[0] is not None
        assert b"poison" in letter[0]
        assert worker.stop() == 0
        worker.start()
        until(lambda: worker.ready, 40, "being ready")
        assert len(dead_letters(fleet)) == 1
        fleet.assert_exact()
    finally:
        fleet.close()


def damage(data: Path, topic: str, partition: int, text: bytes) -> None:
    """Flip bits of a stored value: its batch's checksum is wrong from now on."""
    (segment,) = (data / f"{topic}-{partition}").glob("*.log")
    content = bytearray(segment.read_bytes())
    at = content.index(text)
    content[at + len(text) - 1] ^= 0xFF
    segment.write_bytes(content)


def test_two_workers_of_one_machine_take_the_next_free_port(fleet: Fleet) -> None:
    first = fleet.worker("a", *SOURCES)
    until(lambda: first.ready, 30, "being ready")
    second = fleet.worker("b", *SOURCES, worker_port=str(first.port))
    following = [f":{first.port + n}" for n in range(1, 10)]  # some may be taken by others on this machine
    until(lambda: any(port in second.log.read_text() for port in following), 20, "saying its port")
