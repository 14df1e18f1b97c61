"""`leadstreams shadow`: a second model scored beside the live one."""

from importlib import import_module
from typing import Annotated

import typer

from streams import admin, topics
from streams.cli import terminal


def shadow(
    model: Annotated[str, typer.Argument(help="The model to try: a file, or a shipped one's name.")],
    anew: Annotated[
        bool, typer.Option("--anew", help="Forget what an earlier shadow told; begin with the log.")
    ] = False,
) -> None:
    """Score the log by a second model, beside the live one, until SIGTERM or Ctrl-C; start more to share the load.

    Sales hears nothing of it: what the model would have told goes to lead-transitions-shadow, and
    leadstreams report sets it beside what the live one told. It begins with the beginning of the log and goes on
    where it stopped. Metrics are as a worker's, named leadstreams_shadow_*.

        leadstreams shadow mine/b2b.yaml
    """
    settings = terminal.settings().model_copy(update={"model": model})
    checked = terminal.model(settings)
    pipeline = import_module("streams.pipeline")
    try:
        agreed = pipeline.terms(settings)
    except pipeline.Unusable as error:
        terminal.stop(str(error), terminal.WRONG_USE)
    count = import_module("streams.log").partitions(settings)
    with admin.connect(settings) as client:
        if anew:
            admin.delete(client, topics.SHADOW)
        beside = settings.model_copy(update={"partitions": count})
        admin.create(client, beside, checked.remembers / topics.DAY_MS, topics.SHADOW)
    shadow, worker = import_module("streams.shadow"), import_module("streams.worker")
    worker.speak(settings.log_format)
    raise typer.Exit(worker.run(shadow.settings_of(settings), shadow.maker(agreed), shadow.SOURCES, shadow.ROLE))


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Run")(shadow)
