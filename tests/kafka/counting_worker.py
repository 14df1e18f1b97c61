"""A worker process that counts: `python -m tests.kafka.counting_worker [source topic...]`.

With CRASH_AT_SEND=n in the environment it dies, as by a power cut, before it sends something for the n-th time.
"""

import asyncio
import itertools
import logging
import os
import sys
from functools import partial
from typing import Any

from streams import topics
from streams.lane import transaction
from streams.settings import Settings
from streams.worker import run
from tests.lane.counting import CountingPartition

ARRIVAL_S = 0.3
"""Time for what was sent before to reach the broker."""


def crash_at(turn: int) -> None:
    """Replace the writers' sending by one that kills the process at its n-th call."""
    send = transaction._send
    turns = itertools.count(1)

    async def sending(*arguments: Any) -> Any:
        if next(turns) >= turn:  # the later ones wait for the end too
            await asyncio.sleep(ARRIVAL_S)
            os._exit(9)
        return await send(*arguments)

    transaction._send = sending  # type: ignore[assignment]


if __name__ == "__main__":
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stdout
    )
    if "CRASH_AT_SEND" in os.environ:
        crash_at(int(os.environ["CRASH_AT_SEND"]))
    settings = Settings()
    make = partial(CountingPartition, outbox=settings.delivery == "at-least-once")
    sys.exit(run(settings, make, sys.argv[1:] or topics.SOURCES))
