"""A whole pipeline as processes, with a console: what the tests in a browser look at."""

import json
import os
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streams.broker import LOOPBACK, free_port
from streams.demo.processes import COMMAND, Pipeline, Process, demo_settings, variables
from streams.settings import Settings
from tests.collector.sdk_machine import need
from tests.console.chromium import Chromium, chromium

START_S = 60.0
POLL_S = 0.05


def until(what: str, condition: Callable[[], Any], seconds: float = START_S) -> Any:
    """What the condition gives once that is something; fails after so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(POLL_S)
    raise AssertionError(f"after {seconds:.0f} s it is not so that {what}")


class Running(NamedTuple):
    """A pipeline with its console."""

    settings: Settings
    console_port: int
    environment: dict[str, str]
    store: Path

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.console_port}"

    def get(self, path: str) -> Any:
        """An answer of the API."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
            return json.load(answer)

    def send(self, kind: str, content: dict[str, Any]) -> None:
        """One call of a tracker, taken by the collector."""
        post(self.settings.collector_port, f"/v1/{kind}", content)


def post(port: int, path: str, content: dict[str, Any], user: str = "dev:") -> None:
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{port}{path}",
        json.dumps(content).encode(),
        {"Content-Type": "application/json", "Authorization": f"Basic {b64encode(user.encode()).decode()}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


class Console(Process):
    """A console in a process of its own."""

    def __init__(self, port: int, environment: dict[str, str], log: Path) -> None:
        own = {**environment, "LEADSTREAMS_CONSOLE_PORT": str(port)}
        self.port = port
        super().__init__("console", port, (*COMMAND, "console"), own, log)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Broker, worker, collector and console, each a process, for all tests of this process."""
    directory = tmp_path_factory.mktemp("console")
    settings = demo_settings(False, "b2b")
    with Pipeline(settings, directory) as pipeline:
        pipeline.create_topics()
        pipeline.start()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADSTREAMS_")}
        environment = {
            **kept,
            **variables(settings),
            "LEADSTREAMS_CONFIG": str(directory / "none.toml"),
            "LEADSTREAMS_WORKER_PORT": str(settings.worker_port),
            "LEADSTREAMS_COLLECTOR_PORT": str(settings.collector_port),
            "LEADSTREAMS_CONSOLE_STORE": str(directory / "read-model.sqlite"),
        }
        console = Console(free_port(), environment, directory / "console.log")
        pipeline.processes.append(console)
        for process in pipeline.processes:
            until(f"the {process.name} is ready", process.is_ready)
        yield Running(settings, console.port, environment, directory / "read-model.sqlite")
        print(pipeline.tail(), file=sys.stderr)


@pytest.fixture
async def browser(running: Running) -> AsyncIterator[Chromium]:
    """A fresh Chromium."""
    need(browser=True)
    async with chromium(running.url) as found:
        await found.do("look")
        yield found
