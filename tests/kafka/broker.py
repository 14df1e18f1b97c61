"""Apache Kafka as a real process: one broker in KRaft mode on loopback, which can be stopped, killed, frozen and
started again on the same data and ports."""

import shutil
import signal
import subprocess
import time
from pathlib import Path
from string import Template
from typing import Final, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.broker import LOOPBACK, end, free_port, guarded, listening

ROOT: Final = Path(__file__).resolve().parents[2]
LIBS: Final = ROOT / ".kafka" / "libs"
TEMPLATE: Final = ROOT / "deploy" / "kafka" / "server.properties"
CLUSTER_ID: Final = "bGVhZHN0cmVhbXMtdGVzdA"  # 16 bytes in base64, as StorageTool wants it
READY_S: Final = 180.0  # three seconds on an idle machine
STOP_S: Final = 30.0
POLL_S: Final = 0.05


def missing() -> str | None:
    """Why Apache Kafka cannot be started here and what to do, or None."""
    if not any(LIBS.glob("kafka_2.13-*.jar")):
        return "run make kafka"
    return None if shutil.which("java") else "install a Java runtime, 17 or later"


class KafkaBroker:
    """One Apache Kafka broker with its data in `directory`. `properties` are added to server.properties."""

    def __init__(self, directory: Path, properties: dict[str, str] | None = None) -> None:
        self.directory = directory
        self.port = free_port()
        self._controller_port = free_port()
        self._properties = properties or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """host:port for clients; the same after each restart."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the broker is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Returns when the broker answers; on the data it left behind, if it ran before."""
        if not self.running:
            settings = self._prepare()
            self._process = self._java("kafka.Kafka", str(settings))
            self._wait_ready()
        return self

    def stop(self) -> None:
        """An orderly end: SIGTERM."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """What a power cut does: SIGKILL."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """The process stops answering but its connections stay."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _prepare(self) -> Path:
        settings = self.directory / "server.properties"
        data = self.directory / "data"
        if not data.exists():
            self.directory.mkdir(parents=True, exist_ok=True)
            settings.write_text(self._rendered(data))
            self._format(settings)
        return settings

    def _rendered(self, data: Path) -> str:
        ports = {"port": str(self.port), "controller_port": str(self._controller_port), "data": str(data)}
        text = Template(TEMPLATE.read_text()).substitute(ports)
        return text + "".join(f"{name}={value}\n" for name, value in self._properties.items())

    def _format(self, settings: Path) -> None:
        formatting = self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(settings))
        code = formatting.wait(READY_S)
        end(formatting, signal.SIGKILL, 1.0)
        assert code == 0, f"cannot format {settings}: {self._printed()}"

    def _java(self, main: str, *arguments: str) -> subprocess.Popen[bytes]:
        java = shutil.which("java")
        assert java, "no Java runtime"
        heap = ["-Xms256m", "-Xmx1g", "-XX:+ExitOnOutOfMemoryError"]
        with (self.directory / "output.log").open("ab") as output:
            return guarded([java, *heap, "-cp", f"{LIBS}/*", main, *arguments], output)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while not self._answers():
            assert self.running, f"Kafka ended at once: {self._printed()}"
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(f"Kafka was not ready within {READY_S:.0f} s: {self._printed()}")
            time.sleep(POLL_S)

    def _answers(self) -> bool:
        if not listening(LOOPBACK, self.port):
            return False
        try:
            client = KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=2_000)
        except KafkaError:
            return False
        try:
            return bool(client.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            client.close()

    def _printed(self) -> str:
        return (self.directory / "output.log").read_text(errors="replace")[-2_000:]

    def _end(self, with_signal: signal.Signals) -> None:
        if self._process is not None:
            end(self._process, with_signal, STOP_S)
            self._process = None
