"""`leadstreams top`: the dashboards' figures in a terminal."""

import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Annotated, Final

import typer
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streams import top as figures_of
from streams.cli import terminal
from streams.top import STAGES, Figures, Look

ASK_S: Final = 2.0
SLOW_S: Final = 1.0
"""The latency objective: what the alerts call slow."""
BEHIND_S: Final = 60.0


def top(
    addresses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[HOST:PORT]...", help="Workers, collectors and connectors; default: on this machine."
        ),
    ] = None,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Two looks, one screen, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As --once, for scripts.")] = False,
) -> None:
    """Watch load, lag, latency, funnel and edge, live, from the processes' own /metrics.

    leadstreams top worker-1:9470 worker-2:9470 collector:8800
    """
    settings = terminal.settings()
    asked = addresses or [
        f"{settings.worker_host}:{settings.worker_port}",
        f"{settings.collector_host}:{settings.collector_port}",
    ]
    first = _look(asked)
    if len(first.silent) == len(asked):
        terminal.stop(f"nobody answers at {', '.join(asked)}")
    if once or as_json:
        time.sleep(every)
        now = _look(asked)
        found = figures_of.figures(first, now)
        if as_json:
            terminal.print_json(found._asdict())
        else:
            terminal.out.print(screen(found, now.silent))
        return
    _watch(asked, first, every)


def _watch(asked: list[str], before: Look, every: float) -> None:
    started = screen(figures_of.figures(before, before), before.silent)
    with Live(started, console=terminal.out, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(every)
            now = _look(asked)
            live.update(screen(figures_of.figures(before, now), now.silent), refresh=True)
            before = now


def _look(addresses: list[str]) -> Look:
    texts, silent = [], []
    for address in addresses:
        try:
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=ASK_S) as answer:
                texts.append(answer.read().decode())
        except (urllib.error.URLError, OSError, ValueError):
            silent.append(address)
    return figures_of.look(time.time(), texts, silent)


def screen(f: Figures, silent: tuple[str, ...] = ()) -> RenderableType:
    """One screen of at most 40 lines and 100 columns."""
    columns = Columns([_flow(f), _latency(f), _funnel(f), _edge(f)], padding=(0, 3))
    if not silent:
        return columns
    return Group(Text(f"no answer: {', '.join(silent)}", style="bold red"), columns)


def _table(title: str, rows: list[tuple[str, str]]) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=None, show_header=False, padding=(0, 1)
    )
    table.add_column(min_width=20)
    table.add_column(justify="right", min_width=12)
    for name, value in rows:
        table.add_row(name, value)
    return table


def _flow(f: Figures) -> Table:
    rows = [(topic, f"{rate:,.1f}/s") for topic, rate in sorted(f.events.items())]
    rows += [(f"  {outcome}", f"{rate:,.1f}/s") for outcome, rate in _largest(f.outcomes)]
    behind = f"{f.lag_seconds:,.1f} s"
    rows += [
        ("lag", f"{sum(f.lag_records.values()):,.0f}"),
        ("oldest unread", _bad(behind, f.lag_seconds > BEHIND_S)),
        ("waiting, bytes", f"{f.waiting:,.0f}"),
        ("halted", _bad(f"{f.halted:,.0f}", f.halted > 0)),
    ]
    return _table("events", rows)


def _latency(f: Figures) -> Table:
    rows = [
        ("to handoff p50", _seconds(f.latency[0])),
        ("to handoff p99", _bad(_seconds(f.latency[1]), (f.latency[1] or 0) > SLOW_S)),
        ("applied to committed p99", _seconds(f.delay[1])),
        ("transaction p50", _seconds(f.transaction[0])),
        ("transaction p99", _seconds(f.transaction[1])),
        ("transactions lost", _bad(f"{f.lost:,.0f}", f.lost > 0)),
        ("batch p99", _seconds(f.batch[1])),
        ("exceptions", _bad(f"{f.failures:,.0f}", f.failures > 0)),
        ("take-over p50", _seconds(f.restoring[0])),
        ("restoring", f"{f.restored:,.0f}/s"),
        ("memory, MB", f"{f.memory / 1e6:,.0f}"),
        *((f"partitions {state}", f"{count:,.0f}") for state, count in sorted(f.partitions.items())),
        ("records, bytes", f"{f.state_bytes:,.0f}"),
        ("records to write", f"{f.dirty:,.0f}"),
        *((f"model {name}", f"{count:,.0f}") for name, count in sorted(f.models.items())),
    ]
    return _table("workers", rows)


def _funnel(f: Figures) -> Table:
    rows = [(stage, f"{f.leads.get(stage, 0):,.0f}") for stage in STAGES]
    accepted = "-" if f.accepted is None else f"{f.accepted:.0%}"
    rows += [("handoffs", f"{f.handoffs:,.0f}"), ("accepted", accepted), ("overdue", f"{f.overdue:,.0f}")]
    rows += [("age p50", _seconds(f.age[0])), ("changes of stage", f"{f.moves:,.1f}/s")]
    rows += [(f"  at {band}+ points", f"{count:,.0f}") for band, count in _largest(f.scores, 3)]
    return _table("funnel", rows)


def _edge(f: Figures) -> Table:
    rows = [
        (f"answers {status}", _bad(f"{rate:,.1f}/s", status[:1] == "5" and rate > 0))
        for status, rate in sorted(f.requests.items())
    ]
    rows += [(f"refused {reason}", f"{count:,.0f}") for reason, count in _largest(f.refused)]
    rows += [(f"dead {reason}", f"{count:,.0f}") for reason, count in _largest(f.dead_letters)]
    rows += [
        ("taken", f"{f.taken:,.1f}/s"),
        ("until Kafka has it p99", _seconds(f.produced[1])),
        ("bytes on the way", f"{f.buffered:,.0f}"),
        ("Kafka", "answers" if f.kafka_up else _bad("away", True)),
    ]
    for name, one in f.connectors.items():
        rows.append((name, _bad("stuck", True) if one.stuck else f"{one.rate:,.1f}/s, {one.lag:,.0f} left"))
        rows.append(("  delivery, age p95", f"{_seconds(one.delivery)}, {_seconds(one.age)}"))
        rows.append(("  repeated, refused", f"{one.repeated:,.0f}, {one.refused:,.0f}"))
    return _table("edge and connectors", rows)


def _largest(values: Mapping[str, float], most: int = 5) -> list[tuple[str, float]]:
    return sorted(values.items(), key=lambda found: -found[1])[:most]


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value * 1000:,.0f} ms" if value < 1 else f"{value:,.1f} s"


def _bad(text: str, is_bad: bool) -> str:
    return f"[bold red]{text}[/]" if is_bad else text


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Run")(top)
