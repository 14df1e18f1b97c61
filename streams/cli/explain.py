"""`leadstreams explain`: why a lead stands where it stands."""

import time
from datetime import UTC, datetime
from importlib import import_module
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from streams.cli import terminal

LANES = {
    "score": "its score",
    "promoted": "a person's word",
    **{name: f"its {name} request" for name in ("demo", "contact", "quote")},
    "question": "its question",
}
STAGES = {"visitor": "dim", "lead": "cyan", "mql": "yellow", "sql": "bold green", "disqualified": "red"}


def explain(
    lead: Annotated[str, typer.Argument(help="A lead key, an email address, a user id or an anonymous id.")],
    at: Annotated[
        str | None, typer.Option("--at", help="As of then: 2026-11-02, or with a time; now without.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Every point of a lead: which event gave it, by which rule and when. The values sum to the score.

    Also what holds the lead back, how it came to its stage, and what was handed to sales. An address is hashed
    with the identity secret; the key of another identity leads to the person's own.

        leadstreams explain jane@example.com

        leadstreams explain e1-0f8c6a3b5d2e4f7a9b1c3d5e7f901234 --at 2026-11-02T10:00
    """
    settings = terminal.settings()
    inquiry, log = import_module("streams.inquiry"), import_module("streams.log")
    secret = settings.require_secret()
    known = None if isinstance(secret, str) else secret
    keys = inquiry.keys_of(lead.strip(), known)
    if not keys:
        terminal.stop(
            secret if isinstance(secret, str) else "expected a lead key or an identity", terminal.WRONG_USE
        )
    model = terminal.model_in_force(settings)
    instant = int(time.time() * 1000) if at is None else _instant(at, model.source.timezone)
    with terminal.waiting("reading the score table"):
        count = log.partitions(settings)
        found = log.run(inquiry.find(settings, count, keys, known.fingerprint() if known else None))
    if found is None:
        terminal.stop(f"no such lead (looked for {' and '.join(keys)})")
    account = import_module("streams.explanation").explain(found.key, found.lead, model, instant, found.asked)
    if as_json:
        terminal.print_json(msgspec.to_builtins(account))
        return
    _show(account, ZoneInfo(model.source.timezone))


def _instant(text: str, zone: str) -> int:
    """Without an offset the time is one of the model's zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        terminal.stop(f"--at {text}: expected a time such as 2026-11-02T10:00 or 2026-11-02", terminal.WRONG_USE)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return int(moment.timestamp() * 1000)


def _show(account: Any, zone: ZoneInfo) -> None:
    out = terminal.out
    out.print(_headline(account, zone), soft_wrap=True)
    if account.asked != account.lead_key:
        out.print(f"asked for {account.asked}, which belongs to {account.lead_key}", style="dim", soft_wrap=True)
    if account.erased:
        out.print(f"erased up to {_local(account.erased, zone)}", style="red")
    terminal.show(_ledger(account, zone))
    if account.fit_grade:
        unknown = f"; not known: {', '.join(account.fit_unknown)}" if account.fit_unknown else ""
        shares = f"{_points(account.behaviour)} points by what it did, {_points(account.fit)} by who it is"
        grade = f"{account.fit_grade}: {shares}{unknown}"
        out.print(Text.assemble(("fit grade     ", "bold"), grade), soft_wrap=True)
    if account.held_because:
        out.print(Text.assemble(("held back by  ", "bold"), account.held_because), soft_wrap=True)
    if account.next_move:
        out.print(
            Text.assemble(("next          ", "bold"), f"time alone acts on {_local(account.next_move, zone)}")
        )
    if account.history:
        terminal.show(_history(account, zone))
    for note in account.notes:
        by = f", to be answered by {_local(note.respond_by, zone)}" if note.respond_by else ""
        out.print(f"{note.kind.replace('_', ' ')} {_local(note.at, zone)}{by}")
    for handed in account.handoffs:
        answered = "with sales" if handed.id in account.open_handoffs else "answered"
        by = f", to be answered by {_local(handed.respond_by, zone)}" if handed.respond_by else ""
        out.print(f"handed to sales {_local(handed.at, zone)} by {LANES.get(handed.lane, handed.lane)}{by}")
        out.print(f"              {handed.id}, cycle {handed.cycle}, {answered}", soft_wrap=True)
    if account.other_models:
        out.print(f"some points were given under other models: {', '.join(account.other_models)}", style="dim")
    model = f"model {account.model_name} {account.model_version} ({account.model_id})"
    out.print(f"{model}; times in {zone.key}", style="dim")


def _headline(account: Any, zone: ZoneInfo) -> Text:
    since = f" since {_local(account.since, zone)}" if account.since else ""
    known = f", known by {' and '.join(account.known_by)}" if account.known_by else ""
    return Text.assemble(
        (account.lead_key, "bold"),
        "  ",
        (account.stage.upper() if len(account.stage) == 3 else account.stage, STAGES.get(account.stage, "green")),
        f"{since}{known}",
    )


def _ledger(account: Any, zone: ZoneInfo) -> Table:
    table = Table(box=None, pad_edge=False, show_footer=True)
    table.add_column("points", _points(account.score), justify="right", footer_style="bold")
    table.add_column("why", f"score on {_local(account.at, zone)}", footer_style="bold")
    for name in ("when", "event", "rule", "by"):
        table.add_column(name, style="dim" if name in ("event", "by") else "")
    for point in account.points:
        worth, given = _points(point.value), f"{point.points:g}"
        worth += "" if worth == given else f" of {given}"
        when = _local(point.at, zone) if point.event_id else ""
        by = point.via if point.via_key == account.lead_key else f"{point.via} {point.via_key[:8]}…"
        by = "" if point.rule.startswith("fit:") else by
        table.add_row(worth, point.words, when, point.event_id or "", point.rule, by if point.event_id else "")
    if not account.points:
        table.add_row("0", "nothing counts at this time", "", "", "", "")
    return table


def _points(value: float) -> str:
    """One decimal is enough for the eye."""
    return f"{value:.1f}".removesuffix(".0")


def _history(account: Any, zone: ZoneInfo) -> Table:
    table = Table("stage", "since", "because of", "event", box=None, pad_edge=False)
    if not account.history_complete:
        table.add_row("…", "", "earlier changes are no longer kept", "")
    for step in account.history:
        style = STAGES.get(step.to_stage, "green")
        event = step.cause if step.cause != "time" else ""
        table.add_row(Text(step.to_stage, style), _local(step.at, zone), step.words, Text(event, "dim"))
    return table


def _local(at: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(at).replace(tzinfo=UTC).astimezone(zone):%Y-%m-%d %H:%M}"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Look")(explain)
