"""The embedded broker: ready at once, gone at once, and never left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from streams.broker import LOOPBACK, BrokerUnavailable, EmbeddedBroker, free_port, guarded, listening

pytestmark = pytest.mark.embedded
PATIENCE_S = 10.0


def gone(port: int) -> bool:
    """Whether nobody listens on the port, within patience."""
    deadline = time.monotonic() + PATIENCE_S
    while listening(LOOPBACK, port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_started_broker_answers_a_client_at_once(embedded: EmbeddedBroker) -> None:
    client = KafkaAdminClient(bootstrap_servers=embedded.bootstrap)
    try:
        client.create_topics({"greetings": {"num_partitions": 2, "replication_factor": 1}})
    finally:
        client.close()
    producer = KafkaProducer(bootstrap_servers=embedded.bootstrap, enable_idempotence=False)
    try:
        delivered = producer.send("greetings", b"hello", partition=1).get(PATIENCE_S)
    finally:
        producer.close()

    assert (delivered.partition, delivered.offset) == (1, 0)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_an_ended_broker_starts_again_on_its_port_and_has_forgotten_everything(end: str) -> None:
    with EmbeddedBroker() as broker:
        port = broker.port
        getattr(broker, end)()
        assert not broker.running
        assert gone(port)

        broker.start()

        assert broker.port == port
        client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        assert client.list_topics() == []
        client.close()


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokerUnavailable, match=f"port {port} is taken"):
            EmbeddedBroker(port).start()


def test_stopping_twice_or_before_the_start_is_no_error() -> None:
    broker = EmbeddedBroker()
    broker.stop()
    broker.start()
    broker.stop()
    broker.kill()

    assert gone(broker.port)


def test_the_broker_listens_on_loopback_only(embedded: EmbeddedBroker) -> None:
    assert not listening("127.0.0.2", embedded.port)


def test_a_broker_whose_starter_is_killed_dies_too() -> None:
    script = (
        "import sys, time\n"
        "from streams.broker import EmbeddedBroker\n"
        "print(EmbeddedBroker().start().port, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        port = int(starter.stdout.readline())
        assert listening(LOOPBACK, port)
        starter.send_signal(signal.SIGKILL)

    assert gone(port)


def test_a_guarded_process_keeps_its_own_exit_code(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with output.open("wb") as target:
        process = guarded(["/bin/sh", "-c", "echo $$; exit 7"], target)
        assert process.stdin is not None
        code = process.wait(PATIENCE_S)
        os.killpg(process.pid, signal.SIGKILL)
        process.stdin.close()

    assert code == 7
    assert int(output.read_text()) == process.pid


def test_free_ports_are_free() -> None:
    assert not listening(LOOPBACK, free_port())
