"""`leadstreams broker`: the embedded broker in the foreground."""

import signal
from types import FrameType
from typing import Annotated

import typer

from streams.broker import EmbeddedBroker
from streams.cli import terminal

DEFAULT_PORT = 9092


def broker(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = DEFAULT_PORT,
) -> None:
    """Run the embedded broker until Ctrl-C: Kafka's protocol, in memory, ready at once.

    For trying things out: nothing survives its end, and it has no transactions, so set
    LEADSTREAMS_DELIVERY=at-least-once for what talks to it.

        leadstreams broker --port 9092
    """
    signal.signal(signal.SIGTERM, _interrupt)
    embedded = EmbeddedBroker(port)
    try:
        with embedded:
            terminal.out.print(f"the embedded broker listens on {embedded.bootstrap}; Ctrl-C ends it")
            terminal.out.file.flush()
            code = embedded.wait()
    except KeyboardInterrupt:
        return
    terminal.stop(f"the embedded broker ended by itself (exit code {code})")


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Run")(broker)
