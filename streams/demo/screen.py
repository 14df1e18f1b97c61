"""How the demo looks: a line for each thing that happens, and below them, on a terminal, the funnel as it fills."""

from types import TracebackType
from typing import Any, Final, Self

from rich.bar import Bar
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from streams.demo.watch import Handoff

WIDTH: Final = 40
REFRESH_HZ: Final = 8.0


class Screen:
    """Nothing moves where nobody watches: without a terminal the funnel is shown once, at the end."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._live = Live(console=console, refresh_per_second=REFRESH_HZ, transient=True, auto_refresh=False)

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._quiet:
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
        if not self._quiet:
            self._console.print(text, soft_wrap=True)

    def handoff(self, found: Handoff) -> None:
        who = ", ".join(filter(None, (found.name, found.company)))
        self.say(f"  [bold green]to sales[/]  [bold]{escape(who)}[/]  {found.score:g} points")
        self.say(f"            {escape(found.reason)}")

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


def summary(found: dict[str, Any]) -> Table:
    """The demo's account of itself."""
    table = Table.grid(padding=(0, 2))
    events = found["events"]
    table.add_row("events", f"{events['sent']:,} sent through the Segment SDK")
    table.add_row("", f"{events['scored']:,} scored, {events['duplicates']} duplicates dropped")
    for letter in found["dead_letters"]:
        table.add_row("", f"{letter['count']} dead letter: {letter['reason']} ({escape(letter['detail'])})")
    table.add_row("handoffs", f"{len(found['handoffs'])} to sales, each lead once")
    if found["latency_ms"]["median"] is not None:
        table.add_row("latency", f"{found['latency_ms']['median']:.0f} ms from event to handoff (median)")
    table.add_row("checked", f"{found['leads']} leads against the model, worked out by hand")
    return table
