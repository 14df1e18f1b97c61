"""`leadstreams backtest`: what would have happened under another model."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from streams.cli import reading, terminal


def backtest(
    a: Annotated[str, typer.Argument(help="The model in force: a file, or a shipped one's name.")],
    b: Annotated[str, typer.Argument(help="The model to try.")],
    file: Annotated[
        Path | None, typer.Option(help="JSON lines of events, .gz too; the pipeline's log without.")
    ] = None,
    examples: Annotated[int, typer.Option(min=0, max=1000, help="Of each kind of change.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Run two models over the same events and compare whom they hand over, when, and what became of it.

    Outcomes are attached by person: what sales said of somebody in the log judges the handoff that a model would
    have made then. Handoffs that follow only from silence, which a replay cannot answer, are counted apart.

        leadstreams backtest published b2b --file events.jsonl.gz

        leadstreams backtest b2b my-model.yaml
    """
    settings = terminal.settings()
    models = [terminal.model(settings, name) for name in (a, b)]
    tools = import_module("streams.analysis.backtest")
    secret = reading.secret(settings, file)
    with reading.followed(file) as (started, advance):
        found = tools.run((a, b), settings, file, secret, models[0].source.timezone, started, advance)
    if as_json:
        terminal.print_json(tools.as_json(found))
    else:
        _show(found, (a, b), examples)


def _show(found: Any, names: tuple[str, str], examples: int) -> None:
    out = terminal.out
    c = found.comparison
    out.print(
        f"{found.events:,} events of {found.days:,.0f} days, {found.rate:,.0f} events/s per core under one model"
    )
    out.print(_table(("", *names), [(stage, *pair) for stage, pair in c.reached.items()]))
    out.print(
        f"handoffs: {c.counts['same']:,} the same, {c.counts['moved']:,} at another time, "
        f"{c.counts['gained']:,} gained, {c.counts['lost']:,} lost"
    )
    if c.later_days:
        least, middle, most = c.later_days
        out.print(f"those at another time are {least:+.1f} to {most:+.1f} days later, median {middle:+.1f}")
    if any(c.repeats):
        out.print(f"left out, handed over again since nobody answered: {c.repeats[0]:,} and {c.repeats[1]:,}")
    rows = [(p.level, _share(p.a), _share(p.b)) for p in c.precision]
    terminal.show(_table(("of handoffs with a known outcome", *names), rows), whole=True)
    out.print(f"outcome unknown: {c.unknown[0]:,} and {c.unknown[1]:,}")
    volume = [(week, queue, *pair) for (week, queue), pair in c.volume.items()]
    terminal.show(_table(("week", "queue", *names), volume), whole=True)
    for kind in ("gained", "lost", "moved"):
        _show_examples([change for change in c.changes if change.kind == kind][:examples], kind)
    for mistake in found.mistakes[:10]:
        terminal.err.print(f"line {mistake.line}: {mistake.reason}: {mistake.detail}", markup=False)


def _show_examples(changes: list[Any], kind: str) -> None:
    if not changes:
        return
    instant = import_module("streams.scoring.instant")
    table = Table(kind, "when", "score", "outcome", "why", box=None, pad_edge=False)
    for change in changes:
        handed = change.b or change.a
        when = instant.rfc3339(handed.at)[:16] + (f" ({change.days:+.1f} d)" if kind == "moved" else "")
        why = f"{handed.reason or ''}" + (f" / now {change.instead}" if change.instead else "")
        table.add_row(handed.person, when, f"{handed.score:.1f}", change.outcome.word, why)
    terminal.show(table, whole=True)


def _share(found: Any) -> str:
    if found.share is None:
        return f"{found.good:,} of {found.of:,}"
    return f"{found.share:.0%} ({found.low:.0%}-{found.high:.0%}) of {found.of:,}"


def _table(titles: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for place, title in enumerate(titles):
        table.add_column(title, justify="left" if place == 0 or title == "queue" else "right")
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    return table


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Improve")(backtest)
