"""Charts as SVG that stands in a page: no script, no colours of its own but the style sheet's classes.

Each is a picture with a title and a text that says the same, for those who do not see it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup, escape

from streams.console.curve import Curve
from streams.console.funnel import Day
from streams.scoring.instant import DAY, zone

WIDTH: Final = 720
NARROW: Final = 460
HEIGHT: Final = 240
LEFT: Final = 34
BOTTOM: Final = 24
TOP: Final = 12
TICKS: Final = 6


def curve(found: Curve, moves: Sequence[tuple[int, str]], title: str, zone_name: str) -> Markup:
    """The score over time with the thresholds, now, and the instant of each change of stage."""
    most = max([found.sql, found.mql, *(point.score for point in found.points)]) * 1.1 or 1.0
    least = min(0.0, *(point.score for point in found.points))
    span = max(found.last - found.first, 1)

    def x(at: int) -> float:
        return LEFT + (at - found.first) / span * (WIDTH - LEFT - 8)

    def y(score: float) -> float:
        return TOP + (most - score) / (most - least) * (HEIGHT - TOP - BOTTOM)

    past = [point for point in found.points if point.at <= found.now]
    ahead = [point for point in found.points if point.at >= found.now]
    parts = [_open(title, HEIGHT)]
    for name, level in (("sql", found.sql), ("mql", found.mql), ("leave", found.mql_leave)):
        parts.append(f'<path class="level {name}" d="M{LEFT} {y(level):.1f}H{WIDTH - 8}"/>')
        if name != "leave":
            parts.append(_text(WIDTH - 10, y(level) - 4, f"{name.upper()} {level:g}", "end"))
    parts.append(f'<path class="axis" d="M{LEFT} {y(0):.1f}H{WIDTH - 8}"/>')
    parts += [_text(LEFT - 5, y(value) + 4, f"{value:g}", "end") for value in (0.0, round(most / 1.1))]
    parts += _dates(found.first, found.last, x, zone_name)
    for points, name in ((past, "past"), (ahead, "ahead")):
        line = "L".join(f"{x(point.at):.1f} {y(point.score):.1f}" for point in points)
        parts.append(f'<path class="line {name}" d="M{line}"/>' if line else "")
    parts.append(f'<path class="now" d="M{x(found.now):.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
    shown = {point.at: point.score for point in found.points}
    last = dict(moves)  # several moves of one instant: where they ended
    parts += [
        _text(x(at) - 6, y(shown.get(at, 0.0)) - 7, stage.upper(), "end")
        for at, stage in last.items()
        if found.first <= at <= found.last and stage in ("mql", "sql")
    ]
    for at, stage in moves:
        if found.first <= at <= found.last:
            height = y(shown.get(at, 0.0))
            mark = f'<circle class="move {escape(stage)}" cx="{x(at):.1f}" cy="{height:.1f}" r="4.5">'
            parts.append(f"{mark}<title>{escape(stage)}</title></circle>")
    return Markup("".join((*parts, "</svg>")))  # noqa: S704  every text in it is escaped


def columns(days: Sequence[Day], title: str, names: tuple[str, str]) -> Markup:
    """Moves into two stages, day by day."""
    most = max((max(day.mql, day.sql) for day in days), default=0) or 1
    high, step = 150, (NARROW - LEFT) / max(len(days), 1)
    parts = [_open(title, high + 44, NARROW)]
    parts.append(f'<path class="axis" d="M{LEFT} {high}H{NARROW}"/>')
    parts += [
        _text(LEFT - 5, high - value / most * (high - 14) + 4, f"{value:,}", "end") for value in sorted({0, most})
    ]
    for place, day in enumerate(days):
        left = LEFT + place * step + step * 0.14
        for turn, (name, value) in enumerate((("mql", day.mql), ("sql", day.sql))):
            tall = value / most * (high - 14)
            size = f'x="{left + turn * step * 0.36:.1f}" width="{step * 0.34:.1f}" height="{tall:.1f}"'
            parts.append(
                f'<rect class="{name}" y="{high - tall:.1f}" {size}><title>{day.day}: {value}</title></rect>'
            )
        if place % 7 == 0:
            parts.append(_text(left, high + 16, day.day[5:], "start"))
    for turn, (name, words) in enumerate(zip(("mql", "sql"), names, strict=True)):
        parts.append(f'<rect class="{name}" x="{LEFT + turn * 160}" y="{high + 26}" width="12" height="12"/>')
        parts.append(_text(LEFT + turn * 160 + 18, high + 36, words, "start"))
    return Markup("".join((*parts, "</svg>")))  # noqa: S704  every text in it is escaped


def _dates(first: int, last: int, x: object, zone_name: str) -> list[str]:
    assert callable(x)
    days = max(round((last - first) / DAY), 1)
    every = max(-(-days // TICKS), 1)
    local = datetime.fromtimestamp(first / 1000, zone(zone_name)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    parts: list[str] = []
    for turn in range(1, days + 1, every):
        day = local + timedelta(days=turn)
        at = int(day.timestamp() * 1000)
        if first <= at <= last - (last - first) * 0.03:
            parts.append(_text(x(at), HEIGHT - 7, f"{day:%m-%d}", "middle"))
    return parts


def _open(title: str, height: float, width: int = WIDTH) -> str:
    box = f'viewBox="0 0 {width} {height:.0f}"'
    size = "chart" if width == WIDTH else "chart small"
    return f'<svg class="{size}" role="img" aria-label="{escape(title)}" {box}><title>{escape(title)}</title>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
