"""`leadstreams rebuild`: the score table anew from the log, or from a snapshot and the log since."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli import terminal

SHOWN = 20
"""Handoffs printed; --json has all."""


def rebuild(
    from_snapshot: Annotated[
        Path | None, typer.Option("--from-snapshot", help="Begin at a snapshot instead of the log's beginning.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Do it; without it only say what would change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Make the score table anew from the log: after an upgrade that computes otherwise, or when the table is lost.

    Needed when `replay --diff` says that the table is of another core version. Where retention took the log's
    beginning, begin at a snapshot. Without --write nothing is changed, and the workers may run.

    With --write all workers must be stopped. Each partition's table is the old one or the new one, never half of
    each; to go back, rebuild with the former version. Nothing is sent to sales: handoffs that this version gives
    and that were never sent are listed, and so are those that it would not have given.

        leadstreams snapshot before.snapshot

        leadstreams rebuild

        leadstreams rebuild --write

        leadstreams rebuild --write --from-snapshot leads.snapshot
    """
    settings = terminal.settings()
    rebuilding, replaying = import_module("streams.rebuild"), import_module("streams.replay.pipeline")
    terms = import_module("streams.pipeline")
    with terminal.progress() as progress:
        bar = progress.add_task("rebuilding", total=None)
        try:
            result = rebuilding.run(settings, from_snapshot, write, lambda records: progress.advance(bar, records))
        except terms.Unusable as error:
            terminal.stop(str(error), terminal.WRONG_USE)
        except replaying.Failed as failure:
            terminal.stop(str(failure))
    if as_json:
        terminal.print_json({**result._asdict(), "written": write})
    else:
        _show(result, write)


def _show(result: Any, written: bool) -> None:
    out = terminal.out
    done = "" if written else "would be "
    out.print(
        f"{result.leads:,} records of {result.partitions} partitions: {result.changed:,} {done}changed,"
        f" {result.added:,} {done}new, {result.removed:,} {done}gone"
    )
    _list("handoffs that this version gives were never sent", result.never_sent)
    _list("handoffs were sent that this version does not give", result.not_given)
    if not written:
        out.print("nothing was written: stop all workers and add --write")
    elif result.changed or result.added or result.removed:
        out.print("take a snapshot now: `replay --diff` can only begin after a change of the core")


def _list(words: str, names: list[str]) -> None:
    if names:
        terminal.out.print(f"{len(names):,} {words}:", style="yellow")
        for name in names[:SHOWN]:
            terminal.out.print(f"  {name}", markup=False)
        if len(names) > SHOWN:
            terminal.out.print(f"  and {len(names) - SHOWN:,} more: --json lists all")


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Data")(rebuild)
