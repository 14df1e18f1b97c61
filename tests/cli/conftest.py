"""A command line to call: the real one, in a process of its own, against an embedded broker."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streams import admin
from streams.broker import EmbeddedBroker
from streams.settings import Settings

SECRET = "a secret for tests"
PATIENCE_S = 60


class Called(NamedTuple):
    """How a call ended and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Called]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Ours without any setting of the person who runs the tests; no settings file either."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADSTREAMS_")}
    return {**kept, "LEADSTREAMS_CONFIG": str(tmp_path / "absent.toml"), "COLUMNS": "200"}


@pytest.fixture
def cli(environment: dict[str, str]) -> Cli:
    """`cli("topics", "create", LEADSTREAMS_BROKER=...)`; the text given as `stdin` is its input."""

    def call(*arguments: str, stdin: bytes = b"", **settings: str) -> Called:
        command = [sys.executable, "-c", "from streams.cli import main; main()", *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, env={**environment, **settings}, timeout=PATIENCE_S
        )
        return Called(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


class Pipeline(NamedTuple):
    """A broker with all topics, as settings and as the environment of a call."""

    settings: Settings
    environment: dict[str, str]


@pytest.fixture
def pipeline(own_embedded: EmbeddedBroker) -> Pipeline:
    """A fresh pipeline: nothing in any topic."""
    settings = Settings(broker=own_embedded.bootstrap, delivery="at-least-once", secret=SECRET)
    with admin.connect(settings) as client:
        admin.create(client, settings)
    return Pipeline(
        settings,
        {
            "LEADSTREAMS_BROKER": own_embedded.bootstrap,
            "LEADSTREAMS_DELIVERY": "at-least-once",
            "LEADSTREAMS_SECRET": SECRET,
        },
    )
