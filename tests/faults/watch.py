"""Watches a site while it runs: when it was whole, how much memory and how many files its processes held."""

import os
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

from tests.faults.site import PARTITIONS, FaultyWorker, Site

LOOK_S: Final = 0.25
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Injected(NamedTuple):
    """A fault, and from when on recovery is counted (monotonic seconds)."""

    fault: str
    since: float


class Watch:
    """`whole` are the instants (monotonic seconds) at which every partition was open and read up to date."""

    def __init__(self, site: Site, lag_allowed: int) -> None:
        self.injected: list[Injected] = []
        self.whole: list[float] = []
        self.most_memory: dict[str, int] = defaultdict(int)
        self.most_files: dict[str, int] = defaultdict(int)
        self._site = site
        self._lag_allowed = lag_allowed
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    def note(self, fault: str) -> None:
        """A fault has just begun, or, if it lasts, has just been healed."""
        self.injected.append(Injected(fault, time.monotonic()))

    def recovery(self, injected: Injected) -> float | None:
        """Seconds until the site was whole again; None if the next fault, or the end, came first."""
        following = min((other.since for other in self.injected if other.since > injected.since), default=None)
        for at in self.whole:
            if at > injected.since + 2 * LOOK_S:
                return at - injected.since if following is None or at < following else None
        return None

    def _run(self) -> None:
        while not self._ending.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        opened = lag = 0
        for worker in list(self._site.workers.values()):
            found = self._metrics(worker)
            opened += found[0]
            lag += found[1]
        if opened == PARTITIONS and lag <= self._lag_allowed:
            self.whole.append(time.monotonic())

    def _metrics(self, worker: FaultyWorker) -> tuple[int, int]:
        """Open partitions and records not applied."""
        try:
            self._measure(worker)
        except (OSError, AssertionError):
            return 0, 0
        opened = lag = 0
        for line in worker.get("/metrics")[1].splitlines():
            if line.startswith('leadstreams_partitions{state="open"}'):
                opened = int(float(line.rpartition(" ")[2]))
            elif line.startswith("leadstreams_lag_records{"):
                lag += int(float(line.rpartition(" ")[2]))
        return opened, lag

    def _measure(self, worker: FaultyWorker) -> None:
        process = Path(f"/proc/{worker.pid}")
        resident = int((process / "statm").read_text().split()[1]) * PAGE
        self.most_memory[worker.name] = max(self.most_memory[worker.name], resident)
        files = len(list((process / "fd").iterdir()))
        self.most_files[worker.name] = max(self.most_files[worker.name], files)
