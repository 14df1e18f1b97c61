"""`leadstreams demo`: all of it on this machine, in half a minute."""

import shlex
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from streams.broker import LOOPBACK
from streams.cli import terminal

if TYPE_CHECKING:
    from streams.demo.play import Demo

LEADS = 80
FEWEST = 35


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
    leads: Annotated[int, typer.Option(min=FEWEST, max=5_000, help="How many people take part, about.")] = LEADS,
    as_json: Annotated[
        bool, typer.Option("--json", help="The account for scripts; the rest goes to stderr.")
    ] = False,
) -> None:
    """Show the pipeline at work: broker, worker, collector, and a month of a software company's leads.

    Everything runs on this machine, on free ports of its own, and is gone afterwards. The leads' events are sent
    with the Segment SDK; what becomes of them is checked against the model. Exit code 0 if all of it is right.

        leadstreams demo --keep
    """
    from streams.demo.patience import Failed
    from streams.demo.play import Options, started
    from streams.demo.screen import Screen

    signal.signal(signal.SIGTERM, _interrupt)
    begun = time.monotonic()
    try:
        with (
            Screen(terminal.err if as_json else terminal.out) as screen,
            started(Options(leads=leads, keep=keep), screen) as running,
        ):
            running.play()
            found = {**running.account(), "seconds": round(time.monotonic() - begun, 1)}
            screen.stop()
            _report(found, as_json)
            if keep and not found["wrong"]:
                _stay(running)
    except Failed as failure:
        if failure.log:
            terminal.err.print(escape(failure.log))
        terminal.stop(f"the demo failed: {failure}")
    if found["wrong"]:
        terminal.stop(f"the demo is not as it must be: {'; '.join(found['wrong'])}")


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _report(found: dict[str, Any], as_json: bool) -> None:
    from streams.demo.screen import add_funnel, summary, waiting

    if as_json:
        terminal.print_json(found)
        return
    for line in waiting(found):
        terminal.out.print(line, soft_wrap=True)
    funnel = Table.grid(padding=(0, 1))
    add_funnel(funnel, found["funnel"])
    terminal.out.print()
    terminal.out.print(funnel)
    terminal.out.print()
    for line in summary(found):
        terminal.out.print(line, soft_wrap=True)
    terminal.out.print(f"done in {found['seconds']:.0f} s")


def _stay(running: "Demo") -> None:
    """Show what happens until Ctrl-C."""
    from streams.demo.processes import variables

    settings = running.settings
    command = _command()
    collector = f"{LOOPBACK}:{settings.collector_port}"
    body = '{"userId": "ada@lovelace.example", "event": "Whitepaper Downloaded"}'
    exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables(settings).items())
    lines = (
        "",
        f"It keeps running until Ctrl-C: broker {settings.broker}, collector http://{collector}, worker "
        f"http://{LOOPBACK}:{settings.worker_port}/metrics. In another terminal:",
        "",
        f"  export {exports}",
        f"  curl -u dev: {collector}/v1/track -d '{body}'",
        f"  {command} explain ada@lovelace.example",
        f"  {command} leads --stage sql",
        "",
    )
    for line in lines:
        terminal.out.print(line, markup=False, soft_wrap=True)
    terminal.out.file.flush()
    try:
        while True:
            running.look("")
    except KeyboardInterrupt:
        terminal.out.print("stopping")


def _command() -> str:
    """How this program was called, as one would type it again."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "leadstreams" and "/" in sys.argv[0] else "leadstreams"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Run")(demo)
