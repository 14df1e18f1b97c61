"""Numbers as people write them: full width, grouped, with 万 and 億 or k and M."""

import re
from typing import Final

DIGITS: Final = r"\d++(?:[.,]\d++)*+(?:[ ']\d{3}(?!\d))*+(?:[.,]\d{1,2}(?!\d))?"
GREAT: Final = {"万": 1e4, "億": 1e8, "兆": 1e12}
SMALL: Final = {"十": 10.0, "百": 100.0, "千": 1000.0}
SCALES: Final = {
    **dict.fromkeys(("k", "tsd", "thousand", "thousands"), 1e3),
    **dict.fromkeys(("m", "mm", "mn", "mio", "mil", "million", "millions"), 1e6),
    **dict.fromkeys(("b", "bn", "mrd", "billion", "billions"), 1e9),
    **dict.fromkeys(("tn", "trillion", "trillions"), 1e12),
    "lakh": 1e5,
    "crore": 1e7,
}
_SCALE: Final = "|".join(sorted(SCALES, key=len, reverse=True))
NUMBER: Final = (
    rf"(?<!\d)(?:(?:{DIGITS}\s*[十百千]?[万億兆]|{DIGITS}\s*[十百千])(?:\s*{DIGITS}\s*[十百千]?[万億兆]?(?!\s*\d))*"
    rf"|{DIGITS}(?:\s*(?:{_SCALE})\.?(?![a-z]))?)"
)
"""A number with its scale, in plain text: `1,200`, `1.5m`, `1億2,000万`."""
_EAST: Final = re.compile(rf"({DIGITS})\s*([十百千]?)([万億兆]?)")
_WEST: Final = re.compile(rf"({DIGITS})\s*({_SCALE})?\.?")
_GROUPS: Final = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*")
MOST: Final = 1e18
"""More of anything is a slip of the keyboard."""


def scaled(text: str) -> bool:
    """Whether a number carries a scale."""
    return not text.replace(",", "").replace(".", "").replace(" ", "").replace("'", "").isdigit()


def number(text: str) -> float | None:
    """The value of a text that matches `NUMBER`; None beyond `MOST`."""
    total = 0.0
    if any(c in GREAT or c in SMALL for c in text):
        for digits, small, great in _EAST.findall(text):
            total += _digits(digits, True) * SMALL.get(small, 1.0) * GREAT.get(great, 1.0)
    else:
        match = _WEST.match(text)
        if match is None:
            return None
        total = _digits(match[1], match[2] is not None) * SCALES.get(match[2] or "", 1.0)
    return total if total <= MOST else None


def widened(low: str, high: str) -> str:
    """The lower end of a band with the scale that was written once, at its end: `10-50k`, `1~5億`."""
    scale = re.sub(rf"^{DIGITS}\s*", "", high)
    if not scale or scaled(low) or any(c.isdigit() for c in scale):
        return low
    wide, end = number(low + scale), number(high)
    return low + scale if wide is not None and end is not None and wide <= end else low


def _digits(text: str, measured: bool) -> float:
    """`1,234.5`, `1.234,5`, `1 234`. Three digits after a single point are thousands, unless a scale follows."""
    text = text.replace(" ", "").replace("'", "")
    if _GROUPS.fullmatch(text) and not text.startswith("0") and not (measured and text.count(".") == 1):
        return float(text.replace(".", "").replace(",", ""))
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        return float(text)
    head, tail = text[:last], text[last + 1 :]
    head = head.replace(".", "").replace(",", "")
    several = text.count(text[last]) > 1
    return float(f"{head}{tail}" if several else f"{head}.{tail}")
