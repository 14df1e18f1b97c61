"""How the demo looks: a line for each thing that happens and, on a terminal, the funnel as it fills."""

import re
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from rich.bar import Bar
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from schemas.model import ScoringModel
from streams.demo.watch import Handoff, Note
from streams.scoring.response import REVIEW

WIDTH: Final = 40
REFRESH_HZ: Final = 8.0


class Screen:
    """Nothing moves where nobody watches: without a terminal the funnel is shown once, at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._zone = "UTC"
        self._zones: dict[str, str] = {}
        self._live = Live(console=console, refresh_per_second=REFRESH_HZ, transient=True, auto_refresh=False)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """What moves goes away."""
        self._live.stop()

    def say(self, text: str) -> None:
        """A line that stays; rich markup."""
        self._console.print(text, soft_wrap=True)

    def calendars(self, model: ScoringModel) -> None:
        """From here on deadlines are told on the clocks of those who keep them."""
        zones = {name: calendar.zone for name, calendar in model.calendars.items()}
        queues = model.routing.queues if model.routing else {}
        self._zones = {name: zones[queue.calendar] for name, queue in queues.items()}
        self._zone = model.timezone

    def handoff(self, found: Handoff) -> None:
        who = ", ".join(filter(None, (found.name, found.title, found.company)))
        again = f", handoff {found.cycle}" if found.cycle > 1 else ""
        points = f"{found.score:.0f} points, fit {found.grade}{again}"
        self.say(f"  [bold green]to sales[/]  [bold]{escape(who)}[/]: {points}")
        self._more(found.reason + (f'. "{found.message}"' if found.message else ""))
        quiet = "" if found.may_email else " No marketing mail."
        self._more(
            f"{found.queue} answers by {self._local(found.respond_by, found.queue)}. {found.approach}{quiet}"
        )

    def note(self, found: Note) -> None:
        who = ", ".join(filter(None, (found.name, found.company)))
        place = "to check" if found.kind == REVIEW else "to owner"
        self.say(f"  [bold yellow]{place}[/]  [bold]{escape(who)}[/]: {escape(found.reason)}")
        self._more(f"{found.queue} answers by {self._local(found.respond_by, found.queue)}. Held: {found.held}")

    def _more(self, text: str) -> None:
        self.say(f"            {escape(text)}")

    def _local(self, at: str, queue: str) -> str:
        """An instant as the people of a queue read it off their wall."""
        if not at:
            return "no set time"
        zone = self._zones.get(queue, self._zone)
        city = zone.rpartition("/")[2].replace("_", " ")
        return f"{datetime.fromisoformat(at).astimezone(ZoneInfo(zone)):%a %d %b %H:%M} ({city})"

    def funnel(self, doing: str, sent: int, of: int, funnel: dict[str, int]) -> None:
        """Redraw what moves."""
        if self._live.is_started:
            table = Table.grid(padding=(0, 1))
            table.add_row(f"[dim]{doing}[/]", Bar(max(of, 1), 0, sent, width=WIDTH), f"{sent:,} of {of:,} events")
            add_funnel(table, funnel)
            self._live.update(table, refresh=True)


def add_funnel(table: Table, funnel: dict[str, int]) -> None:
    """A row per stage: how many came at least so far."""
    most = max(funnel.values(), default=0) or 1
    for stage, count in funnel.items():
        table.add_row(f"  {stage}", Bar(most, 0, count, width=WIDTH, color="green"), str(count))


MOST_HELD: Final = 6
FIGURES: Final = re.compile(r"[0-9.]+")


def waiting(found: dict[str, Any]) -> list[str]:
    """Marketing-qualified leads and what each waits for, one of each kind; rich markup."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for lead in sorted(found["held"], key=lambda lead: -lead["score"]):
        kinds.setdefault(FIGURES.sub("", lead["held"]), []).append(lead)
    lines = []
    for alike in list(kinds.values())[:MOST_HELD]:
        who = ", ".join(filter(None, (alike[0]["name"], alike[0]["company"])))
        more = f" [dim]and {len(alike) - 1} more like this[/]" if len(alike) > 1 else ""
        lines.append(f"  [bold yellow]waits[/]     {escape(who)}: {alike[0]['score']:.0f} points{more}")
        lines.append(f"            {escape(alike[0]['held'])}")
    return lines


def summary(found: dict[str, Any]) -> list[str]:
    """The demo's account of itself, in lines of rich markup."""
    events, latency = found["events"], found["latency_ms"]["median"]
    added = f"; {events['added']} retractions added by the collector" if events["added"] else ""
    lines = [
        f"events    {events['sent']:,} sent by the Segment SDK, a CRM and a mail system{added}",
        f"          {events['scored']:,} scored, {events['duplicates']} duplicates dropped",
    ]
    for letter in found["dead_letters"]:
        lines.append(f"          {letter['count']} dead letter, {letter['reason']}: {escape(letter['detail'])}")
    handed = found["handoffs"]
    again = sum(handoff["cycle"] > 1 for handoff in handed)
    lines.append(f"handoffs  {len(handed)} to sales, each once; {again} of a lead that came back from sales")
    lines.append(f"held      {len(found['held'])} marketing-qualified leads, each with its reason")
    if latency is not None:
        lines.append(f"latency   {latency:.0f} ms from an event's arrival to its handoff (median)")
    lines.append(f"checked   {found['leads']} leads against the model, worked out by hand: ")
    lines[-1] += "all as they must be" if not found["wrong"] else f"[red]{len(found['wrong'])} wrong[/]"
    return lines
