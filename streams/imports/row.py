"""Rows of files: plain or gzip, CSV or JSON lines; each with its line, however broken it is."""

import csv
import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple, cast

from schemas.dead_letter import Reason, Rejected

if TYPE_CHECKING:
    import _csv

STDIN: Final = "-"
LONGEST_CELL: Final = 1_000_000
"""Characters; an event holds no more."""


class Row(NamedTuple):
    """One row: `cells` of a CSV file by column, or why the row cannot be read. `line` is the row's last line."""

    line: int
    cells: dict[str, str] | Rejected


class Line(NamedTuple):
    """One line of a file, without its end."""

    line: int
    raw: bytes


class Source(NamedTuple):
    """An open file. `position` of `size` tells how far reading is, in the bytes on disk; size 0 is unknown."""

    content: IO[bytes]
    on_disk: IO[bytes]
    size: int

    def position(self) -> int:
        return self.on_disk.tell() if self.size else 0


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Opens a file, unpacking gzip by its content rather than its name; `-` is standard input. Raises OSError."""
    if str(path) == STDIN:
        yield Source(sys.stdin.buffer, sys.stdin.buffer, 0)
        return
    with path.open("rb") as on_disk:
        packed = on_disk.peek(2)[:2] == b"\x1f\x8b"
        content = cast("IO[bytes]", gzip.GzipFile(fileobj=on_disk)) if packed else on_disk
        yield Source(content, on_disk, path.stat().st_size)


def lines(content: IO[bytes]) -> Iterator[Line]:
    """All lines. Raises OSError or EOFError where a packed file is broken."""
    for number, raw in enumerate(content, start=1):
        yield Line(number, raw.rstrip(b"\r\n"))


class NoHeader(Exception):
    """The first line of a CSV file does not name the columns that the mapping needs."""


def rows(content: IO[bytes], delimiter: str, encoding: str, needed: set[str]) -> Iterator[Row]:
    """All rows below the header. Raises NoHeader; OSError or EOFError where a packed file is broken."""
    csv.field_size_limit(LONGEST_CELL)
    # A byte that is no text becomes a surrogate, which no encoding gives: its row alone is refused.
    text = io.TextIOWrapper(content, encoding=encoding, errors="surrogateescape", newline="")
    try:
        yield from _rows(csv.reader(text, delimiter=delimiter), needed)
    finally:
        text.detach()  # whoever opened the file closes it


def _rows(reader: "_csv.Reader", needed: set[str]) -> Iterator[Row]:
    header = [name.strip() for name in next(reader, [])]
    if missing := sorted(needed - set(header)):
        raise NoHeader(f"no column {', '.join(missing)}; the first line names {', '.join(header) or 'nothing'}")
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(reader.line_num, Rejected(Reason.BAD_FIELD, f"not CSV: {error}"))
            continue
        if cells:
            yield Row(reader.line_num, _named(header, cells))


def _named(header: list[str], cells: list[str]) -> dict[str, str] | Rejected:
    if len(cells) != len(header):
        return Rejected(Reason.BAD_FIELD, f"expected {len(header)} cells, found {len(cells)}")
    if any("\udc80" <= letter <= "\udcff" for cell in cells if not cell.isascii() for letter in cell):
        return Rejected(Reason.BAD_UTF8, "expected text in the file's encoding")
    return dict(zip(header, cells, strict=True))
