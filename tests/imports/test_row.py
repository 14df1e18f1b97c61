"""Files as they come: packed, ragged, half broken."""

import gzip
import io
from pathlib import Path

import pytest

from schemas.dead_letter import Reason, Rejected
from streams.imports.row import NoHeader, Row, lines, opened, rows


def read(content: bytes, needed: set[str] | None = None, encoding: str = "utf-8-sig") -> list[Row]:
    return list(rows(io.BytesIO(content), ",", encoding, needed or set()))


def reasons(found: list[Row]) -> list[Reason | None]:
    return [row.cells.reason if isinstance(row.cells, Rejected) else None for row in found]


def test_a_packed_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(gzip.compress(b"one\r\ntwo\n"))

    with opened(path) as source:
        assert [line.raw for line in lines(source.content)] == [b"one", b"two"]
        assert source.position() == source.size == path.stat().st_size


def test_rows_are_named_by_the_header_and_numbered_by_their_last_line() -> None:
    found = read(b'\xef\xbb\xbfa,b\n1,"two\nlines"\n\n3,4\n')

    assert found == [Row(3, {"a": "1", "b": "two\nlines"}), Row(5, {"a": "3", "b": "4"})]


def test_a_broken_row_is_refused_alone() -> None:
    found = read(b"a,b\n1\n1,2,3\nx,\xff\nx,y\n")

    assert reasons(found) == [Reason.BAD_FIELD, Reason.BAD_FIELD, Reason.BAD_UTF8, None]
    assert [row.line for row in found] == [2, 3, 4, 5]


def test_a_cell_without_end_is_refused() -> None:
    assert reasons(read(b'a,b\n1,"' + b"x" * 1_000_001 + b'"\n1,2\n'))[0] is Reason.BAD_FIELD


def test_a_missing_column_is_named() -> None:
    with pytest.raises(NoHeader, match="no column c; the first line names a, b"):
        read(b"a,b\n1,2\n", {"a", "c"})


def test_an_empty_file_has_no_header() -> None:
    with pytest.raises(NoHeader, match="names nothing"):
        read(b"", {"a"})


def test_another_encoding_is_read() -> None:
    assert read("a\nタイヤ\n".encode("shift_jis"), encoding="shift_jis") == [Row(2, {"a": "タイヤ"})]


def test_a_cut_packed_file_gives_what_is_whole_and_then_fails(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n")[:-9])

    with opened(path) as source, pytest.raises(EOFError):
        list(lines(source.content))
