"""`leadstreams config`: the settings as a process takes them."""

from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.table import Table

from streams import model_file
from streams.cli import terminal
from streams.settings import Settings

app = typer.Typer(help="Look at the settings.", no_args_is_help=True)


@app.command()
def show(as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False) -> None:
    """Print every setting as a process would take it, secrets masked, and what is wrong with them.

    Exit code 2 if a process would not start with them.

        LEADSTREAMS_PARTITIONS=12 leadstreams config show
    """
    settings = terminal.settings()
    wrong = problems(settings)
    values = {name: shown(getattr(settings, name)) for name in Settings.model_fields}
    if as_json:
        terminal.print_json({"settings": values, "wrong": wrong})
    else:
        table = Table("setting", "value", "", box=None)
        for name in Settings.model_fields:
            value = "" if values[name] is None else str(values[name])
            table.add_row(
                f"LEADSTREAMS_{name.upper()}", value, "" if name in settings.model_fields_set else "default"
            )
        terminal.show(table)
    if wrong:
        terminal.stop("; ".join(wrong), terminal.WRONG_USE)


def shown(value: object) -> Any:
    """A value that may be read by anybody."""
    if isinstance(value, SecretStr):
        return "**********" if value.get_secret_value() else None
    return value if value is None or isinstance(value, int | float) else str(value)


def problems(settings: Settings) -> list[str]:
    """What keeps a worker from starting, as far as can be known without Kafka."""
    found = []
    secret = settings.require_secret()
    if isinstance(secret, str):
        found.append(secret)
    model = model_file.load(settings.model, settings.pipeline)
    if isinstance(model, list):
        found.append(str(model[0]))
    for name in ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "write_keys", "mapping", "hooks", "forms"):
        path = getattr(settings, name)
        if path is not None and not path.is_file():
            found.append(f"LEADSTREAMS_{name.upper()}: no file {path}")
    return found


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="config", rich_help_panel="Set up")
