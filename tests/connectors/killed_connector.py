"""A connector that dies: it is killed at random moments, about once a second, and started again, many times.

`python -m tests.connectors.killed_connector NAME CONFIG FAKE KILLS SEED`: everything is loaded once and each life
is a fork, so that it is spent on work. After the last kill the connector runs until it is told to stop.
"""

import contextlib
import os
import random
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from streams.connectors import configuration, process, runner
from streams.connectors.base import Base, Receiver
from streams.connectors.event import Event
from streams.connectors.hubspot import HubSpot
from streams.connectors.hubspot_client import HubSpotSink
from streams.connectors.outcome import Outcome
from streams.connectors.salesforce import Salesforce
from streams.connectors.salesforce_client import SalesforceSink
from streams.settings import Settings
from streams.worker import speak
from tests.connectors.fake_salesforce import Rewriting

LIFE_S = (0.1, 1.0)
"""How long a life delivers before it is killed."""
BIRTH_S = 60.0
BATCH = int(os.environ.get("KILLED_BATCH", "5"))
COMMIT_S = 0.05
"""Often, so that what is committed and what is not lie close together when the end comes."""


def receiver(settings: Base, fake: str) -> Receiver:
    """As the configuration makes it, but for the address of the fake."""
    if isinstance(settings, Salesforce):
        return SalesforceSink(settings, Rewriting(fake))
    if isinstance(settings, HubSpot):
        return HubSpotSink(settings, fake)
    return configuration.receiver(settings)


class Announced(Receiver):
    """Says through a pipe that it delivers, and delivers little at a time."""

    batch = BATCH

    def __init__(self, of: Receiver, pipe: int) -> None:
        self._of = of
        self._pipe = pipe

    async def open(self) -> None:
        await self._of.open()

    async def close(self) -> None:
        await self._of.close()

    async def deliver(self, events: Sequence[Event]) -> list[Outcome]:
        os.write(self._pipe, b".")
        return await self._of.deliver(events)

    def preview(self, event: Event) -> list[Any]:
        return self._of.preview(event)


def born(name: str, config: Path, fake: str) -> tuple[int, int]:
    """Start a connector; its process id, and a pipe on which it says that it delivers."""
    told, tells = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        found = configuration.load(name, config)
        assert not isinstance(found, list), found
        runner.COMMIT_S = COMMIT_S  # type: ignore[misc]
        made = Announced(receiver(found.settings, fake), tells)
        process.run(Settings(), name, found.settings, made, "127.0.0.1", 0)
    os.close(tells)
    return child, told


def main(name: str, config: str, fake: str, kills: int, seed: int) -> None:
    speak()
    chance = random.Random(seed)
    for _ in range(kills):
        child, told = born(name, Path(config), fake)
        delivers, _, _ = select.select([told], [], [], BIRTH_S)
        time.sleep(chance.uniform(*LIFE_S))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(told)
        print("killed" if delivers else "killed before it delivered", flush=True)
    child, _ = born(name, Path(config), fake)

    def stop(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
