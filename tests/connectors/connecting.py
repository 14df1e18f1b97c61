"""A connector as a process of its own, and topics to feed it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer

from streams import admin, topics
from streams.broker import end, guarded
from streams.settings import Settings

STOP_S = 10.0


def topics_of(settings: Settings) -> None:
    with admin.connect(settings) as client:
        admin.create(client, settings)


async def publish(
    settings: Settings, values: Sequence[tuple[str, bytes]], topic: str = topics.SALES_HANDOFFS
) -> None:
    """Records by lead key, in this order."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.broker, linger_ms=5)
    await producer.start()
    try:
        futures = [await producer.send(topic, value, key=key.encode()) for key, value in values]
        for future in futures:
            await future
    finally:
        await producer.stop()


class Connector:
    """`leadstreams connect NAME` as a process that can be stopped, killed and started again."""

    def __init__(
        self, name: str, settings: Settings, directory: Path, config: str, secrets: Mapping[str, str]
    ) -> None:
        self._config = directory / f"{name}.yaml"
        self._config.write_text(config)
        self._log = directory / f"{name}.log"
        self._command = [str(Path(sys.executable).parent / "leadstreams"), "connect", name]
        self._command += ["--config", str(self._config), "--port", "0"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LEADSTREAMS_")}
        self._environment = {
            **clean,
            "LEADSTREAMS_BROKER": settings.broker,
            "LEADSTREAMS_DELIVERY": settings.delivery,
            "LEADSTREAMS_SESSION_TIMEOUT_S": str(settings.session_timeout_s),
            **secrets,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Connector":
        with self._log.open("ab") as output:
            self._process = guarded(self._command, output, self._environment)
        return self

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def printed(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self) -> int:
        """SIGTERM; the exit code, or the test fails because it took too long."""
        assert self._process is not None
        return end(self._process, signal.SIGTERM, STOP_S)

    def kill(self) -> None:
        if self._process is not None:
            end(self._process, signal.SIGKILL, STOP_S)

    def dry_run(self) -> str:
        """What `--dry-run` prints."""
        ran = subprocess.run(
            [*self._command, "--dry-run"], capture_output=True, text=True, env=self._environment, timeout=60
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout
