"""One line for each look at a person, and for each change: who, what, whom. Keyed ids only, no personal data."""

import json
import logging
import threading
import time
from pathlib import Path
from typing import Final

from streams.console.access import Person
from streams.scoring.instant import rfc3339

log: Final = logging.getLogger(__name__)


class Audit:
    """Lines of JSON, appended to a file, or to the log without one. Raises OSError."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def note(self, person: Person, what: str, subject: str, *, masked: bool | None = None) -> None:
        """`subject`: a lead key, a handoff's id, a dead letter's id."""
        line = {
            "at": rfc3339(time.time_ns() // 1_000_000),
            "who": person.name,
            "roles": sorted(person.roles),
            "what": what,
            "of": subject,
            **({} if masked is None else {"masked": masked}),
        }
        text = json.dumps(line)
        if self._file is None:
            log.info("%s", text)
            return
        with self._lock:
            self._file.write(f"{text}\n")
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
