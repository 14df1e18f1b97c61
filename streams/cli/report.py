"""`leadstreams report`: what works and what to change."""

import time
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from streams.cli import reading, terminal

DAY = 86_400_000


def report(
    file: Annotated[
        Path | None, typer.Option(help="JSON lines of events, .gz too; the pipeline's log without.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the page here; it needs no network.")] = None,
    model: Annotated[str | None, typer.Option(help="A model file, or a shipped one's name.")] = None,
    shadow: Annotated[
        str | None, typer.Option(help="With a file: a second model to set beside it; a log has its own.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=730, help="How long a lead has before it is judged.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Say what became of the leads: cohorts, conversion, what was promoted too early, speed, rejections, lanes and
    rules, leaks, the data's quality, drift against last weeks, and a shadow model if one runs. Each person counts
    once; our own people, tests and competitors do not.

        leadstreams report

        leadstreams report --html monday.html --days 60
    """
    settings = terminal.settings()
    name = model or settings.model
    checked = terminal.model(settings, name)
    if shadow is not None:
        if file is None:
            terminal.stop("--shadow needs --file: leadstreams shadow runs one over the log", terminal.WRONG_USE)
        terminal.model(settings, shadow)
    found = _report(settings, name, checked, shadow, file, days)
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


def _report(settings: Any, name: str, model: Any, shadow: str | None, file: Path | None, days: int) -> Any:
    journal, analysis = import_module("streams.analysis.journal"), import_module("streams.analysis.report")
    channels = import_module("streams.enrichment.channel").load_channels()
    channel_of = (lambda document: None) if isinstance(channels, str) else channels.of
    secret = reading.secret(settings, file)
    with reading.followed(file) as (started, advance):
        if file is not None:
            named = import_module("streams.analysis.parallel").Named
            models = [named(one, settings.pipeline) for one in (name, shadow) if one is not None]
            gathered = journal.of_file(file, models, secret, channel_of, started, advance)
        else:
            now = int(time.time() * 1000)
            gathered = journal.of_log(settings, model, secret, channel_of, now, started, advance)
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
