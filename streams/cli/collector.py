"""`leadstreams collector`: the HTTP edge."""

from importlib import import_module
from typing import Annotated

import typer

from streams.cli import terminal


def collector(
    dev: Annotated[bool, typer.Option("--dev", help="Accept any write key, on loopback only.")] = False,
) -> None:
    """Run the collector until SIGTERM or Ctrl-C: trackers, forms and webhooks send their events to it.

    It speaks the Segment HTTP tracking API on LEADSTREAMS_COLLECTOR_HOST and LEADSTREAMS_COLLECTOR_PORT
    (127.0.0.1:8800) and answers 200 only when the broker has the event.

        leadstreams collector --dev

        curl -u dev: 127.0.0.1:8800/v1/page -d '{"anonymousId": "a1", "properties": {"url": "https://example.com/"}}'
    """
    settings = terminal.settings()
    secret = settings.require_secret()
    if isinstance(secret, str):
        terminal.stop(secret, terminal.WRONG_USE)
    import_module("streams.worker").speak(settings.log_format)
    code = import_module("streams.collector.server").run(settings, dev=dev)
    raise typer.Exit(int(code or 0))


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Run")(collector)
