"""A whole pipeline as its user runs it, seen from outside: workers as processes, commands, quiet."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.kafka.fleet import Process, until

SECRET: Final = "a-secret-for-tests-of-the-pipeline"
MODEL: Final = "published"
"""Few rules, so that random traffic reaches sales."""
LOOKS: Final = 10
"""Quiet ones in a row that tell the end of a backlog."""
PROGRAM: Final = Path(sys.executable).with_name("leadstreams")


class Worker(Process):
    """A real worker: `leadstreams worker`, or another command that runs one."""

    def __init__(
        self,
        bootstrap: str,
        name: str,
        log: Path,
        command: Iterable[str] = (str(PROGRAM), "worker"),
        **settings: str,
    ) -> None:
        super().__init__(bootstrap, "crash", name, log, (), secret=SECRET, **{"model": MODEL, **settings})
        self._command = [*command]

    def lag(self) -> int | None:
        """Records that are not applied yet, None while it is not ready."""
        if not self.ready:
            return None
        lines = [
            line for line in self.get("/metrics")[1].splitlines() if line.startswith("leadstreams_lag_records{")
        ]
        return sum(int(float(line.rpartition(" ")[2])) for line in lines)


def quiet(workers: Iterable[Worker]) -> bool:
    """Whether all are ready and know of nothing that is not applied."""
    return all(lag == 0 for lag in [worker.lag() for worker in workers])


def await_quiet(workers: list[Worker], patience_s: float = 120) -> None:
    """Polls until they are quiet for `LOOKS` looks in a row: longer than a fetch waits, since a worker learns only
    from its next fetch that there is more."""
    looks = 0

    def quiet_for_long() -> bool:
        nonlocal looks
        looks = looks + 1 if quiet(workers) else 0
        return looks == LOOKS

    until(quiet_for_long, patience_s, "the end of the backlog")


def command(bootstrap: str, *words: str, **settings: str) -> tuple[int, Any]:
    """A `leadstreams` command with --json: exit code and answer."""
    own = {"broker": bootstrap, "pipeline": "crash", "secret": SECRET, "model": MODEL, **settings}
    environment = os.environ | {f"LEADSTREAMS_{name.upper()}": value for name, value in own.items()}
    done = subprocess.run(
        [str(PROGRAM), *words, "--json"], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)
