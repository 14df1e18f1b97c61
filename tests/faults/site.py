"""Everything that one run needs, as processes in a directory of its own: Kafka, workers, a collector."""

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

from kafka import KafkaAdminClient
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorError,
)

from streams import admin
from streams.identity.keys import Secret
from streams.settings import Delivery, Settings
from tests.kafka.broker import POLL_S, KafkaBroker
from tests.kafka.fleet import Process, until
from tests.kafka.pipeline import SECRET, Worker

PARTITIONS: Final = 4
COMMAND: Final = (sys.executable, "-m", "tests.faults.process")
STOP_S: Final = 30.0
TELL_S: Final = 2.0
START_S: Final = 180.0
RUN_MARK: Final = "FAULTS_RUN"
FIRST_GROUP: Final = 42_000
"""Each worker may have a Unix group of its own, by which a firewall knows its packets."""


class FaultyWorker(Worker):
    """A worker whose process has failpoints; `prefix` is a command that starts it in its own way."""

    def __init__(
        self,
        bootstrap: str,
        name: str,
        log: Path,
        environment: dict[str, str],
        prefix: tuple[str, ...] = (),
        **settings: str,
    ) -> None:
        super().__init__(bootstrap, name, log, (*prefix, *COMMAND, "worker"), **settings)
        self.frozen = False
        self.group = 0
        self._own = environment

    def start(self, **environment: str) -> "FaultyWorker":
        self.frozen = False
        super().start(**{**self._own, **environment})
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        if self.running:
            super().kill()

    def stop(self) -> int:
        """SIGTERM; the exit code. A busy machine needs longer than the worker's own ten seconds."""
        try:
            return self._signal(signal.SIGTERM, STOP_S)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGUSR1)  # what is it waiting for?
            time.sleep(TELL_S)
            raise

    def freeze(self) -> None:
        self.frozen = True
        super().freeze()

    def thaw(self) -> None:
        super().thaw()
        self.frozen = False

    @property
    def stopped(self) -> bool:
        """Whether the process is frozen, by whomever."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        except OSError:
            return False

    def get(self, path: str) -> tuple[int, str]:
        return (0, "") if self.frozen or not self.running else super().get(path)


class Collector(Process):
    """The collector as its user runs it in development."""

    def __init__(self, bootstrap: str, log: Path, environment: dict[str, str]) -> None:
        super().__init__(bootstrap, "crash", "collector", log, (), secret=SECRET)
        self._command = [*COMMAND, "collector", "--dev"]
        self._environment |= {"LEADSTREAMS_COLLECTOR_PORT": str(self.port), **environment}
        del self._environment["FAULTS_REMAINS"]

    @property
    def up(self) -> bool:
        return self.get("/readyz")[0] == 200

    def tell(self) -> None:
        """Have it write what its tasks wait for."""
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR1)
        time.sleep(TELL_S)


BROKER: Final = {"offsets.topic.segment.bytes": str(1 << 20)}
"""A short log of offsets, which is read quickly: see `Site.start_broker`."""
COORDINATOR_S: Final = 40.0
STEADY_S: Final = 5.0
"""Longer than the broker's session, after which it may register anew."""
MOST_STARTS: Final = 3
LOST: Final = tuple(
    f"[Error {error.errno}]"
    for error in (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)
)


class Site:
    """The broker, workers by name, and what they are given. `faults` goes to every worker's FAULTS; with `groups`
    each worker has a Unix group of its own."""

    def __init__(
        self,
        directory: Path,
        properties: dict[str, str] | None = None,
        faults: str = "",
        groups: bool = False,
        **settings: str,
    ) -> None:
        self.directory = directory
        self.mark = uuid.uuid4().hex
        self.temporary = directory / "tmp"
        self.remains = directory / "remains"
        for folder in (self.temporary, self.remains, directory / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        self.broker = KafkaBroker(directory / "kafka", BROKER | (properties or {}))
        self.workers: dict[str, FaultyWorker] = {}
        self.collector: Collector | None = None
        self.broker_kills = 0
        self._wrong: list[str] = []
        self.worker_kills = 0
        self.secret = Secret(SECRET.encode())
        self.faults = faults
        self._groups = groups
        self._settings = settings
        self.delivery: Delivery = (
            "at-least-once" if settings.get("delivery") == "at-least-once" else "exactly-once"
        )

    @property
    def bootstrap(self) -> str:
        return self.broker.bootstrap

    @property
    def settings(self) -> Settings:
        return Settings(
            broker=self.bootstrap,
            partitions=PARTITIONS,
            secret=SECRET,
            pipeline="crash",
            delivery=self.delivery,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            "FAULTS": self.faults,
            "FAULTS_REMAINS": str(self.remains),
            RUN_MARK: self.mark,
            "TMPDIR": str(self.temporary),
        }

    def start_broker(self) -> int:
        """Returns when it coordinates the group, too: how often it had to be started once more.

        A broker that was killed leads its partitions as soon as it is up again, and once more when it has
        registered anew. A coordinator that still reads the offsets when the second time comes can be lost to its
        group until the broker's next start (Kafka 4.1.1, seen under load with 10 MB of offsets): what an operator
        would do is done here.
        """
        self.broker.start()
        again = 0
        while not self._coordinates():
            again += 1
            assert again <= MOST_STARTS, "the broker does not coordinate the group"
            self.broker.stop()
            self.broker.start()
        return again

    def _coordinates(self) -> bool:
        """Whether it does for a while, within a longer one."""
        deadline = time.monotonic() + COORDINATOR_S
        since = deadline
        while (now := time.monotonic()) < deadline:
            since = min(since, now) if self._knows_the_group() else deadline
            if now - since > STEADY_S:
                return True
            time.sleep(POLL_S)
        return False

    def _knows_the_group(self) -> bool:
        with suppress(KafkaError):
            client = KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=2_000)
            try:
                group = client.describe_groups([self.settings.pipeline])[self.settings.pipeline]
            finally:
                client.close()
            return not str(group["error"]).startswith(LOST)
        return False

    def make_topics(self) -> None:
        with admin.connect(self.settings) as client:
            admin.create(client, self.settings)

    def worker(self, name: str, **own: str) -> FaultyWorker:
        """A worker of that name, not started yet."""
        if name not in self.workers:
            log = self.directory / "logs" / f"{name}.log"
            group = FIRST_GROUP + len(self.workers)
            prefix = ("setpriv", "--regid", str(group), "--clear-groups") if self._groups else ()
            made = FaultyWorker(self.bootstrap, name, log, self.environment, prefix, **{**self._settings, **own})
            made.group = group
            self.workers[name] = made
        return self.workers[name]

    def start_workers(self, count: int) -> None:
        for number in range(count):
            self.worker(f"worker-{number}").start()
        until(lambda: all(worker.ready for worker in self.lasting), START_S, "the first assignment")

    def start_collector(self, faults: str = "") -> None:
        log = self.directory / "logs" / "collector.log"
        collector = self.collector = Collector(self.bootstrap, log, {**self.environment, "FAULTS": faults})
        collector.start()
        until(lambda: collector.up, START_S, "the collector's being ready")

    @property
    def lasting(self) -> list[FaultyWorker]:
        """The workers that stay to the end of the run."""
        return [worker for worker in self.workers.values() if worker.name.startswith("worker-")]

    def kill(self, worker: FaultyWorker) -> None:
        worker.kill()
        self.worker_kills += 1

    def kill_broker(self) -> None:
        self.broker.kill()
        self.broker_kills += 1

    def heal(self) -> None:
        """Everything runs again that should."""
        if not self.broker.running:
            self.start_broker()
        for worker in self.lasting:
            if worker.running and worker.stopped:
                worker.thaw()
            if not worker.running:
                worker.start()

    def stop_workers(self) -> list[str]:
        """SIGTERM to all at once; what was wrong with their ends."""
        wrong = []
        running = [worker for worker in self.workers.values() if worker.running]
        for worker in running:
            os.kill(worker.pid, 15)
        for worker in running:
            try:
                code = worker.wait(15)
            except subprocess.TimeoutExpired:
                wrong.append(f"{worker.name} did not stop within 15 s")
                worker.kill()
                continue
            if code != 0:
                wrong.append(f"{worker.name} ended with {code}")
        return [*wrong, *self._wrong]

    def stop_collector(self) -> None:
        """SIGTERM; how it ended is told by `stop_workers`."""
        collector = self.collector
        if collector is None or not collector.running:
            return
        try:
            code = collector.stop()
        except subprocess.TimeoutExpired as late:
            collector.tell()
            collector.kill()
            self._wrong.append(f"the collector did not stop within {late.timeout:.0f} s")
        else:
            if code != 0:
                self._wrong.append(f"the collector ended with {code}")

    def close(self) -> None:
        """End what still runs."""
        for worker in self.workers.values():
            if worker.running:
                if worker.stopped:
                    worker.thaw()
                Process.kill(worker)
        if self.collector is not None and self.collector.running:
            self.collector.kill()
        if self.broker.running:
            self.broker.thaw()
        self.broker.kill()

    def left_behind(self) -> list[str]:
        """Processes and files of this run that are still there after `close`."""
        found = []
        for place in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"{RUN_MARK}={self.mark}".encode() in place.read_bytes():
                    found.append(f"process {place.parent.name} still runs")
            except OSError:
                continue
        found += [f"file {path.name} was left in TMPDIR" for path in self.temporary.iterdir()]
        return found
