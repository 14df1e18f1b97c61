"""`leadstreams console`: the page to keep open."""

from importlib import import_module

import typer

from streams.cli import terminal


def console() -> None:
    """Run the console until SIGTERM or Ctrl-C: the funnel, each lead's story, what a change of the model would do.

    On LEADSTREAMS_CONSOLE_HOST and LEADSTREAMS_CONSOLE_PORT (http://127.0.0.1:8801). Only this machine can reach
    it unless LEADSTREAMS_CONSOLE_ACCESS says who may see what.
    """
    settings = terminal.settings()
    if settings.log_format == "json":
        import_module("streams.worker").speak(settings.log_format)
    raise typer.Exit(int(import_module("streams.console.server").run(settings)))


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Run")(console)
