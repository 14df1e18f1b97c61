"""`leadstreams replay`: the log, or a file of events, through the core once more."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from streams.cli import terminal

SHOWN = 50
"""Differences and handoffs printed; --json has all."""
STAGES = ("visitor", "lead", "mql", "recycled", "disqualified", "sql", "accepted", "opportunity", "customer")


def replay(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines of events, .gz too; the pipeline's log without.")
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Compare with the live table and the handoffs.")] = False,
    from_snapshot: Annotated[
        Path | None, typer.Option("--from-snapshot", help="Begin at a snapshot instead of the log's beginning.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Another model: a file, or a shipped one's name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Run the log, or a file of events, through the core and say what comes of it.

    With --diff every lead of the live table is compared byte for byte, and every handoff, transition, forward and
    dead letter with what the topics hold. Exit code 1 if anything differs. The workers may run meanwhile: each
    partition is compared as of its newest record of progress.

    Where retention took the log's beginning, begin at a snapshot (leadstreams snapshot FILE): what came since is
    compared; what is older than the snapshot is taken as it says.

    A file needs no Kafka; its events are taken in the order in which they happened.

        leadstreams replay --diff

        leadstreams replay --diff --from-snapshot leads.snapshot

        leadstreams replay events.jsonl.gz --model deploy/models/published.yaml
    """
    if file is not None and diff:
        terminal.stop("--diff compares the log, not a file", terminal.WRONG_USE)
    if model is not None and diff:
        terminal.stop("--diff needs the workers' own model", terminal.WRONG_USE)
    if from_snapshot is not None and (file is not None or model is not None):
        terminal.stop("--from-snapshot is of the log and its model", terminal.WRONG_USE)
    settings = terminal.settings()
    if model is not None:
        settings = settings.model_copy(update={"model": model})
    if file is not None:
        _replay_file(file, settings, as_json)
    else:
        _replay_log(settings, diff, from_snapshot, as_json)


def _replay_log(settings: Any, diff: bool, snapshot: Path | None, as_json: bool) -> None:
    replay, terms = import_module("streams.replay.pipeline"), import_module("streams.pipeline")
    with terminal.progress() as progress:
        bar = progress.add_task("replaying the log", total=None)
        try:
            terms.terms(settings)
            result = replay.run(
                settings,
                diff,
                lambda total: progress.update(bar, total=total),
                lambda records: progress.advance(bar, records),
                snapshot,
            )
        except terms.Unusable as error:
            terminal.stop(str(error), terminal.WRONG_USE)
        except replay.Failed as failure:
            terminal.stop(str(failure))
    if as_json:
        terminal.print_json({**result._asdict(), "differences": [found._asdict() for found in result.differences]})
    else:
        _show_log(result, diff)
    # Without --diff, records that were passed over are still worth an error.
    if result.differences:
        number = len(result.differences)
        terminal.stop(f"{number:,} difference{'s' * (number > 1)} between the replay and what is live")


def _show_log(result: Any, diff: bool) -> None:
    out = terminal.out
    partitions = f"{result.partitions} partition{'s' * (result.partitions > 1)}"
    out.print(f"{result.events:,} records of {partitions} replayed")
    out.print(_funnel({"leads now": result.leads}))
    out.print(
        f"{len(result.handoffs):,} handoffs, {result.dead_letters:,} dead letters, {result.aliases:,} aliases"
    )
    if result.differences:
        table = Table("", "where", "what differs", box=None, pad_edge=False)
        for found in result.differences[:SHOWN]:
            table.add_row(found.kind, found.about, found.words)
        terminal.show(table)
        if len(result.differences) > SHOWN:
            out.print(f"and {len(result.differences) - SHOWN:,} more: --json lists all")
    elif diff:
        out.print("no difference: the live table and the topics are what the core gives", style="green")


def _replay_file(file: Path, settings: Any, as_json: bool) -> None:
    replay = import_module("streams.replay.file")
    terms = _file_terms(settings)
    with terminal.progress() as progress:
        bar = progress.add_task(f"replaying {file}", total=None)
        try:
            result = replay.run(
                file,
                terms,
                lambda total: progress.update(bar, total=total),
                lambda events: progress.advance(bar, events),
            )
        except (OSError, EOFError) as error:
            terminal.stop(f"cannot read {file}: {getattr(error, 'strerror', None) or error}")
    if as_json:
        terminal.print_json(_file_json(result))
    else:
        _show_file(result)
    for mistake in result.mistakes[: replay.SHOWN_MISTAKES]:
        terminal.err.print(f"{file}:{mistake.line}: {mistake.reason}: {mistake.detail}", markup=False)
    if result.mistakes:
        number = len(result.mistakes)
        terminal.stop(f"{number:,} line{'s' * (number > 1)} of {file} {'are' if number > 1 else 'is'} no event")


def _file_terms(settings: Any) -> Any:
    """Without a secret the keys are the demo's: they stay in this process."""
    keys, shard = import_module("streams.identity.keys"), import_module("streams.shard")
    secret = settings.require_secret()
    if isinstance(secret, str):
        secret = keys.Secret(import_module("streams.settings").DEMO_SECRET.encode(), settings.key_id)
    return shard.Terms(terminal.model(settings), secret)


def _file_json(result: Any) -> dict[str, Any]:
    handed = [
        {
            "handoff_id": told.handoff_id,
            "lead_key": told.lead_key,
            "time": told.occurred_at,
            "score": told.score,
            "reason": told.reason,
        }
        for told in result.handoffs
    ]
    mistakes = [mistake._asdict() for mistake in result.mistakes]
    return {**result._asdict(), "handoffs": handed, "mistakes": mistakes}


def _show_file(result: Any) -> None:
    out = terminal.out
    out.print(f"{result.events:,} events replayed")
    out.print(_funnel({"reached": result.reached, "leads at the end": result.leads}))
    for reason, number in result.refused.items():
        out.print(f"{number:,} refused: {reason}", markup=False)
    out.print(f"{len(result.handoffs):,} handoff{'s' * (len(result.handoffs) != 1)}")
    if result.handoffs:
        table = Table("when", "score", "lead", "why", box=None, pad_edge=False)
        for told in result.handoffs[:SHOWN]:
            table.add_row(told.occurred_at, f"{told.score:g}", told.lead_key, told.reason)
        terminal.show(table)


def _funnel(columns: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table("stage", box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right")
    for stage in STAGES:
        numbers = [column.get(stage, 0) for column in columns.values()]
        if any(numbers):
            table.add_row(stage, *(f"{number:,}" if number else "" for number in numbers))
    return table


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Look")(replay)
