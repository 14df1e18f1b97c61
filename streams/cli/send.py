"""`leadstreams send`: events from a file to the topics."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.table import Table

from schemas.dead_letter import Rejected
from schemas.envelope import SourceKind
from streams.cli import terminal
from streams.identity.keys import Secret
from streams.imports import mapping as mappings
from streams.imports.delivery import Delivery, input_partitions
from streams.imports.event import Import, Outcome, Prepared, from_line, from_row
from streams.imports.report import Place, Report
from streams.imports.row import STDIN, NoHeader, Source, lines, opened, rows

REFRESH_ROWS = 500
"""The bar moves once per so many rows."""


class Item(NamedTuple):
    """One row and what is to become of it."""

    line: int
    outcome: Outcome


def send(
    file: Annotated[Path, typer.Argument(help="JSON lines, or CSV with --mapping; .gz too; - is standard input.")],
    mapping: Annotated[Path | None, typer.Option(help="How CSV rows become events: docs/import.md.")] = None,
    source_kind: Annotated[SourceKind, typer.Option(help="How far the events are trusted.")] = "import",
    as_if_live: Annotated[
        bool, typer.Option("--as-if-live", help="Each event arrives when it happened, not now.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row and send nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The account of the rows for scripts.")] = False,
) -> None:
    """Send events from a file to the right topics and partitions, and account for every row.

    A row is sent, skipped with a reason, or wrong: wrong rows are named by file and line, the others are sent all
    the same, and the exit code is 1. Sending a file twice counts nothing twice.

    An import arrives now, so what happened long ago reaches no salesperson; --as-if-live replays history instead.
    What a JSON line says in received_at is kept; what it says in source_kind is not.

        leadstreams send events.jsonl

        leadstreams send visits.csv.gz --mapping visits.yaml --dry-run
    """
    settings = terminal.settings()
    secret = settings.require_secret()
    if isinstance(secret, str):
        terminal.stop(secret, terminal.WRONG_USE)
    if file.suffixes[:1] == [".csv"] and mapping is None:
        terminal.stop(f"{file} is CSV: say with --mapping how its rows become events (docs/import.md)", 2)
    read = _reader(mapping, _import(secret, source_kind, as_if_live))
    report = Report()
    with ExitStack() as stack:
        source = _open(stack, file)
        delivery = None if dry_run else stack.enter_context(Delivery(settings, input_partitions(settings)))
        _send_all(file, source, read, report, delivery)
    if delivery is not None:
        report.sent = delivery.delivered
        _add_failures(report, delivery)
    terminal.print_json(report.as_json()) if as_json else _show(report, dry_run)
    if report.errors:
        terminal.stop(f"{report.errors.total()} of {report.rows} rows were not sent")


def _import(secret: Secret, source_kind: SourceKind, as_if_live: bool) -> Import:
    return Import(secret, source_kind, None if as_if_live else time.time_ns() // 1_000_000)


def _open(stack: ExitStack, file: Path) -> Source:
    try:
        return stack.enter_context(opened(file))
    except OSError as error:
        terminal.stop(f"cannot read {file}: {error.strerror}")


def _reader(path: Path | None, settings: Import) -> Callable[[Source], Iterator[Item]]:
    if path is None:
        return lambda source: (Item(line, from_line(raw, settings)) for line, raw in lines(source.content))
    mapping = mappings.load(path)
    if isinstance(mapping, str):
        terminal.stop(mapping, terminal.WRONG_USE)
    return lambda source: _mapped(source, mapping, settings)


def _mapped(source: Source, mapping: mappings.Mapping, settings: Import) -> Iterator[Item]:
    for line, cells in rows(source.content, mapping.delimiter, mapping.encoding, mapping.columns()):
        yield Item(line, cells if isinstance(cells, Rejected) else from_row(cells, mapping, settings))


def _send_all(
    file: Path,
    source: Source,
    read: Callable[[Source], Iterator[Item]],
    report: Report,
    delivery: Delivery | None,
) -> None:
    name = "standard input" if str(file) == STDIN else str(file)
    with terminal.byte_progress() as progress:
        bar = progress.add_task(name, total=source.size or None)
        try:
            for line, outcome in read(source):
                place = Place(name, line)
                report.count(outcome, place)
                if delivery is not None and isinstance(outcome, Prepared):
                    delivery.send(outcome, place)
                if report.rows % REFRESH_ROWS == 0:
                    progress.update(bar, completed=source.position())
        except NoHeader as error:
            terminal.stop(f"{name}: {error}", terminal.WRONG_USE)
        except (OSError, EOFError) as error:
            report.mistake(Place(name, report.rows + 1), "unreadable", f"the file is broken from here: {error}")


def _add_failures(report: Report, delivery: Delivery) -> None:
    for place, reason in delivery.failures:
        report.mistake(place, "not_delivered", reason)
    unnamed = delivery.failed - len(delivery.failures)
    # What was neither confirmed nor refused when patience ended counts as not delivered too.
    unknown = report.types.total() - delivery.delivered - delivery.failed
    if unnamed + unknown:
        report.errors["not_delivered"] += unnamed + unknown


def _show(report: Report, dry_run: bool) -> None:
    table = Table(box=None, show_header=False)
    table.add_row("rows", f"{report.rows:,}")
    table.add_row("would be sent" if dry_run else "sent", f"{report.types.total() if dry_run else report.sent:,}")
    for name, count in report.types.most_common():
        table.add_row(f"  {name}", f"{count:,}")
    if report.machines:
        table.add_row("  by machines (score nothing)", f"{report.machines:,}")
    for title, counts in (("skipped", report.skipped), ("wrong", report.errors)):
        table.add_row(title, f"{counts.total():,}")
        for name, count in counts.most_common():
            table.add_row(f"  {name}", f"{count:,}")
    terminal.out.print(table)
    for place, reason, detail in report.first_errors:
        terminal.err.print(f"{place}: {reason}: {detail}", markup=False)


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Data")(send)
