"""An export of contacts through the core: what the model would make of them today, without Kafka."""

import csv
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from schemas.dead_letter import Rejected
from streams.analysis import export, parallel
from streams.analysis.comparison import Handed, handoffs
from streams.analysis.export import WHO, Layout
from streams.analysis.parallel import Named
from streams.analysis.source import Reader
from streams.analysis.trial import Held, Trial
from streams.identity.keys import Kind, Secret, lead_key
from streams.imports.row import opened, rows
from streams.log import Advance
from streams.scoring.instant import rfc3339

ENCODINGS: Final = ("utf-8-sig", "cp932", "latin-1")
"""Tried in this order; the last takes everything. Files that begin with its mark are UTF-16."""
DELIMITERS: Final = ",;\t"
FEWEST_COLUMNS: Final = 2


class Unreadable(Exception):
    """The file is no export; one line."""


class Person(NamedTuple):
    """Who a key is: the row it stands in, and what the row says."""

    line: int
    email: str
    name: str | None
    company: str | None
    title: str | None


class Attempt(NamedTuple):
    """What came of an export. `reached`: persons that ever entered a stage; `filled`: rows that have a field."""

    layout: Layout
    rows: int
    persons: int
    events: dict[str, int]
    reached: dict[str, int]
    now: dict[str, int]
    handed: list[Handed]
    held: list[Held]
    people: dict[str, Person]
    problems: dict[str, int]
    repeated: int
    filled: dict[str, int]


def run(
    path: Path, model: Named, secret: Secret, now: int, started: Callable[[int], None], advance: Advance
) -> Attempt:
    """Try a file as of an instant (Unix ms). Raises OSError, EOFError, Unreadable."""
    with opened(path) as source:
        raw = source.content.read()
    encoding, delimiter = _form(raw)
    zone = ZoneInfo(model.load().source.timezone)
    first = next(csv.reader(io.StringIO(raw.decode(encoding, "replace")), delimiter=delimiter), [])
    found = export.layout(name.strip() for name in first)
    if len(first) < FEWEST_COLUMNS or "email" not in found.columns:
        names = ", ".join(first[:8]) or "nothing"
        raise Unreadable(f"no column for the email address in the first line, which names {names}")
    reader, gathered = Reader(), _Gathered(found, secret)
    for line, cells in rows(io.BytesIO(raw), delimiter, encoding, set()):
        gathered.rows += 1
        if isinstance(cells, Rejected):
            gathered.problems["row_is_broken"] += 1
            continue
        taken = export.events(cells, found, zone, now)
        gathered.note(line, cells, taken)
        for document in taken.events:
            reader.take(msgspec.json.encode(document), line)
    events = reader.finish()
    started(len(events.events))
    (done,) = parallel.run(events.events, [model], secret, now, advance).trials
    return _attempt(gathered, dict(events.types.most_common()), done)


class _Gathered:
    """What the rows themselves say."""

    def __init__(self, layout: Layout, secret: Secret) -> None:
        self.layout = layout
        self.rows = 0
        self.repeated = 0
        self.people: dict[str, Person] = {}
        self.problems: Counter[str] = Counter()
        self.filled: Counter[str] = Counter()
        self._secret = secret

    def note(self, line: int, cells: dict[str, str], taken: export.Taken) -> None:
        self.problems.update(problem.kind for problem in taken.problems)
        if not taken.events:
            return
        known: dict[str, Any] = taken.events[0]
        self.filled.update(word for word in WHO if known.get(word))
        key = lead_key(Kind.EMAIL, known["email"], self._secret)
        if key in self.people:
            self.repeated += 1
            return
        name = " ".join(filter(None, (known.get("first_name"), known.get("last_name")))) or None
        self.people[key] = Person(line, known["email"], name, known.get("company"), known.get("title"))


def _form(raw: bytes) -> tuple[str, str]:
    """Encoding and delimiter, as spreadsheets of this world write them."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        encoding = next(name for name in ENCODINGS if _decodes(raw, name))
    head = raw.decode(encoding, "replace").split("\n", 1)[0]
    return encoding, max(DELIMITERS, key=head.count)


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _attempt(gathered: _Gathered, events: dict[str, int], done: Trial) -> Attempt:
    reached: dict[str, set[str]] = {}
    for one in done.told:
        if one.type == "stage_changed":
            reached.setdefault(one.to_stage, set()).add(one.lead_key)
    leads = {stage: number for stage, number in done.leads.items() if stage not in ("alias", "visitor")}
    return Attempt(
        gathered.layout,
        gathered.rows,
        len(gathered.people),
        events,
        {stage: len(keys) for stage, keys in reached.items()},
        leads,
        [one for one in handoffs(done.told) if not one.repeat],
        done.held,
        gathered.people,
        dict(gathered.problems.most_common()),
        gathered.repeated,
        dict(gathered.filled),
    )


def held_by(held: list[Held]) -> list[tuple[str, int, str]]:
    """What holds leads back: its code, how many it holds, and the words of one."""
    counts: Counter[str] = Counter()
    words: dict[str, str] = {}
    for one in held:
        said = one.words.split("; ") if "; " in one.words else one.words.split("、")
        for place, code in enumerate(one.codes):
            counts[code] += 1
            words.setdefault(code, said[place] if place < len(said) else one.words)
    return [(code, number, words[code]) for code, number in counts.most_common()]


def as_json(found: Attempt, names: bool) -> dict[str, Any]:
    """Everything, for scripts; who somebody is only with `names`."""
    return {
        "tool": found.layout.tool,
        "columns": found.layout.columns,
        "ignored_columns": list(found.layout.ignored),
        "rows": found.rows,
        "persons": found.persons,
        "events": found.events,
        "reached": found.reached,
        "now": found.now,
        "handoffs": [
            {**one._asdict(), "at": rfc3339(one.at), **_person(found.people.get(one.person), names)}
            for one in found.handed
        ],
        "held": [{**one._asdict(), "since": rfc3339(one.since), **_person(found.people.get(one.person), names)}
                 for one in found.held],
        "held_by": [{"code": code, "leads": number} for code, number, _ in held_by(found.held)],
        "problems": found.problems,
        "repeated": found.repeated,
        "filled": found.filled,
    }  # fmt: skip


def _person(person: Person | None, names: bool) -> dict[str, Any]:
    known = person._asdict() if person is not None else {}
    return {name: value for name, value in known.items() if names or name in ("line", "company", "title")}
