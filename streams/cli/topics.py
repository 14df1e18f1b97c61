"""`leadstreams topics`: the pipeline's topics, created and compared."""

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer
from rich.table import Table

from streams import admin, topics
from streams.admin import Difference, Severity
from streams.cli import terminal
from streams.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="For scripts.")]

app = typer.Typer(help="Create the pipeline's topics, or compare them with what it needs.", no_args_is_help=True)


@app.command()
def create(as_json: Json = False) -> None:
    """Create the topics that are missing; leave the others alone.

    LEADSTREAMS_PARTITIONS and LEADSTREAMS_REPLICATION say how many. Choose the partitions well: a lead's partition
    follows from their number, so it cannot be changed later. What leads did is kept as long as LEADSTREAMS_MODEL
    looks back, 90 days at least.

        LEADSTREAMS_PARTITIONS=12 LEADSTREAMS_REPLICATION=3 leadstreams topics create
    """
    settings = terminal.settings()
    needed_days = terminal.model(settings).remembers / topics.DAY_MS
    with admin.connect(settings) as client:
        created = admin.create(client, settings, needed_days)
    if as_json:
        terminal.print_json([topic._asdict() for topic in created])
        return
    for topic in created:
        word = "created" if topic.new else "exists "
        terminal.out.print(f"{word}  {topic.topic} ({topic.partitions} partition{'s' * (topic.partitions > 1)})")


@app.command()
def check(
    needed_days: Annotated[
        float | None,
        typer.Option(
            min=0, help="How long the inputs must be kept; else the model's longest window plus cool-down."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare partitions, compaction, retention, timestamps, sizes and the identity secret with what is needed.

    Exit code 1 if something would lose or misplace leads; remarks alone leave it at 0.

        leadstreams topics check --json
    """
    settings = terminal.settings()
    if needed_days is None:
        needed_days = terminal.model(settings).remembers / topics.DAY_MS
    with admin.connect(settings) as client:
        differences = admin.check(client, settings, needed_days)
    differences += _compare_secret(settings, differences)
    if as_json:
        terminal.print_json([difference._asdict() for difference in differences])
    else:
        _show(differences)
    errors = sum(difference.severity is Severity.ERROR for difference in differences)
    if errors:
        terminal.stop(f"{errors} difference{'s' * (errors > 1)} that would lose or misplace leads")


def _compare_secret(settings: Settings, differences: Sequence[Difference]) -> list[Difference]:
    if any(found.topic == topics.LEAD_SCORES and found.setting == "topic" for found in differences):
        return []
    log = import_module("streams.log")
    recorded = sorted(log.run(log.secrets(settings)))
    secret = settings.require_secret()
    if isinstance(secret, str):
        note = Difference(Severity.NOTE, topics.LEAD_SCORES, "identity secret", "set", "not compared", secret)
        return [note] if recorded else []
    return [found for name in recorded for found in admin.compare_secret(name, secret)]


def _show(differences: Sequence[Difference]) -> None:
    if not differences:
        terminal.out.print("all topics are as the pipeline needs them")
        return
    table = Table("", "topic", "setting", "expected", "found", box=None)
    for difference in differences:
        table.add_row(*difference[:5])
    terminal.out.print(table)
    for remedy in dict.fromkeys(difference.remedy for difference in differences):
        terminal.out.print(f"  {remedy}", soft_wrap=True)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="topics", rich_help_panel="Set up")
