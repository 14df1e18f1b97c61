"""The lists beside a scoring model: CSV files with a header row that says what the list holds.

A list is whole and valid, or refused with the file, the line and what was expected there.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple, cast

from streams.list_kind import LONGEST_CELL, Kind, kinds_of
from streams.yaml_file import Fault

MOST_ROWS: Final = 50_000
MOST_BYTES: Final = 4 * 1024 * 1024
MOST_FAULTS: Final = 20
"""Reported of one file: a wrong separator would name every line."""

Rows = list[list[str]]


class Refused(NamedTuple):
    """What is wrong with a list."""

    faults: list[Fault]


class _Line(NamedTuple):
    """One line that holds cells, with its number in the file."""

    number: int
    cells: list[str]


def load(name: str, stated: str, beside: Path, place: Fault) -> Rows | Refused:
    """The rows of the list with this name, each with all columns of its kind, without the header.

    `stated` is the path of its file from the directory of the model, which it must not leave; `place`, where the
    model says so.
    """
    path = _inside(stated, beside)
    if isinstance(path, str):
        return Refused([place._replace(message=path)])
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        return Refused([place._replace(message=f"cannot read {stated}: {error.strerror}")])
    return read(raw, str(beside / stated), name)


def read(raw: bytes, file: str, name: str) -> Rows | Refused:
    """The rows in the bytes of a list's file."""
    if len(raw) > MOST_BYTES:
        return _refused(file, 1, f"a list is at most {MOST_BYTES // 1024 // 1024} MB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _refused(file, line, "not UTF-8: save the file as CSV in UTF-8")
    lines = _lines(text, file)
    header = next(lines, _Line(1, []))
    if isinstance(header, Fault):
        return Refused([header])
    kind = next((kind for kind in kinds_of(name) if kind.is_of(header.cells)), None)
    if kind is None:
        known = "; or ".join(kind.header for kind in kinds_of(name))
        return _refused(file, header.number, f"expected a header row: {known}")
    return _rows(lines, kind, header.cells, file)


def stated(rows: object, name: str, place: Fault) -> Rows | Refused:
    """The list that stands at a place of the model itself, as rows without a header."""
    wrong = _wrong(rows, kinds_of(name)) if isinstance(rows, list) else _NOT_A_PATH
    return Refused([place._replace(message=wrong)]) if wrong else cast(Rows, rows)


_NOT_A_PATH: Final = "expected the path of a CSV file, from the directory of the model"
_TOO_MANY: Final = f"a list has at most {MOST_ROWS} rows"


def _wrong(rows: list[object], kinds: list[Kind]) -> str | None:
    if len(rows) > MOST_ROWS:
        return _TOO_MANY
    known = "; or ".join(kind.header for kind in kinds)
    for row in rows:
        kinds = [kind for kind in kinds if _is_row(row, kind)]
        if not kinds:
            return f"expected rows with {known}, found {str(row)[:LONGEST_CELL]}"
    return None


def _is_row(row: object, kind: Kind) -> bool:
    if not isinstance(row, list) or not all(isinstance(cell, str) for cell in row):
        return False
    return len(row) == len(kind.columns) and kind.wrong(row) is None


def _refused(file: str, line: int, message: str) -> Refused:
    return Refused([Fault(file, line, "", message)])


def _inside(stated: str, beside: Path) -> Path | str:
    """The file of a list, or why there is none. Links are followed, and must not lead out either."""
    pure = PurePosixPath(stated)
    if pure.is_absolute() or ".." in pure.parts or "\\" in stated or pure.suffix != ".csv":
        return f"expected the path of a CSV file in the directory of the model or below, found {stated!r}"
    try:
        path = (beside / stated).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # nothing there; links in a circle; a character no name may have
        return f"cannot read {stated!r}: there is no such file beside the model"
    if not path.is_relative_to(beside.resolve()):
        return f"{stated!r} leads out of the directory of the model"
    return path if path.is_file() else f"cannot read {stated!r}: it is not a file"


def _lines(text: str, file: str) -> Iterator[_Line | Fault]:
    """The lines with cells; a line that is not CSV is a fault."""
    for number, line in enumerate(re.split(r"\r?\n", text), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            yield _Line(number, [cell.strip() for cell in next(csv.reader([line], strict=True))])
        except csv.Error as error:
            yield Fault(file, number, "", f"expected cells separated by commas: {error}")


def _rows(lines: Iterator[_Line | Fault], kind: Kind, header: list[str], file: str) -> Rows | Refused:
    rows: Rows = []
    faults: list[Fault] = []
    lines_of: dict[str, int] = {}
    for line in lines:
        found = line if isinstance(line, Fault) else _row(line, kind, header, lines_of, file)
        if isinstance(found, Fault):
            faults.append(found)
        elif len(rows) == MOST_ROWS:
            return Refused([Fault(file, lines_of[found[0]], "", _TOO_MANY)])
        else:
            rows.append(found)
        if len(faults) == MOST_FAULTS:
            break
    return Refused(faults) if faults else rows


def _row(line: _Line, kind: Kind, header: list[str], lines_of: dict[str, int], file: str) -> list[str] | Fault:
    """The cells in the order of the kind, if each is as it should be and no row before has the same first one."""
    if len(line.cells) != len(header):
        found = f"expected {len(header)} cells ({','.join(header)}), found {len(line.cells)}"
        return Fault(file, line.number, "", found)
    given = dict(zip(header, line.cells, strict=True))
    row = [given.get(name, "") for name in kind.columns]
    wrong = kind.wrong(row)
    if wrong is not None:
        return Fault(file, line.number, *wrong)
    before = lines_of.setdefault(row[0], line.number)
    if before != line.number:
        return Fault(file, line.number, next(iter(kind.columns)), f"{row[0]!r} stands in line {before} already")
    return row
