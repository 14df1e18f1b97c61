"""`leadstreams try`: what a model would make of an export of contacts, without Kafka."""

import time
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from streams.cli import terminal

FUNNEL = ("lead", "mql", "sql", "accepted", "opportunity", "customer", "recycled", "disqualified")


def try_(
    export: Annotated[Path, typer.Argument(help="CSV of contacts from HubSpot, Marketo, Salesforce; .gz too.")],
    model: Annotated[str, typer.Option(help="A model file, or a shipped one's name.")] = "b2b",
    examples: Annotated[int, typer.Option(min=0, max=10_000, help="Handoffs and held leads shown.")] = 10,
    names: Annotated[bool, typer.Option("--names", help="With names and addresses: personal data.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Try a model on your own contacts in two minutes: the funnel, who would be handed over and why, what holds
    the others back, and what the data lack. Nothing leaves this process.

    Headers in English and Japanese are recognised. A row tells totals and a few dates: what happened between them
    is spread evenly, so take the picture, not the day.

        leadstreams try contacts.csv

        leadstreams try contacts.csv --model my-model.yaml --names
    """
    settings = terminal.settings()
    terminal.model(settings, model)
    attempt, keys = import_module("streams.analysis.attempt"), import_module("streams.identity.keys")
    named = import_module("streams.analysis.parallel").Named(model, settings.pipeline)
    secret = keys.Secret(import_module("streams.settings").DEMO_SECRET.encode(), settings.key_id)
    with terminal.progress() as progress:
        bar = progress.add_task(f"trying {export}", total=None)
        try:
            found = attempt.run(
                export,
                named,
                secret,
                int(time.time() * 1000),
                lambda total: progress.update(bar, total=total),
                lambda events: progress.advance(bar, events),
            )
        except attempt.Unreadable as failure:
            terminal.stop(f"{export}: {failure}", terminal.WRONG_USE)
        except (OSError, EOFError) as error:
            terminal.stop(f"cannot read {export}: {getattr(error, 'strerror', None) or error}")
    if as_json:
        terminal.print_json(attempt.as_json(found, names))
        return
    _show_head(found)
    _show_handed(found, examples, names)
    _show_held(found, attempt.held_by(found.held), examples, names)
    _show_quality(found)


def _show_head(found: Any) -> None:
    out = terminal.out
    out.print(f"{found.layout.tool}: {found.rows:,} rows, {found.persons:,} people, "
              f"{sum(found.events.values()):,} events made of them", markup=False)  # fmt: skip
    table = Table("stage", box=None, pad_edge=False)
    table.add_column("reached", justify="right")
    table.add_column("today", justify="right")
    for stage in FUNNEL:
        reached, now = found.reached.get(stage, 0), found.now.get(stage, 0)
        if reached or now:
            table.add_row(stage, f"{reached:,}", f"{now:,}")
    out.print(table)


def _show_handed(found: Any, examples: int, names: bool) -> None:
    number = len(found.handed)
    newest = f"; the newest {examples}:" if number > examples else ""
    terminal.out.print(f"\n{number:,} would have been handed to sales{newest}")
    if not number or not examples:
        return
    table = Table("row", "when", "score", "who", "criteria", "why", box=None, pad_edge=False)
    instant = import_module("streams.scoring.instant")
    for one in sorted(found.handed, key=lambda one: -one.at)[:examples]:
        person = found.people.get(one.person)
        line = str(person.line) if person else ""
        cells = (line, instant.rfc3339(one.at)[:10], f"{one.score:.1f}", _who(person, names))
        table.add_row(*cells, one.criteria or "", one.reason or "")
    terminal.show(table, whole=True)


def _show_held(found: Any, reasons: list[tuple[str, int, str]], examples: int, names: bool) -> None:
    terminal.out.print(f"\n{len(found.held):,} are marketing-qualified and held back")
    if not found.held:
        return
    table = Table("held by", box=None, pad_edge=False)
    table.add_column("leads", justify="right")
    table.add_column("for example")
    for code, number, words in reasons:
        table.add_row(code.replace("_", " "), f"{number:,}", words)
    terminal.show(table, whole=True)
    if examples:
        table = Table("row", "score", "who", "held because", box=None, pad_edge=False)
        for one in found.held[:examples]:
            person = found.people.get(one.person)
            table.add_row(str(person.line) if person else "", f"{one.score:.1f}", _who(person, names), one.words)
        terminal.show(table, whole=True)


def _who(person: Any, names: bool) -> str:
    if person is None:
        return ""
    parts = (person.name, person.email) if names else ()
    return ", ".join(filter(None, (*parts, person.title, person.company)))


def _show_quality(found: Any) -> None:
    out = terminal.out
    out.print("\nthe data")
    table = Table(box=None, pad_edge=False, show_header=False)
    for word in import_module("streams.analysis.export").WHO:
        known = found.filled.get(word, 0)
        missing = "" if word in found.layout.columns or known else "no such column"
        table.add_row(word.replace("_", " "), f"{known:,} of {found.rows:,} rows", missing)
    for kind, number in found.problems.items():
        table.add_row(kind.replace("_", " "), f"{number:,} rows", "")
    if found.repeated:
        table.add_row("address again", f"{found.repeated:,} rows", "taken as the same person")
    out.print(table)
    if found.layout.ignored:
        out.print(f"columns not used: {', '.join(found.layout.ignored)}", markup=False)


def register(app: typer.Typer) -> None:
    app.command("try", rich_help_panel="Improve")(try_)
