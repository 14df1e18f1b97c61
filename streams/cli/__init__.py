"""The command `leadstreams`. Each module in here is one command or one group of them and adds itself through
`register(app)`; a new one is a new file and its name in COMMANDS."""

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Final

import typer

from streams.cli import terminal

COMMANDS: Final = (
    "demo",
    "broker",
    "topics",
    "config",
    "model",
    "worker",
    "shadow",
    "collector",
    "console",
    "connect",
    "top",
    "send",
    "explain",
    "leads",
    "lead",
    "replay",
    "try_",
    "backtest",
    "report",
    "dead_letters",
    "snapshot",
    "rebuild",
)
"""In the order in which `--help` lists them."""

HELP: Final = """
Real-time lead scoring and sales handoff on Kafka.

Everything is set by LEADSTREAMS_* variables or a leadstreams.toml; LEADSTREAMS_BROKER=host:port comes first.

A pipeline on this machine, each line in a terminal of its own:

    export LEADSTREAMS_SECRET=$(openssl rand -hex 32) LEADSTREAMS_DELIVERY=at-least-once
    leadstreams broker
    leadstreams topics create && leadstreams worker
    leadstreams collector --dev
    leadstreams send events.jsonl
"""


def _print_version(wanted: bool) -> None:
    if wanted:
        terminal.out.print(f"leadstreams {version('leadstreams')}", highlight=False)
        raise typer.Exit


def _callback(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="leadstreams",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_callback)
    for name in COMMANDS:
        import_module(f"streams.cli.{name}").register(app)
    return app


def main() -> None:
    """Exit codes: 0 done, 1 it failed, 2 the command or the settings are wrong, 130 interrupted."""
    sys.exit(terminal.run(build()))
