"""`leadstreams report`: what works and what to change."""

import time
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from streams.cli import terminal

DAY = 86_400_000


def report(
    file: Annotated[
        Path | None, typer.Option(help="JSON lines of events, .gz too; the pipeline's log without.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the page here; it needs no network.")] = None,
    model: Annotated[str | None, typer.Option(help="A model file, or a shipped one's name.")] = None,
    days: Annotated[int, typer.Option(min=1, max=730, help="How long a lead has before it is judged.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Say what became of the leads: cohorts, conversion, what was promoted too early, speed, rejections, lanes and
    rules, leaks, and the data's quality. Each person counts once; our own people, tests and competitors do not.

        leadstreams report

        leadstreams report --html monday.html --days 60
    """
    settings = terminal.settings()
    name = model or settings.model
    found = _report(settings, name, terminal.model(settings, name), file, days)
    if html is not None:
        try:
            html.write_text(import_module("streams.analysis.page").page(found), encoding="utf-8")
        except OSError as error:
            terminal.stop(f"cannot write {html}: {error.strerror}")
    if as_json:
        terminal.print_json(import_module("streams.analysis.report").as_json(found))
    elif html is None:
        _show(found)
    else:
        terminal.out.print(f"written: {html}", markup=False)


def _report(settings: Any, name: str, model: Any, file: Path | None, days: int) -> Any:
    journal, analysis = import_module("streams.analysis.journal"), import_module("streams.analysis.report")
    channels = import_module("streams.enrichment.channel").load_channels()
    channel_of = (lambda document: None) if isinstance(channels, str) else channels.of
    secret = settings.require_secret()
    if isinstance(secret, str):
        if file is None:
            terminal.stop(secret, terminal.WRONG_USE)
        demo = import_module("streams.settings").DEMO_SECRET.encode()
        secret = import_module("streams.identity.keys").Secret(demo, settings.key_id)
    with terminal.progress() as progress:
        bar = progress.add_task("reading", total=None)

        def started(what: str, total: int) -> None:
            progress.update(bar, description=what, total=total or None, completed=0)

        def advance(count: int) -> None:
            progress.advance(bar, count)

        try:
            if file is not None:
                named = import_module("streams.analysis.parallel").Named(name, settings.pipeline)
                gathered = journal.of_file(file, named, secret, channel_of, started, advance)
            else:
                now = int(time.time() * 1000)
                gathered = journal.of_log(settings, model, secret, channel_of, now, started, advance)
        except (OSError, EOFError) as error:
            terminal.stop(f"cannot read {file}: {getattr(error, 'strerror', None) or error}")
    return analysis.report(gathered, model, days * DAY)


def _show(found: Any) -> None:
    """The tables that the page shows, as text."""
    tables = import_module("streams.analysis.tables")
    for section in tables.sections(found):
        terminal.out.print(f"\n{section.title}", style="bold", markup=False)
        if section.note:
            terminal.out.print(section.note, markup=False)
        for grid in section.grids:
            table = Table(box=None, pad_edge=False)
            for place, title in enumerate(grid.titles):
                table.add_column(title, justify="left" if place == 0 else "right")
            for row in grid.rows:
                table.add_row(*row)
            if grid.rows:
                terminal.show(table, whole=True)


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Improve")(report)
