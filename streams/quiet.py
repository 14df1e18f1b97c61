"""Keeps a client library that retries from filling the log while a broker is away."""

import logging
import time
from typing import Final

QUIET_S: Final = 30.0
NOISY: Final = ("aiokafka", "faust", "mode")
STEPS: Final = ("streams.app", "streams.lane.driver", "streams.lane.recovery")
"""Where Faust logs each step of our services' starting and stopping."""


class Quiet(logging.Filter):
    """Lets each kind of line through once in `QUIET_S`; a retry loop says the same thing many times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or _usual(record):
            return False
        kind = (record.name, str(record.msg))
        now = time.monotonic()
        if now - self._last.get(kind, -QUIET_S) < QUIET_S:
            return False
        self._last[kind] = now
        if record.levelno >= logging.ERROR:
            # Theirs pass by themselves; the lane says it when an operator is needed.
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = None
        return True


def _usual(record: logging.LogRecord) -> bool:
    """Kafka 4 answers so for a few milliseconds after each transaction, and the client tries again."""
    return record.name == "aiokafka.producer.sender" and "NotEnoughReplicasError" in record.getMessage()


def quieten_client_logs(handlers: list[logging.Handler] | None = None) -> None:
    """Put the filter on every handler of the root logger, for the noisy libraries' lines only."""
    quiet = Quiet()
    for name in STEPS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in handlers if handlers is not None else logging.getLogger().handlers:
        handler.addFilter(lambda record: not record.name.startswith(NOISY) or quiet.filter(record))
