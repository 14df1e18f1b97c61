"""A process of the program as its user starts it: `python -m tests.faults.process worker`, with failpoints and
deliberate breaks put into it by FAULTS in the environment (`name` or `name=argument`, separated by spaces).

The product knows nothing of this: what is named is patched here, before the command runs.
"""

import asyncio
import faulthandler
import os
import signal
import sys
from importlib import import_module

from streams.cli import main


def patch(words: str) -> None:
    """Put in what the words name. Raises KeyError."""
    for word in words.split():
        name, _, argument = word.partition("=")
        # A worker that is only killed shall not wait for what it does not need.
        found = import_module("tests.faults.failpoints").ALL.get(name)
        found = found or import_module("tests.faults.breaks").ALL[name]
        found(argument)


def tell(*_: object) -> None:
    """Write what every task of this process waits for: asked by SIGUSR1 when a run does not become quiet."""
    for task in list(asyncio.tasks._all_tasks):  # type: ignore[attr-defined]  # of all loops
        task.print_stack(limit=6, file=sys.stderr)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, tell)
    faulthandler.register(signal.SIGUSR1, all_threads=True, chain=True)
    patch(os.environ.get("FAULTS", ""))
    if "FAULTS_REMAINS" in os.environ:
        import_module("tests.faults.remains").keep(os.environ["FAULTS_REMAINS"])
    main()
