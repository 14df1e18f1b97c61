"""What docker-compose.yml runs, as processes of this machine: the very commands, environments and health checks,
with free ports for the containers' own, and Apache Kafka under the settings that its image makes of variables."""

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import yaml

from streams.broker import LOOPBACK, end, free_port, guarded
from streams.demo.processes import ask
from tests.kafka.broker import KafkaBroker
from tests.kafka.fleet import until
from tests.kafka.pipeline import PROGRAM

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
OURS: Final = [name for name, service in SERVICES.items() if service["image"] == "leadstreams"]
PORTS: Final = {"worker": 9470, "collector": 8800, "connect": 9480}
"""Inside a container, by the command it runs."""
PATIENCE_S: Final = 120.0
STOP_S: Final = 10.0


class ComposedKafka(KafkaBroker):
    """Kafka as the image apache/kafka configures it: KAFKA_LOG_DIRS is log.dirs."""

    def _rendered(self, data: Path) -> str:
        given = {name: value for name, value in SERVICES["kafka"]["environment"].items() if name != "CLUSTER_ID"}
        named = {name.removeprefix("KAFKA_").lower().replace("_", "."): value for name, value in given.items()}
        inside = str(free_port())
        places = (
            ("kafka:19092", f"{LOOPBACK}:{inside}"),
            ("INTERNAL://:19092", f"INTERNAL://{LOOPBACK}:{inside}"),
            ("HOST://:9092", f"HOST://{LOOPBACK}:{self.port}"),
            ("127.0.0.1:9092", self.bootstrap),
            ("localhost:29093", f"{LOOPBACK}:{self._controller_port}"),
            ("/var/lib/kafka/data", str(data)),
        )
        text = "".join(f"{name}={value}\n" for name, value in named.items())
        for container, here in places:
            assert container in text, f"docker-compose.yml says nothing of {container} any more"
            text = text.replace(container, here)
        # Of this machine's making: it has to come back quickly after a kill.
        quick = "broker.session.timeout.ms=3000\nbroker.heartbeat.interval.ms=500\n"
        return text + quick + "".join(f"{name}={value}\n" for name, value in self._properties.items())


class Service:
    """One service of ours. `more` is added to its environment."""

    def __init__(self, name: str, site: "Site", more: dict[str, str]) -> None:
        self.name = name
        self.log = site.directory / f"{name}.log"
        self.port = free_port()
        self._site = site
        self._given = SERVICES[name]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("LEADSTREAMS_")}
        said = {key: site.filled_in(value) for key, value in self._given["environment"].items()}
        ports = {"LEADSTREAMS_WORKER_PORT": str(self.port), "LEADSTREAMS_COLLECTOR_PORT": str(self.port)}
        # A container has no settings file either.
        self.environment = kept | said | {"LEADSTREAMS_CONFIG": "/nonexistent.toml"} | ports | more
        self.program = [str(PROGRAM)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> list[str]:
        words = [self._site.filled_in(word) for word in self._given["command"]]
        own = ["--port", str(self.port)] if words[0] == "connect" else []
        return [*self.program, *words, *own]

    def start(self) -> Self:
        with self.log.open("ab") as output:
            self._process = guarded(self.command, output, self.environment)
        return self

    def run(self) -> int:
        """The exit code of a service that ends by itself."""
        self.start()
        until(lambda: not self.running, PATIENCE_S, f"{self.name} ending")
        return self.stop()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def ready(self) -> bool:
        return ask(self.port, "/readyz") is not None

    def metrics(self) -> str:
        return ask(self.port, "/metrics") or ""

    def healthy(self) -> bool:
        """What the service's own health check says."""
        test = [str(word) for word in self._given["healthcheck"]["test"]]
        assert test[:2] == ["CMD", "python"], test
        inside = str(PORTS[self._given["command"][0]])
        words = [sys.executable, *(word.replace(f":{inside}/", f":{self.port}/") for word in test[2:])]
        return subprocess.run(words, capture_output=True, timeout=PATIENCE_S).returncode == 0

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """The exit code."""
        assert self._process is not None
        process, self._process = self._process, None
        return end(process, with_signal, STOP_S)


class Site:
    """The whole of it; the variables that docker-compose.yml asks for are `given`."""

    def __init__(self, directory: Path, given: dict[str, str], more: dict[str, str]) -> None:
        self.directory = directory
        self.kafka = ComposedKafka(directory / "kafka")
        self._given = {"LEADSTREAMS_SECRET": secrets.token_hex(32), **given}
        self.services = {name: Service(name, self, more) for name in OURS}

    def filled_in(self, value: object) -> str:
        """A value of an environment as compose gives it, at the addresses of this machine."""
        filled = re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", self._variable, str(value))
        places = {
            "kafka:19092": self.kafka.bootstrap,
            "0.0.0.0": LOOPBACK,
            "/etc/leadstreams/": f"{ROOT}/deploy/compose/",
        }
        for container, here in places.items():
            filled = filled.replace(container, here)
        return filled

    def _variable(self, found: re.Match[str]) -> str:
        return self._given.get(found[1], found[2] or "")

    def start(self, names: Iterable[str] = OURS) -> None:
        """In compose's order: what a service depends on comes before it and is in the state that it asks for."""
        self.kafka.start()
        for name in [name for name in OURS if name in set(names)]:
            for other, wanted in SERVICES[name]["depends_on"].items():
                assert other == "kafka" or wanted["condition"] == "service_completed_successfully", other
            service = self.services[name]
            if SERVICES[name]["restart"] == "on-failure":
                assert service.run() == 0, service.log.read_text()
            else:
                service.start()

    def wait_ready(self, names: Iterable[str]) -> None:
        for name in names:
            service = self.services[name]
            until(lambda service=service: service.ready or not service.running, PATIENCE_S, f"{name} being ready")  # type: ignore[misc]
            assert service.running, service.log.read_text()

    def close(self) -> None:
        for service in self.services.values():
            if service.running:
                service.send(signal.SIGCONT)
                service.stop()
        if self.kafka.running:
            self.kafka.thaw()
        self.kafka.kill()


@contextmanager
def composed(directory: Path, given: dict[str, str], **more: str) -> Iterator[Site]:
    """A site that is not started yet; nothing of it is left behind. `more` is added to every environment."""
    site = Site(directory, given, more)
    try:
        yield site
    finally:
        site.close()
