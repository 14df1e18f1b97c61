"""What became of every row of an import: sent, skipped or wrong; the three always add up to the rows."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from schemas.dead_letter import Rejected
from streams.imports.event import Outcome, Skipped

SHOWN_ERRORS: Final = 20


class Place(NamedTuple):
    """A row of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Mistake(NamedTuple):
    """A row that was not sent though it should have been."""

    place: Place
    reason: str
    detail: str


@dataclass
class Report:
    """The account of one import. `types` and `machines` count among the rows that were sent or would have been."""

    rows: int = 0
    sent: int = 0
    machines: int = 0
    types: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    first_errors: list[Mistake] = field(default_factory=list)

    def count(self, outcome: Outcome, place: Place) -> None:
        """Enter a row before it is sent."""
        self.rows += 1
        if isinstance(outcome, Skipped):
            self.skipped[outcome.reason] += 1
        elif isinstance(outcome, Rejected):
            self.mistake(place, outcome.reason.value, outcome.detail)
        else:
            self.types[outcome.type] += 1
            self.machines += outcome.machine

    def mistake(self, place: Place, reason: str, detail: str) -> None:
        self.errors[reason] += 1
        if len(self.first_errors) < SHOWN_ERRORS:
            self.first_errors.append(Mistake(place, reason, detail))

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "sent": self.sent,
            "types": dict(self.types),
            "machines": self.machines,
            "skipped": dict(self.skipped),
            "errors": dict(self.errors),
            "first_errors": [
                {"file": file, "line": line, "reason": reason, "detail": detail}
                for (file, line), reason, detail in self.first_errors
            ],
        }
