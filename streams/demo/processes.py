"""The demo's pipeline: the embedded broker, the topics, a worker and the collector, each a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final, Self

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from streams import admin, broker
from streams.broker import LOOPBACK, EmbeddedBroker, free_port, guarded, listening
from streams.demo.patience import POLL_S, Failed
from streams.demo.posting import HOOKS
from streams.settings import DEMO_SECRET, Settings

COMMAND: Final = (sys.executable, "-c", "from streams.cli import main; main()")
WORKER: Final = (*COMMAND, "worker")
COLLECTOR: Final = (*COMMAND, "collector", "--dev")

STOP_S: Final = 8.0
ASK_S: Final = 2.0
TAIL_LINES: Final = 15
USUAL_PORTS: Final = (9092, 8800, 9470)
"""Of broker, collector and worker: where someone who keeps the demo would look for them."""


class DemoSettings(Settings):
    """Only what the demo says: nobody's environment or file changes what it shows."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def demo_settings(usual_ports: bool, model: str) -> Settings:
    """Free ports, or the usual ones where they are free."""
    ports = [usual if usual_ports and not listening(LOOPBACK, usual) else free_port() for usual in USUAL_PORTS]
    return DemoSettings(
        broker=f"{LOOPBACK}:{ports[0]}",
        model=model,
        delivery="at-least-once",
        secret=SecretStr(DEMO_SECRET),
        collector_port=ports[1],
        worker_port=ports[2],
    )


def variables(settings: Settings) -> dict[str, str]:
    """What a command needs in its environment to reach this pipeline."""
    return {
        "LEADSTREAMS_BROKER": settings.broker,
        "LEADSTREAMS_DELIVERY": settings.delivery,
        "LEADSTREAMS_SECRET": DEMO_SECRET,
    }


class Process:
    """A child with a log file and a port that tells whether it is ready; it dies with us."""

    def __init__(
        self, name: str, port: int, command: Sequence[str], environment: dict[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        self._port = port
        with log.open("wb") as output:
            self._process: subprocess.Popen[bytes] = guarded(command, output, environment)

    def is_ready(self) -> bool:
        return ask(self._port, "/readyz") is not None

    def check(self) -> None:
        """Raises Failed if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise Failed(f"the {self.name} ended by itself (exit code {code})", self.tail())

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"{self.name}: {line}" for line in lines[-TAIL_LINES:])

    def stop(self) -> None:
        broker.end(self._process, signal.SIGTERM, STOP_S)


class Pipeline:
    """Starts everything; leaves nothing behind."""

    def __init__(
        self,
        settings: Settings,
        directory: Path,
        worker: Sequence[str] = WORKER,
        collector: Sequence[str] = COLLECTOR,
    ) -> None:
        self.settings = settings
        self._directory = directory
        self._planned = (
            ("worker", settings.worker_port, worker),
            ("collector", settings.collector_port, collector),
        )
        self._broker = EmbeddedBroker(int(settings.broker.rpartition(":")[2]), directory / "broker.log")
        self.processes: list[Process] = []

    def __enter__(self) -> Self:
        self._broker.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            process.stop()
        self._broker.stop()

    def create_topics(self) -> int:
        """The number of topics."""
        with admin.connect(self.settings) as client:
            return len(admin.create(client, self.settings))

    def start(self) -> None:
        """The worker and the collector, which then take a moment to be ready."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADSTREAMS_")}
        own = {
            "LEADSTREAMS_MODEL": self.settings.model,
            "LEADSTREAMS_CONFIG": str(self._directory / "no-settings.toml"),
            "LEADSTREAMS_COLLECTOR_PORT": str(self.settings.collector_port),
            "LEADSTREAMS_WORKER_PORT": str(self.settings.worker_port),
            **variables(self.settings),
        }
        hooks = self._directory / "hooks.toml"
        hooks.write_text(HOOKS)
        own["LEADSTREAMS_HOOKS"] = str(hooks)
        for name, port, command in self._planned:
            log = self._directory / f"{name}.log"
            self.processes.append(Process(name, port, command, {**kept, **own}, log))

    def check(self) -> None:
        """Raises Failed if a part of the pipeline has ended."""
        for process in self.processes:
            process.check()
        if not self._broker.running:
            raise Failed("the embedded broker ended by itself")

    def rest(self) -> None:
        """A moment of waiting. Raises Failed as `check` does."""
        self.check()
        time.sleep(POLL_S)

    def tail(self) -> str:
        """What the processes said last."""
        return "\n".join(filter(None, (process.tail() for process in self.processes)))


def ask(port: int, path: str) -> str | None:
    """The body of a 200 from a process of this machine; None for any other answer, or none."""
    connection = HTTPConnection(LOOPBACK, port, timeout=ASK_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        return body if answer.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
