"""`leadstreams broker`: in the foreground until it is told to stop."""

import signal
import socket
import subprocess
import sys
import threading

import pytest

from streams.broker import LOOPBACK, listening
from tests.cli.conftest import PATIENCE_S, Cli


@pytest.mark.embedded
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_broker_runs_until_a_signal_and_leaves_nothing_behind(
    environment: dict[str, str], ending: signal.Signals
) -> None:
    command = [sys.executable, "-c", "from streams.cli import main; main()", "broker", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as running:
        watchdog = threading.Timer(PATIENCE_S, running.kill)
        watchdog.start()
        assert running.stdout is not None
        port = int(running.stdout.readline().split(";")[0].rpartition(":")[2])
        assert listening(LOOPBACK, port)
        running.send_signal(ending)
        code = running.wait()
        watchdog.cancel()

    assert code == 0
    assert not listening(LOOPBACK, port)


def test_a_taken_port_is_one_line(cli: Cli) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        called = cli("broker", "--port", str(port))

    assert called.code == 1
    assert called.err.count("\n") == 1
    assert str(port) in called.err
