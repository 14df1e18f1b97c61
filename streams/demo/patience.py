"""Every wait of the demo has an end, and a line that says what did not happen."""

import time
from collections.abc import Callable
from typing import Final

TOTAL_S: Final = 48.0
"""The whole demo but its end: it answers within a minute, whatever happens."""
POLL_S: Final = 0.05


class Failed(Exception):
    """The demo cannot go on; the message says why, `log` what a process said last."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class Patience:
    """What is left of the demo's time."""

    def __init__(self, total_s: float = TOTAL_S) -> None:
        self._end = time.monotonic() + total_s

    def wait(self, what: str, most_s: float, happened: Callable[[], bool], meanwhile: Callable[[], None]) -> None:
        """Returns when it has happened; raises Failed after `most_s`, or when the demo's time is over."""
        deadline = min(self._end, time.monotonic() + most_s)
        while not happened():
            if time.monotonic() > deadline:
                raise Failed(f"gave up waiting until {what}")
            meanwhile()
