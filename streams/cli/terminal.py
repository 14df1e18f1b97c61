"""The user's terminal: where answers and errors go, how progress is shown, and how every failure becomes one line
and an exit code."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, NoReturn

import typer
from kafka.errors import KafkaError
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from streams import model_file
from streams.admin import Refused, Unreachable, reason
from streams.broker import BrokerUnavailable
from streams.scoring.model import Model
from streams.settings import Settings

MOST_COLUMNS: Final = 1_000
FAILED: Final = 1
WRONG_USE: Final = 2
INTERRUPTED: Final = 130

out: Final = Console(highlight=False)
"""Answers: standard output."""

err: Final = Console(stderr=True, highlight=False, soft_wrap=True)
"""Errors, progress and remarks: standard error."""


class Stop(Exception):
    """The command ends here with one clear line; `code` is the exit code."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def stop(message: str, code: int = FAILED) -> NoReturn:
    raise Stop(message, code)


def settings() -> Settings:
    """The settings of this call; ends it with exit code 2 if they are wrong."""
    try:
        return Settings()
    except ValidationError as error:
        stop("; ".join(_wrong_settings(error)), WRONG_USE)
    except (SettingsError, ValueError) as error:  # not TOML
        stop(f"cannot read the settings: {' '.join(str(error).split())}", WRONG_USE)


def model(settings: Settings, name: str | None = None) -> Model:
    """The scoring model of these settings, or of a file or shipped name; ends the call if it is not valid."""
    found = model_file.load(name or settings.model, settings.pipeline)
    if isinstance(found, list):
        more = f" (and {len(found) - 1} more: leadstreams model check)" if len(found) > 1 else ""
        stop(f"{found[0]}{more}", WRONG_USE)
    return found


def model_in_force(settings: Settings) -> Model:
    """The scoring model by which the workers judge now; that of these settings where none has begun.

    Ends the call as `model` does; raises Unreachable, Refused.
    """
    own = model(settings)
    log, publication = import_module("streams.log"), import_module("streams.publication")
    running = log.run(publication.in_force(settings))
    name = running[min(running)] if running else own.hash
    if name == own.hash:
        return own
    found: Model | None = log.run(publication.find(settings, name))
    if found is None:
        err.print(
            f"note: the workers run model {name}, which was never published, and this is {own.hash}:"
            " set LEADSTREAMS_MODEL to theirs",
            markup=False,
        )
    return found or own


def _wrong_settings(error: ValidationError) -> list[str]:
    """One clause per setting; never its value, which may be a secret."""
    return [
        f"LEADSTREAMS_{'_'.join(map(str, found['loc'])).upper()}: {found['msg']}"
        if found["loc"]
        else found["msg"].removeprefix("Value error, ")
        for found in error.errors(include_url=False, include_input=False)
    ]


def print_json(answer: Any) -> None:
    """One JSON document on standard output, as it is: no colours, no wrapping."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2, default=str) + "\n")


def show(table: Table, whole: bool = False) -> None:
    """A table as wide as the terminal; as wide as its content where that must not be cut, or nobody watches."""
    if not whole and out.is_terminal:
        out.print(table)
        return
    width = table.__rich_measure__(out, out.options.update(max_width=MOST_COLUMNS)).maximum
    Console(highlight=False, width=max(width, 1)).print(table)


def progress() -> Progress:
    """A bar for long work that counts things; silent where standard error is not a terminal."""
    return _progress(MofNCompleteColumn())


def byte_progress() -> Progress:
    """A bar for reading a file."""
    return _progress(DownloadColumn())


def _progress(amount: ProgressColumn) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    return Progress(*columns, console=err, disable=not err.is_terminal, transient=True)


@contextmanager
def waiting(message: str) -> Iterator[None]:
    """A moving sign while something of unknown length is done; silent where nobody watches."""
    if not err.is_terminal:
        yield
        return
    with err.status(message):
        yield


def run(app: typer.Typer) -> int:
    """Runs one call of the command line; every expected failure becomes one line on standard error."""
    # kafka-python reports each attempt to connect; what matters of it is in our own message.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        app(standalone_mode=True)
    except Stop as ending:
        return _fail(str(ending), ending.code)
    except (Unreachable, Refused, BrokerUnavailable) as failure:
        return _fail(str(failure), FAILED)
    except KafkaError as error:
        return _fail(f"the broker refused: {reason(error)}", FAILED)
    except BrokenPipeError:  # `leadstreams ... | head`
        sys.stderr.close()
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else FAILED
    return 0


def _fail(message: str, code: int) -> int:
    err.print(f"[bold red]error:[/] {message}" if err.is_terminal else f"error: {message}", markup=err.is_terminal)
    return code
