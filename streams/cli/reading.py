"""What the commands of analysis share: whose keys a file gets, and how far the reading is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from streams.cli import terminal

Started = Callable[[str, int], None]
Advance = Callable[[int], None]


def secret(settings: Any, file: Path | None) -> Any:
    """The identity secret; without one a file's keys are the demo's, since they stay in this process."""
    found = settings.require_secret()
    if not isinstance(found, str):
        return found
    if file is None:
        terminal.stop(found, terminal.WRONG_USE)
    keys = import_module("streams.identity.keys")
    return keys.Secret(import_module("streams.settings").DEMO_SECRET.encode(), settings.key_id)


@contextmanager
def followed(file: Path | None) -> Iterator[tuple[Started, Advance]]:
    """A bar, told what begins and how far it is; a file that cannot be read ends the call in one line."""
    with terminal.progress() as progress:
        bar = progress.add_task("reading", total=None)

        def started(what: str, total: int) -> None:
            progress.update(bar, description=what, total=total or None, completed=0)

        try:
            yield started, lambda count: progress.advance(bar, count)
        except (OSError, EOFError) as error:
            terminal.stop(f"cannot read {file}: {getattr(error, 'strerror', None) or error}")
