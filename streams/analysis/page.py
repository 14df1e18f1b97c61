"""The report as one HTML page: everything is in it, so that it opens offline, travels by mail and prints."""

from html import escape
from typing import Final

from streams.analysis import plot
from streams.analysis.cohort import SOURCES_SHARE
from streams.analysis.handover import Value
from streams.analysis.interval import Share
from streams.analysis.plot import Bar
from streams.analysis.report import Report
from streams.analysis.tables import STEPS, Grid, Section, sections, share

STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;color:#111;max-width:760px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin:2rem 0 .3rem;border-bottom:1px solid #ccc}
p{margin:.3rem 0;color:#444}table{border-collapse:collapse;margin:.6rem 0;font-size:.95em}
th,td{padding:.15rem .7rem .15rem 0;text-align:right;vertical-align:top}th{color:#444;font-weight:600}
th:first-child,td:first-child{text-align:left;overflow-wrap:break-word}td{border-top:1px solid #eee}
svg{max-width:100%;height:auto;margin:.4rem 0;font-family:system-ui,sans-serif}
@media print{body{margin:0;font-size:12px}h2{break-after:avoid}svg,tr{break-inside:avoid}}
"""


def page(found: Report) -> str:
    """The page; the same report gives the same bytes."""
    parts = "".join(_section(section, _plot(section.title, found)) for section in sections(found))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
    title = "Lead report"
    return (
        f'<!doctype html><html lang="en"><head>{head}<title>{title}</title></head>'
        f"<body><h1>{title}</h1>{parts}</body></html>\n"
    )


def _section(section: Section, drawn: str) -> str:
    grids = "".join(_grid(grid) for grid in section.grids if grid.rows)
    if not (grids or drawn):
        grids = "<p>nothing yet</p>"
    note = f"<p>{escape(section.note)}</p>" if section.note else ""
    return f"<section><h2>{escape(section.title)}</h2>{note}{drawn}{grids}</section>"


def _grid(grid: Grid) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in grid.titles)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in grid.rows)
    return f"<table><tr>{head}</tr>{rows}</table>"


def _plot(title: str, found: Report) -> str:
    match title:
        case "Cohorts":
            steps = ("lead", "mql", "sql", "meeting")
            weeks = [(one.week, [one.reached[step] for step in steps]) for one in found.cohorts]
            return plot.columns("people by week", weeks, [STEPS[step] for step in steps])
        case "Conversion":
            rows = [Bar(f"{STEPS[one.step]} to {STEPS[one.to]}", *_figure(one.share)) for one in found.conversions]
            return plot.bars("conversion", [row for row in rows if row.low is not None])
        case "Promoted too early":
            rows = [Bar("all MQLs", *_figure(found.premature.share), SOURCES_SHARE)]
            rows += [Bar(rule, *_figure(one)) for rule, one in found.premature.rules.items()]
            return plot.bars("promoted too early", [row for row in rows if row.low is not None])
        case "Speed":
            speeds = [one for one in found.speeds if one.median is not None]
            most = max((one.median or 0.0 for one in speeds), default=1.0)
            rows = [Bar(one.queue, one.median or 0.0, f"{one.median:,.1f} h, {one.contacted:,}") for one in speeds]
            return plot.bars("median hours", rows, most or 1.0)
        case "Lanes":
            return _value_bars(found.lanes)
        case "Rules":
            return _value_bars(found.rules)
    return ""


def _value_bars(values: list[Value]) -> str:
    rows = [Bar(one.name, *_figure(one.meetings)) for one in values]
    return plot.bars("came to a meeting", [row for row in rows if row.low is not None])


def _figure(one: Share) -> tuple[float, str, float | None, float | None]:
    """What a bar shows of a share: nothing where there is only a count."""
    if one.share is None:
        return 0.0, share(one), None, None
    return one.share, f"{one.share:.1%} of {one.of:,}", one.low, one.high
