"""How the demo looks: a line for each thing that happens and, on a terminal, the funnel as it fills."""

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

    def __init__(self, console: Console) -> None:
        self._console = console
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


def summary(found: dict[str, Any]) -> list[str]:
    """The demo's account of itself, in lines of rich markup."""
    events, latency = found["events"], found["latency_ms"]["median"]
    lines = [
        f"events    {events['sent']:,} sent through the Segment SDK",
        f"          {events['scored']:,} scored, {events['duplicates']} duplicates dropped",
    ]
    for letter in found["dead_letters"]:
        lines.append(f"          {letter['count']} dead letter, {letter['reason']}: {escape(letter['detail'])}")
    lines.append(f"handoffs  {len(found['handoffs'])} to sales, each lead once")
    if latency is not None:
        lines.append(f"latency   {latency:.0f} ms from an event's arrival to its handoff (median)")
    lines.append(f"checked   {found['leads']} leads against the model, worked out by hand: ")
    lines[-1] += "all as they must be" if not found["wrong"] else f"[red]{len(found['wrong'])} wrong[/]"
    return lines
