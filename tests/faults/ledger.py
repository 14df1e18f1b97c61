"""A file of outcomes, a JSON line each, so that many runs add up to one table and one that was stopped goes on."""

from pathlib import Path
from typing import Final

import msgspec

from tests.faults.schedule import Outcome

_DECODER: Final = msgspec.json.Decoder(Outcome)


class Ledger:
    """Those of the file, and what is added; without a file they are kept in memory only."""

    def __init__(self, place: Path | None) -> None:
        self._made: dict[tuple[str, int], Outcome] = {}
        self._place = place
        if place is not None and place.exists():
            for line in place.read_bytes().splitlines():
                self._note(_DECODER.decode(line))

    @property
    def outcomes(self) -> list[Outcome]:
        """The newest of each schedule and seed."""
        return list(self._made.values())

    @property
    def seed(self) -> int | None:
        """That of the first run."""
        return next((seed for _, seed in self._made), None)

    def has(self, schedule: str, seed: int) -> bool:
        """Whether that run was made, and held."""
        made = self._made.get((schedule, seed))
        return made is not None and not made.violations

    def _note(self, outcome: Outcome) -> None:
        self._made[outcome.schedule, outcome.seed] = outcome

    def add(self, outcome: Outcome) -> None:
        self._note(outcome)
        if self._place is not None:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            with self._place.open("ab") as out:
                out.write(msgspec.json.encode(outcome) + b"\n")
