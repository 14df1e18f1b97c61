"""A command line to call, and an embedded broker with topics to call it on."""

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streams import admin
from streams.broker import EmbeddedBroker
from streams.cli import build, terminal
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
def cli(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """`cli("topics", "create", LEADSTREAMS_BROKER=...)`; the bytes given as `stdin` are its input.

    Runs in this process, since a new one takes a second to start.
    """

    def call(*arguments: str, stdin: bytes = b"", **settings: str) -> Called:
        monkeypatch.setattr(os, "environ", {**environment, **settings})
        monkeypatch.setattr(sys, "argv", ["leadstreams", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = terminal.run(build())
        printed = capsys.readouterr()
        return Called(code, printed.out, printed.err)

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
            "LEADSTREAMS_MODEL": "published",
        },
    )
