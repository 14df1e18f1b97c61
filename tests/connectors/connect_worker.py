"""Kafka Connect standalone as a real process, with the shipped configurations and the addresses of a test."""

import json
import signal
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from streams.broker import end, free_port, guarded
from tests.kafka.broker import LIBS, ROOT

PLUGINS: Final = ROOT / ".kafka" / "connect"
SHIPPED: Final = ROOT / "deploy" / "connect"


def missing() -> str | None:
    """Why Kafka Connect cannot be tried here and what to do, or None."""
    return (
        None
        if all(any((PLUGINS / name).glob("*.jar")) for name in ("file", "http", "jdbc"))
        else "run make connect"
    )


def rendered(name: str, changes: Mapping[str, str]) -> str:
    """A shipped file with some of its settings replaced; each must be in there."""
    lines = (SHIPPED / f"{name}.properties").read_text().splitlines()
    known = {line.partition("=")[0] for line in lines if "=" in line and not line.startswith("#")}
    assert known.issuperset(changes), changes.keys() - known
    replaced = [f"{n}={changes[n]}" if (n := line.partition("=")[0]) in changes else line for line in lines]
    return "\n".join(replaced) + "\n"


class ConnectWorker:
    """One worker with some connectors."""

    def __init__(self, directory: Path, bootstrap: str, connectors: Mapping[str, Mapping[str, str]]) -> None:
        self._directory = directory
        self._files = [directory / f"{name}.properties" for name in ("worker", *connectors)]
        self._address = f"http://127.0.0.1:{free_port()}"
        own = {
            "bootstrap.servers": bootstrap,
            "plugin.path": str(PLUGINS),
            "offset.storage.file.filename": str(directory / "offsets"),
            "listeners": self._address,
        }
        for file, (name, changes) in zip(self._files, [("worker", own), *connectors.items()], strict=True):
            file.write_text(rendered(name, changes))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def printed(self) -> str:
        return (self._directory / "connect.log").read_text(errors="replace")

    def failures(self) -> list[str]:
        """Why connectors or their tasks have failed, by the worker's own API."""
        try:
            with urllib.request.urlopen(f"{self._address}/connectors?expand=status", timeout=5) as answer:
                states = [entry["status"] for entry in json.load(answer).values()]
        except OSError:
            return []
        return [
            part["trace"] for state in states for part in (state["connector"], *state["tasks"]) if "trace" in part
        ]

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        command = ["java", "-Xmx512m", "-cp", f"{LIBS}/*", "org.apache.kafka.connect.cli.ConnectStandalone"]
        with (self._directory / "connect.log").open("wb") as output:
            self._process = guarded([*command, *map(str, self._files)], output)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        end(self._process, signal.SIGTERM, 15.0)
