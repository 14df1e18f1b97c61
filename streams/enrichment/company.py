"""A business's own list of companies: a CSV file with a row for each domain, and what is known of its company."""

import csv
from collections.abc import Mapping
from pathlib import Path

from streams.enrichment.mail_domain import ascii_domain

COLUMNS = frozenset({"company", "employees", "revenue", "industry", "country", "region"})
"""What a row may tell beside its `domain`."""

Companies = Mapping[str, Mapping[str, str]]
"""Attributes by domain."""


def load_companies(path: Path) -> Companies | str:
    """The list, or one line that says what is wrong with it. Blank lines and lines with `#` first are skipped."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        return f"cannot read the companies {path}: {error.strerror}"
    except UnicodeDecodeError:
        return f"the companies {path} are not UTF-8"
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    try:
        rows = list(csv.reader(line for _, line in lines))
    except csv.Error as error:
        return f"the companies {path}: {error}"
    if not rows:
        return f"the companies {path}: expected a header with `domain`"
    return _read(path, rows, [number for number, _ in lines])


def _read(path: Path, rows: list[list[str]], numbers: list[int]) -> Companies | str:
    header = [name.strip().lower() for name in rows[0]]
    unknown = [name for name in header if name not in COLUMNS and name != "domain"]
    if "domain" not in header or unknown or len(set(header)) != len(header):
        return f"the companies {path}: expected the columns domain, {', '.join(sorted(COLUMNS))}"
    found: dict[str, Mapping[str, str]] = {}
    for row, number in zip(rows[1:], numbers[1:], strict=False):
        cells = dict(zip(header, map(str.strip, row), strict=False))
        domain = ascii_domain(cells.pop("domain", ""))
        if domain is None or len(row) > len(header) or domain in found:
            return f"the companies {path}, line {number}: expected a domain that no other line has, and its cells"
        found[domain] = {name: value for name, value in cells.items() if value}
    return found
