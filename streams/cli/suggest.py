"""`leadstreams model suggest`: points for the rules, from what became of the handoffs."""

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from streams.cli import reading, terminal


class Target(StrEnum):
    """What counts as a good outcome."""

    ACCEPTED = "accepted"
    MEETING = "meeting"
    OPPORTUNITY = "opportunity"
    WON = "won"


def suggest(
    base: Annotated[str, typer.Argument(help="The model in force: a file, or a shipped one's name.")],
    out: Annotated[Path | None, typer.Option(help="Write the model with the suggested points here.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="JSON lines of events, .gz too; the pipeline's log without.")
    ] = None,
    target: Annotated[Target, typer.Option(help="How far a good handoff comes.")] = Target.MEETING,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Suggest whole points for the rules from outcomes in the log, or say that there is nothing to learn.

    Nothing after a handoff is looked at, and nothing that sales wrote. Compare before you agree on it:

        leadstreams model suggest b2b --out suggested.yaml

        leadstreams backtest b2b suggested.yaml
    """
    try:
        tools = import_module("streams.analysis.suggestion")
    except ModuleNotFoundError:
        terminal.stop("this needs scikit-learn: pip install 'leadstreams[analysis]'", terminal.WRONG_USE)
    settings = terminal.settings()
    model = terminal.model(settings, base)
    found = tools.suggest(_examples(settings, base, model, file, target), model)
    if isinstance(found, tools.Refusal):
        terminal.stop(found.reason)
    if as_json:
        plain = {**found._asdict(), "rules": [rule._asdict() for rule in found.rules]}
        terminal.print_json(plain)
    else:
        _show(found)
    if out is not None:
        _write(base, out, found)


def _examples(settings: Any, base: str, model: Any, file: Path | None, target: Target) -> Any:
    backtest, parallel = import_module("streams.analysis.backtest"), import_module("streams.analysis.parallel")
    evidence, outcome = import_module("streams.analysis.evidence"), import_module("streams.analysis.outcome")
    secret = reading.secret(settings, file)
    with reading.followed(file) as (started, advance):
        source = backtest.read(settings, file, started, advance)
        started("replaying", len(source.events))
        named = parallel.Named(base, settings.pipeline)
        (done,) = parallel.run(list(source.events), [named], secret, source.end, advance).trials
    terms = import_module("streams.shard").Terms(model, secret)
    return evidence.examples(source.events, done, terms, outcome.LEVELS[target.value], source.end)


def _show(found: Any) -> None:
    out = terminal.out
    out.print(f"learned from {found.examples:,} handoffs with a known outcome, {found.good:,} of them good")
    out.print(
        f"later handoffs told apart (AUC): {found.auc:.2f} ({found.low:.2f}-{found.high:.2f}) "
        f"with these points, {found.now:.2f} with those in force"
    )
    table = Table("rule", box=None, pad_edge=False)
    for title in ("now", "suggested", "95 % interval", "handoffs", ""):
        table.add_column(title, justify="right")
    for rule in found.rules:
        interval = f"{rule.low:+.1f} to {rule.high:+.1f}"
        note = "" if rule.told else "not told apart from nothing: kept"
        table.add_row(rule.rule, f"{rule.now:+g}", f"{rule.points:+d}", interval, f"{rule.cases:,}", note)
    terminal.show(table, whole=True)


def _write(base: str, out: Path, found: Any) -> None:
    files, revision = import_module("streams.model_file"), import_module("streams.analysis.revision")
    path = files.SHIPPED / f"{base}.yaml" if base in files.shipped() else Path(base)
    points = {rule.rule: rule.points for rule in found.rules if rule.points != rule.now}
    try:
        revision.write(path, out, points, "suggested")
    except OSError as error:
        terminal.stop(f"cannot write {out}: {error.strerror}")
    except ValueError as error:
        terminal.stop(f"cannot change {path}: {error}")
    checked = files.load(str(out))
    if isinstance(checked, list):
        terminal.stop(f"the suggested model is not valid: {checked[0]}")
    terminal.err.print(f"written: {out}", markup=False)


def register(group: typer.Typer) -> None:
    """Add it to the commands of `leadstreams model`."""
    group.command()(suggest)
