"""`leadstreams leads`: who is where."""

import time
from datetime import UTC, datetime
from enum import StrEnum
from importlib import import_module
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.table import Table

from streams.cli import terminal


class Stage(StrEnum):
    """The stages by the names that they have everywhere."""

    VISITOR = "visitor"
    LEAD = "lead"
    MQL = "mql"
    RECYCLED = "recycled"
    DISQUALIFIED = "disqualified"
    SQL = "sql"
    ACCEPTED = "accepted"
    OPPORTUNITY = "opportunity"
    CUSTOMER = "customer"


class Sort(StrEnum):
    """The order of the list: the highest or the newest first."""

    SCORE = "score"
    LAST = "last"
    ENTERED = "entered"


def leads(
    stage: Annotated[Stage | None, typer.Option(help="Only leads that are in it now.")] = None,
    held: Annotated[
        bool, typer.Option("--held", help="Only marketing-qualified leads, and what holds each.")
    ] = False,
    sort: Annotated[
        Sort, typer.Option(help="By score, newest event, or when the stage was entered.")
    ] = Sort.SCORE,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 20,
    names: Annotated[bool, typer.Option("--names", help="With names and addresses: personal data.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """List who is where: lead, stage, score now, since when.

    leadstreams leads --stage sql --sort entered

    leadstreams leads --held
    """
    settings = terminal.settings()
    model = terminal.model_in_force(settings)
    log, roster = import_module("streams.log"), import_module("streams.roster")
    wanted = None if stage is None else import_module("streams.scoring.lead").Stage[stage.name]
    choice = roster.Choice(wanted, held, roster.Order(sort.value), limit)
    with terminal.progress() as progress:
        bar = progress.add_task("reading the score table", total=None)
        count = log.partitions(settings)

        async def read() -> Any:
            async with log.opened(settings) as reader:
                bounds = [await reader.bounds(log.topics.LEAD_SCORES, number) for number in range(count)]
                progress.update(bar, total=sum(end - first for first, end in bounds))
                now = int(time.time() * 1000)
                return await roster.read(
                    reader, count, choice, model, now, lambda records: progress.advance(bar, records)
                )

        found = log.run(read())
    if as_json:
        terminal.print_json({"counts": found.counts, "leads": [_as_json(row, names) for row in found.rows]})
    else:
        _show(found, held, names, ZoneInfo(model.source.timezone))


PERSONAL = ("name", "email")


def _as_json(row: Any, names: bool) -> dict[str, Any]:
    known: dict[str, Any] = msgspec.to_builtins(row)
    return {name: value for name, value in known.items() if names or name not in PERSONAL}


def _show(roster: Any, held: bool, names: bool, zone: ZoneInfo) -> None:
    table = Table("lead", "stage", box=None, pad_edge=False)
    table.add_column("score", justify="right")
    fitted = any(row.fit_grade for row in roster.rows)
    if fitted:
        table.add_column("fit")
    for title in (
        "since",
        "last event",
        "company",
        *(PERSONAL if names else ()),
        *(("held back by",) if held else ()),
    ):
        table.add_column(title)
    for row in roster.rows:
        cells = [row.lead_key, row.stage, f"{row.score:.1f}".removesuffix(".0")]
        cells += [row.fit_grade or ""] if fitted else []
        cells += [_local(row.since, zone), _local(row.last, zone), row.company or ""]
        cells += [getattr(row, name) or "" for name in PERSONAL] if names else []
        table.add_row(*cells, *([row.held_because or ""] if held else []))
    if roster.rows:
        terminal.show(table, whole=True)
    counts = ", ".join(f"{number:,} {stage}" for stage, number in roster.counts.items())
    terminal.out.print(f"{len(roster.rows):,} shown of {counts}" if counts else "no leads yet")


def _local(at: str | None, zone: ZoneInfo) -> str:
    if at is None:
        return ""
    return f"{datetime.fromisoformat(at).replace(tzinfo=UTC).astimezone(zone):%Y-%m-%d %H:%M}"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Look")(leads)
