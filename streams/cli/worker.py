"""`leadstreams worker`: one scoring worker."""

from importlib import import_module

import typer

from streams.cli import terminal


def worker() -> None:
    """Run one scoring worker until SIGTERM or Ctrl-C; start more of them to share the partitions.

    Health and metrics are on LEADSTREAMS_WORKER_PORT (9470; further workers on this machine
    take the next free one). Give each worker a name of its own, so that it keeps its partitions over a restart:

        LEADSTREAMS_INSTANCE=worker-1 leadstreams worker
    """
    settings = terminal.settings()
    pipeline = import_module("streams.pipeline")
    try:
        agreed = pipeline.terms(settings)
    except pipeline.Unusable as error:
        terminal.stop(str(error), terminal.WRONG_USE)
    worker = import_module("streams.worker")
    worker.speak(settings.log_format)
    raise typer.Exit(worker.run(settings, pipeline.maker(agreed)))


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Run")(worker)
