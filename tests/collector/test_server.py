"""Starting and stopping the collector's process."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from streams.broker import free_port
from streams.collector.server import Plan, is_loopback, plan, run
from streams.settings import DEMO_SECRET, Settings

SECRET = "the secret of the tests"
START = "import sys; from streams.settings import Settings; from streams.collector.server import run; "
KEYS = '[[sources]]\nname = "site"\nkind = "browser"\nkey = "wk"\n'


def settings(**more: object) -> Settings:
    nobody = f"127.0.0.1:{free_port()}"
    return Settings.model_validate({"broker": nobody, "secret": SECRET, "collector_port": 0, **more})


@contextmanager
def process(**environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A collector in development, without a broker, and its address."""
    own = {
        "LEADSTREAMS_BROKER": f"127.0.0.1:{free_port()}",
        "LEADSTREAMS_SECRET": SECRET,
        "LEADSTREAMS_COLLECTOR_PORT": "0",
    }
    running = subprocess.Popen(
        [sys.executable, "-c", START + "sys.exit(run(Settings(), dev=True))"],
        env={**os.environ, **own, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout is not None
    try:
        yield running, running.stdout.readline().removeprefix("collector: ").strip()
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def test_without_kafka_it_starts_answers_503_and_stops_in_time() -> None:
    with process() as (running, url):
        with urlopen(f"{url}/healthz") as answer:
            assert answer.status == 200
        with pytest.raises(HTTPError) as refused, urlopen(Request(f"{url}/v1/t", data=b"{}")):
            pass
        assert refused.value.status == 503
        assert int(refused.value.headers["Retry-After"]) > 0
        refused.value.close()
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
        assert time.monotonic() - began < 10
        assert running.stdout is not None
        assert "Traceback" not in running.stdout.read()


def test_an_idle_connection_does_not_hold_up_the_stop() -> None:
    with process() as (running, url):
        host, port = url.removeprefix("http://").split(":")
        with (
            socket.create_connection((host, int(port))) as idle,
            socket.create_connection((host, int(port))) as slow,
        ):
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(100).startswith(b"HTTP/1.1 200")
            slow.sendall(b"POST /v1/t HTTP/1.1\r\nHost: x\r\nContent-Len")
            running.send_signal(signal.SIGTERM)
            assert running.wait(10) == 0


def test_any_write_key_is_accepted_on_loopback_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(settings(collector_host="0.0.0.0"), dev=True) == 2
    complaint = capsys.readouterr().err
    assert "loopback only" in complaint
    assert complaint.count("\n") == 1


def test_without_write_keys_it_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(settings(), dev=False) == 2
    assert "LEADSTREAMS_WRITE_KEYS" in capsys.readouterr().err


def test_a_taken_port_is_one_line_and_exit_code_1(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert run(settings(collector_port=taken.getsockname()[1]), dev=True) == 1
    assert "cannot listen on 127.0.0.1:" in caplog.text


def test_wrong_files_are_named(tmp_path: Path) -> None:
    keys, mapping = tmp_path / "keys.toml", tmp_path / "mapping.yaml"
    keys.write_text(KEYS)
    mapping.write_text("track: [")
    assert isinstance(plan(settings(write_keys=keys), dev=False), Plan)
    assert "mapping.yaml" in str(plan(settings(write_keys=keys, mapping=mapping), dev=False))
    assert "no-such" in str(plan(settings(write_keys=tmp_path / "no-such"), dev=False))
    assert "secret" in str(plan(settings(secret=DEMO_SECRET, delivery="exactly-once"), dev=True))


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("web", False)],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, local: bool) -> None:
    assert is_loopback(host) is local
