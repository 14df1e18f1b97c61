"""Keeps a client library that retries from filling the log while a broker is away."""

import logging
import time
from typing import Final

QUIET_S: Final = 30.0
NOISY: Final = ("aiokafka", "faust", "kafka.", "mode", "opentelemetry")
STEPS: Final = ("streams.app", "streams.lane.driver", "streams.lane.recovery")
"""Where Faust logs each step of our services' starting and stopping."""

OF_A_GROUP: Final = (
    *("Heartbeat failed for group", "Group Coordinator Request failed"),
    *("Marking the coordinator dead", "OffsetCommit failed before join"),
)
"""How aiokafka begins what passes by itself; that a broker is away, or a flush was lost, the lane says itself."""


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
    """What Kafka answers for a moment after each transaction, and while a group forms: the client tries again."""
    if record.name == "aiokafka.producer.sender":
        return "NotEnoughReplicasError" in record.getMessage()
    return record.name == "aiokafka.consumer.group_coordinator" and str(record.msg).startswith(OF_A_GROUP)


def quieten_client_logs(handlers: list[logging.Handler] | None = None) -> None:
    """Put the filter on every handler of the root logger, for the noisy libraries' lines only."""
    quiet = Quiet()
    for name in STEPS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in handlers if handlers is not None else logging.getLogger().handlers:
        handler.addFilter(lambda record: not record.name.startswith(NOISY) or quiet.filter(record))
