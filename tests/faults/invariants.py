"""The invariants I1 to I7, judged on what a run left behind (docs/reliability.md says them in words)."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.dead_letter import Reason
from streams import topics
from tests.faults import remains
from tests.faults.evidence import Evidence, Place, Source, bug_ids
from tests.faults.failpoints import BUG
from tests.faults.load import is_poison
from tests.faults.remains import Remains
from tests.faults.site import PARTITIONS

SHOWN: Final = 3
LATE_MS: Final = 2_000
"""Workers need not apply what comes so shortly before they stop."""
MOST_MEMORY: Final = 700 << 20
"""Bytes a worker may hold in these runs: it begins with 110 MB; 64 MB may wait; the rest is leads and batches."""
MOST_FILES: Final = 250
MOST_DISK: Final = 40
"""Bytes of broker disk per byte sent: inputs, transitions with their stories, the changelog before compaction."""
TRACEBACKS: Final = re.compile(r"Traceback|never retrieved|Unclosed|was destroyed but")


class Violation(NamedTuple):
    """A broken promise: which invariant, and what was found."""

    invariant: str
    words: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.words}"


class Counts(NamedTuple):
    """The figures of the table."""

    events: int = 0
    lost: int = 0
    twice: int = 0
    handoffs: int = 0
    handoffs_lost: int = 0
    handoffs_twice: int = 0
    dead_letters: int = 0


Acknowledged = Mapping[tuple[str, int], Mapping[int, bytes]]


class Judge:
    """Collects violations and counts of one run. `exactly_once`: repeats are not allowed."""

    def __init__(self, evidence: Evidence, exactly_once: bool) -> None:
        self.found: list[Violation] = []
        self._evidence = evidence
        self._exactly_once = exactly_once
        self._lost: set[Place] = set()
        self._twice: set[Place] = set()
        self._handoffs_lost = 0
        self._handoffs_twice = 0

    def counts(self, events: int) -> Counts:
        evidence = self._evidence
        return Counts(
            events,
            len(self._lost),
            len(self._twice),
            len(evidence.handoffs),
            self._handoffs_lost,
            self._handoffs_twice,
            len(evidence.letters),
        )

    def _add(self, invariant: str, words: str) -> None:
        self.found.append(Violation(invariant, words))

    def _some(self, invariant: str, what: str, cases: list[Any]) -> None:
        if cases:
            some = ", ".join(map(str, cases[:SHOWN])) + (", ..." if len(cases) > SHOWN else "")
            self._add(invariant, f"{len(cases):,} {what}: {some}")

    # --- I1

    def acknowledged(self, acknowledged: Acknowledged) -> None:
        """What the broker acknowledged stands in the log, where it said."""
        gone: list[Place] = []
        for (topic, number), sent in acknowledged.items():
            source = self._evidence.sources[topic, number]
            damaged = {offset for span in source.damaged for offset in span}
            gone += [
                (topic, number, offset)
                for offset, digest in sent.items()
                if offset >= source.first and source.records.get(offset) != digest and offset not in damaged
            ]
        self._lost.update(gone)
        self._some("I1", "acknowledged records are not in the log", gone)

    def collected(self, accepted: set[bytes]) -> None:
        """What the collector answered 200 to stands in the log."""
        gone = sorted(accepted - self._evidence.web_ids)
        self._lost.update(("collected", 0, int(name)) for name in gone)
        self._some("I1", "events that the collector accepted are not in the log", gone)

    def applied(self, acknowledged: Acknowledged, stopped: int) -> None:
        """Every record of the log was recorded as applied, once, below what the meta record vouches for.

        Not one that nobody acknowledged and that came as the workers stopped (`stopped`, Unix ms): what a sender
        gave up on may still be on its way, since TCP goes on trying after a network was cut.
        """
        never: list[Place] = []
        twice: list[Place] = []
        for (topic, number), source in self._evidence.sources.items():
            progress = self._evidence.progress[number]
            limit = progress.offsets.get(topic, 0) if progress is not None else 0
            for offset in (*_deleted(topic, source), *source.records):
                times = source.times(offset)
                late = source.appended.get(offset, 0) > stopped - LATE_MS
                if late and offset not in acknowledged.get((topic, number), ()):
                    continue
                if times == 0 or offset >= limit:
                    never.append((topic, number, offset))
                elif times > 1 and self._exactly_once:
                    twice.append((topic, number, offset))
        self._lost.update(never)
        self._twice.update(twice)
        self._some("I1", "records were never applied", never)
        self._some("I1", "records were applied twice", twice)

    # --- I2, I4

    def replayed(self, code: int, found: dict[str, Any]) -> None:
        """What `replay --diff` says, and the handoffs that it expects."""
        by_kind: dict[str, list[str]] = defaultdict(list)
        for difference in found["differences"]:
            by_kind[difference["kind"]].append(f"{difference['about']} {difference['words']}")
        self._some("I2", "leads differ from the replay's", by_kind["lead"])
        self._some("I2", "topics differ from the replay's", by_kind["topic"])
        self._some("I4", "handoffs differ from the replay's", by_kind["handoff"])
        if code and not found["differences"]:
            self._add("I2", f"replay --diff ended with {code}")
        handoffs = self._evidence.handoffs
        self._handoffs_lost = len(set(found["handoffs"]) - handoffs.keys())
        repeated = [name for name, times in handoffs.items() if times.total() > 1]
        other = [name for name, times in handoffs.items() if len(times) > 1]
        if self._exactly_once:
            self._handoffs_twice = sum(handoffs[name].total() - 1 for name in repeated)
            self._some("I4", "handoffs are there more than once", repeated)
        self._some("I4", "handoffs were repeated with other bytes", other)

    def not_replayed(self, why: str) -> None:
        self._add("I2", f"no replay could be made: {why[:300]}")

    # --- I3

    def remembered(self, held: dict[int, Remains]) -> None:
        """The changelog, read from zero, is what the workers held when they let go."""
        for number in range(PARTITIONS):
            table, progress = self._evidence.table[number], self._evidence.progress[number]
            if number not in held:
                self._add("I3", f"no worker held partition {number} at the end")
            elif progress is None or held[number].offsets != progress.offsets:
                self._add("I3", f"partition {number}: the worker's progress is not the changelog's")
            else:
                ours = held[number].leads
                wrong = [key for key in ours.keys() | table.keys() if ours.get(key) != _digest(table.get(key))]
                self._some("I3", f"leads of partition {number} differ from the worker's memory", wrong)

    # --- I5

    def quiet(self, seconds: float | None, patience: float) -> None:
        if seconds is None:
            self._add("I5", f"lag did not reach 0 within {patience:.0f} s after healing")

    # --- I6

    def logs(self, logs: Path, expected: tuple[str, ...]) -> None:
        """No ERROR line, warning of Python or traceback that the schedule does not explain."""
        allowed = [re.compile(pattern) for pattern in expected]
        strange: Counter[str] = Counter()
        for place in logs.glob("*.log"):
            for line in place.read_text(errors="replace").splitlines():
                odd = " ERROR " in line or " CRITICAL " in line or TRACEBACKS.search(line)
                if odd and not any(pattern.search(line) for pattern in allowed):
                    strange[f"{place.stem}: {re.sub(r'^[0-9: ,-]+', '', line)[:160]}"] += 1
        self._some("I6", "unexplained lines", [f"{times} x {line}" for line, times in strange.items()])

    def bounds(self, memory: Mapping[str, int], files: Mapping[str, int], disk: int, sent: int) -> None:
        """Memory, open files and disk."""
        for name, most in memory.items():
            if most > MOST_MEMORY:
                self._add("I6", f"{name} held {most >> 20} MB, more than {MOST_MEMORY >> 20}")
        for name, most in files.items():
            if most > MOST_FILES:
                self._add("I6", f"{name} held {most} files open, more than {MOST_FILES}")
        if disk > MOST_DISK * sent + (256 << 20):
            self._add("I6", f"the broker holds {disk >> 20} MB of {sent >> 20} MB sent")

    def ends(self, wrong: list[str]) -> None:
        """How the processes ended, and what they left behind."""
        self._some("I6", "things were left wrong", wrong)

    # --- I7

    def letters(self, bugs: bool) -> None:
        """Each refused record is a dead letter with its reason and raw bytes, and there are no others."""
        there: dict[Place, list[Any]] = defaultdict(list)
        for letter in self._evidence.letters:
            known = letter.headers
            if known is None:
                self._add("I7", "a dead letter without its headers")
            elif known.source_topic in topics.SOURCES:
                there[known.source_topic, known.source_partition, known.source_offset].append(letter)
        missing, changed, repeated = [], [], []
        for place, (key, value) in self._evidence.poison.items():
            letters = there.pop(place, [])
            wanted = is_poison(value) or Reason.UNDECODABLE_BATCH
            if not letters:
                missing.append(place)
            elif any(
                (found.key, found.value) != (key, value) or found.headers.reason != wanted for found in letters
            ):
                changed.append(place)
            elif len(letters) > 1 and self._exactly_once:
                repeated.append(place)
        strange = [
            place
            for place, letters in there.items()
            if not (bugs and _is_bug(letters)) and not (self._is_gone(place) and _is_poison(letters))
        ]
        self._some("I7", "refused records have no dead letter", missing)
        self._some("I7", "dead letters lack the raw bytes or the reason", changed)
        self._some("I7", "dead letters are there twice", repeated)
        self._some("I7", "dead letters of records that were to be scored", strange)

    def _is_gone(self, place: Place) -> bool:
        """Whether the log no longer holds what stood there: a dead letter of it is judged by its own bytes."""
        topic, number, offset = place
        return offset < self._evidence.sources[topic, number].first

    def bugs(self) -> None:
        """Each event at which the core raised is a dead letter that says so."""
        told = {
            name
            for letter in self._evidence.letters
            if letter.headers is not None and letter.headers.reason is Reason.SCORING_ERROR
            for name in bug_ids(letter.value)
        }
        missing = sorted(self._evidence.bugs - told)
        self._some("I7", "events at which the core raised have no dead letter", missing)


def _deleted(topic: str, source: Source) -> range:
    """What a log held before its beginning moved: every offset, of inputs, since nobody writes markers there."""
    return range(source.first if topic in topics.INPUTS else 0)


def _is_bug(letters: list[Any]) -> bool:
    return all(
        letter.headers.reason is Reason.SCORING_ERROR and BUG in (letter.value or b"") for letter in letters
    )


def _is_poison(letters: list[Any]) -> bool:
    return all(is_poison(letter.value) == letter.headers.reason for letter in letters)


def _digest(value: bytes | None) -> str | None:
    return None if value is None else remains.digest(value)
