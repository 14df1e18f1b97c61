"""`leadstreams snapshot`: the score table in a file, from which a replay or a rebuild can begin."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from streams.cli import terminal


def snapshot(
    file: Annotated[Path, typer.Argument(help="Where to write it; a file that is there is replaced when done.")],
    check: Annotated[bool, typer.Option("--check", help="Write nothing: say whether the file is whole.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Write every lead's record, and the positions in the log at which they stand, to one file with a checksum.

    Kafka keeps events for 90 days. Past that nothing begins at the beginning: a replay begins at a snapshot, and
    so does a rebuild, which an upgrade of the core or a lost table needs. Take one every week, and keep two. The
    workers may run meanwhile.

    The file holds data of persons: it is readable by its owner only. After an erasure take a new one, and delete
    those before it.

        leadstreams snapshot leads.snapshot

        leadstreams snapshot leads.snapshot --check

        leadstreams replay --diff --from-snapshot leads.snapshot
    """
    if check:
        _check(file, as_json)
        return
    settings = terminal.settings()
    taking = import_module("streams.snapshot.taking")
    with terminal.progress() as progress:
        bar = progress.add_task("reading the score table", total=None)
        try:
            taken = taking.take(settings, file, lambda records: progress.advance(bar, records))
        except OSError as error:
            terminal.stop(f"cannot write {file}: {error.strerror}")
    if as_json:
        terminal.print_json(taken._asdict())
        return
    size = f"{taken.bytes / 1e6:,.1f} MB"
    terminal.out.print(
        f"{taken.records:,} records of {taken.partitions} partitions in {file}, {size}", markup=False
    )


def _check(file: Path, as_json: bool) -> None:
    format_ = import_module("streams.snapshot.file")
    try:
        found = format_.Snapshot(file)
        found.verify()
    except format_.Unusable as why:
        terminal.stop(str(why))
    taken_at = import_module("streams.scoring.instant").rfc3339(found.head.taken_at)
    if as_json:
        terminal.print_json(
            {"pipeline": found.head.pipeline, "partitions": found.head.partitions, "taken_at": taken_at}
        )
        return
    words = (
        f"{file} is whole: pipeline {found.head.pipeline}, {found.head.partitions} partitions, taken {taken_at}"
    )
    terminal.out.print(words, markup=False)


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Data")(snapshot)
