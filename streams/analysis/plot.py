"""Plots as SVG that stands in a page: no script, no network, readable in print."""

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

WIDTH: Final = 720
ROW: Final = 26
LABEL: Final = 190
FIGURE: Final = 170
BAR: Final = 16
SMALL: Final = 12
PLOT: Final = 180
AXIS: Final = 46
MOST_WEEKS: Final = 26
"""Weeks side by side: the newest; more would not be readable."""
COLOURS: Final = ("#1f4e79", "#d9822b", "#5b8f3c", "#8e5ea2")


class Bar(NamedTuple):
    """A row of a bar chart: 0 to 1 (or of the most), its figure in words, and an interval to draw over it."""

    label: str
    value: float
    figure: str
    low: float | None = None
    high: float | None = None
    mark: float | None = None


def bars(title: str, rows: Sequence[Bar], most: float = 1.0) -> str:
    """Horizontal bars, each with its figure beside it."""
    if not rows:
        return ""
    room = WIDTH - LABEL - FIGURE
    parts = [_open(title, len(rows) * ROW + 4)]
    for place, row in enumerate(rows):
        top = place * ROW + 4
        scale = room / most if most else 0.0
        long = max(row.value * scale, 1.0)
        parts.append(_text(LABEL - 8, top + BAR - 3, _short(row.label, 28), "end"))
        parts.append(f'<rect x="{LABEL}" y="{top}" width="{long:.1f}" height="{BAR}" fill="{COLOURS[0]}"/>')
        if row.low is not None and row.high is not None:
            parts.append(_whisker(LABEL + row.low * scale, LABEL + row.high * scale, top + BAR / 2))
        if row.mark is not None:
            x = LABEL + row.mark * scale
            parts.append(f'<path d="M{x:.1f} {top - 3}v{BAR + 6}" stroke="{COLOURS[1]}" stroke-width="2"/>')
        parts.append(_text(LABEL + room + 8, top + BAR - 3, row.figure, "start"))
    return "".join((*parts, "</svg>"))


def _whisker(low: float, high: float, y: float) -> str:
    ends = f"M{low:.1f} {y - 4}v8M{high:.1f} {y - 4}v8M{low:.1f} {y}H{high:.1f}"
    return f'<path d="{ends}" stroke="#111" stroke-width="1.2" fill="none"/>'


def columns(title: str, weeks: Sequence[tuple[str, Sequence[int]]], names: Sequence[str]) -> str:
    """Groups of columns, one group a week; at most the newest MOST_WEEKS."""
    shown = weeks[-MOST_WEEKS:]
    most = max((value for _, values in shown for value in values), default=0)
    if not most:
        return ""
    room = WIDTH - AXIS
    step = room / len(shown)
    wide = min(step * 0.8 / len(names), 28.0)
    parts = [_open(title, PLOT + 62)]
    parts += _scale(most)
    every = max(1, -(-len(shown) // 9))  # a date needs 75 pixels
    for place, (week, values) in enumerate(shown):
        left = AXIS + place * step + (step - wide * len(names)) / 2
        for turn, value in enumerate(values):
            high = value / most * (PLOT - 20)
            x, y = left + turn * wide, PLOT - high
            size = f'width="{wide * 0.9:.1f}" height="{high:.1f}"'
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{COLOURS[turn]}"/>')
        if place % every == 0:
            parts.append(_text(AXIS + (place + 0.5) * step, PLOT + 16, week, "middle"))
    parts += _legend(names)
    return "".join((*parts, "</svg>"))


def _scale(most: int) -> list[str]:
    lines: list[str] = []
    for value in sorted({0, most // 2, most}):
        y = PLOT - value / most * (PLOT - 20)
        lines.append(f'<path d="M{AXIS} {y:.1f}H{WIDTH}" stroke="#ccc"/>')
        lines.append(_text(AXIS - 6, y + 4, f"{value:,}", "end"))
    return lines


def _legend(names: Sequence[str]) -> list[str]:
    parts: list[str] = []
    for place, name in enumerate(names):
        x = AXIS + place * 150
        parts.append(f'<rect x="{x}" y="{PLOT + 36}" width="12" height="12" fill="{COLOURS[place]}"/>')
        parts.append(_text(x + 18, PLOT + 46, name, "start"))
    return parts


def _open(title: str, height: float) -> str:
    box = f'viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box}><title>{escape(title)}</title>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{SMALL}" text-anchor="{anchor}">{escape(words)}</text>'


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
