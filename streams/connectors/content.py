"""Text as it may be put into a CRM: no control characters, nothing that a spreadsheet would execute."""

import re
import unicodedata
from typing import Final

from streams.connectors.event import Scalar

LEADING: Final = "=+-@＝＋－＠"
"""What makes a spreadsheet take a cell for a formula; the full-width forms do where it speaks Japanese."""

_HARMLESS: Final = re.compile(r"^[+\-＋－]?[\d\s().\-/]*$")
"""Digits alone, such as a telephone number, call no function and no program."""


def clean(text: str) -> str:
    """Without control characters, line ends as \\n, a tab as a blank; trimmed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs")).strip()


def neutral(text: str) -> str:
    """An apostrophe before what an export of the CRM would hand to a spreadsheet as a formula."""
    return f"'{text}" if text[:1] in tuple(LEADING) and not _HARMLESS.match(text) else text


def written(value: Scalar, neutralise: bool, longest: int | None = None) -> Scalar:
    """A value as it is written: text cleaned, neutralised, cut; an empty text is nothing."""
    if not isinstance(value, str):
        return value
    text = clean(value)
    text = neutral(text) if neutralise else text
    if longest is not None and len(text) > longest:
        text = text[: longest - 1] + "…"
    return text or None
