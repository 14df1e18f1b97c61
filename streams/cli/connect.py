"""`leadstreams connect`: handoffs to where sales works."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli import terminal

PORT = 9480


def connect(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped connector, or any name with --config.")],
    config: Annotated[Path | None, typer.Option(help="A YAML file of your own: docs/connectors.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent; ask and change nothing.")
    ] = False,
    host: Annotated[str, typer.Option(help="Of health and metrics.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of health and metrics; the next free one.")] = PORT,
) -> None:
    """Carry handoffs and updates to a CRM, a database, a webhook or a chat until SIGTERM or Ctrl-C.

    The name is also the consumer group: start it again and it goes on, start more of it and they share the work.
    Secrets stand in environment variables or files that the configuration names.

        SLACK_WEBHOOK_URL=https://hooks.slack.com/... leadstreams connect slack

        leadstreams connect crm --config crm.yaml --dry-run
    """
    settings = terminal.settings()
    configuration = import_module("streams.connectors.configuration")
    found = configuration.load(name, config)
    if isinstance(found, list):
        more = [str(fault) for fault in found]
        terminal.stop("\n".join(more), terminal.WRONG_USE)
    try:
        receiver = configuration.receiver(found.settings)
    except import_module("streams.connectors.secret").Missing as error:
        terminal.stop(f"{name}: {error}", terminal.WRONG_USE)
    if dry_run:
        import_module("streams.connectors.rehearsal").rehearse(settings, receiver, _show)
        return
    import_module("streams.worker").speak(settings.log_format)
    process = import_module("streams.connectors.process")
    raise typer.Exit(process.run(settings, found.name, found.settings, receiver, host, port))


def _show(document: dict[str, Any]) -> None:
    terminal.print_json(document)


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Run")(connect)
