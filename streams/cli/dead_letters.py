"""`leadstreams dead-letters`: what was refused, why, and once more."""

import sys
from collections import Counter
from typing import Annotated

import typer
from rich.table import Table

from schemas.dead_letter import Reason
from schemas.instant import rfc3339
from streams import dead_letters
from streams.cli import terminal
from streams.dead_letters import DeadLetter, Selection

Json = Annotated[bool, typer.Option("--json", help="For scripts.")]
Reasons = Annotated[list[str] | None, typer.Option("--reason", help="Only those refused for it; repeatable.")]
Topics = Annotated[list[str] | None, typer.Option("--topic", help="Only those that came from it; repeatable.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="partition:offset, as list prints it.")]

app = typer.Typer(help="Inspect what was refused, and send it again.", no_args_is_help=True)


@app.command("list")
def list_(
    reason: Reasons = None,
    topic: Topics = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    as_json: Json = False,
) -> None:
    """List dead letters, the newest last, and count them by reason. Nothing of their content is shown.

    leadstreams dead-letters list --reason bad_field --topic web-visits
    """
    found = _selected(_selection(None, reason, topic))
    counts = Counter(letter.headers.reason.value if letter.headers else "unknown" for letter in found)
    newest = dead_letters.newest(found, limit)
    if as_json:
        letters = [dead_letters.as_json(letter) for letter in newest]
        terminal.print_json({"count": dict(counts), "letters": letters})
        return
    if not found:
        terminal.out.print("no dead letters")
        return
    table = Table("id", "written", "reason", "detail", "from", "bytes", box=None)
    for letter in newest:
        table.add_row(*_cells(letter))
    terminal.out.print(table)
    total = ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
    terminal.out.print(f"{len(found):,} in all: {total}")


@app.command()
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="partition:offset, as list prints it.")],
    raw: Annotated[bool, typer.Option("--raw", help="The refused bytes alone, as they are.")] = False,
    as_json: Json = False,
) -> None:
    """Show one dead letter with its content, which may be personal data.

    leadstreams dead-letters show 2:17 --raw > refused.json
    """
    found = _selected(_selection([letter_id], None, None))
    if not found:
        terminal.stop(f"no dead letter {letter_id}")
    letter = found[0]
    content = letter.value or b""
    if raw:
        sys.stdout.buffer.write(content)
        return
    answer = {**dead_letters.as_json(letter), "key": _text(letter.key), "value": _text(letter.value)}
    if as_json:
        terminal.print_json(answer)
        return
    for name, value in answer.items():
        terminal.out.print(f"{name:<17} {value}", markup=False, soft_wrap=True)


@app.command()
def retry(
    ids: Ids = None,
    reason: Reasons = None,
    topic: Topics = None,
    everything: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent.")] = False,
    as_json: Json = False,
) -> None:
    """Send refused records again, byte for byte, to the topic and partition that they came from.

    For after the cause is gone: a worker that knows a new type, a corrected model. The dead letters stay; what is
    refused again becomes a new one. An event that was counted already is not counted twice.

        leadstreams dead-letters retry --reason unknown_type --dry-run
    """
    if not (ids or reason or topic or everything):
        terminal.stop("say which: IDs, --reason, --topic or --all", terminal.WRONG_USE)
    settings = terminal.settings()
    found = _selected(_selection(ids, reason, topic))
    if missing := set(ids or ()) - {letter.id for letter in found}:
        terminal.stop(f"no dead letter {', '.join(sorted(missing))}")
    outcome = [] if dry_run else dead_letters.retry(settings, found)
    refused = Counter(result.refused for result in outcome if result.refused)
    sent = len(found) if dry_run else len(outcome) - refused.total()
    if as_json:
        terminal.print_json({"sent": 0 if dry_run else sent, "selected": len(found), "not_sent": dict(refused)})
    else:
        terminal.out.print(f"{sent:,} dead letter{'s' * (sent != 1)} {'would be ' if dry_run else ''}sent again")
        for why, count in refused.most_common():
            terminal.out.print(f"{count:,} not sent: {why}", markup=False)
    if refused:
        terminal.stop(f"{refused.total()} dead letters were not sent again")


def _selection(ids: list[str] | None, reasons: list[str] | None, topics: list[str] | None) -> Selection:
    if unknown := set(reasons or ()) - set(Reason):
        terminal.stop(f"no reason {', '.join(sorted(unknown))}; there are {', '.join(Reason)}", terminal.WRONG_USE)
    return Selection(frozenset(ids or ()), frozenset(reasons or ()), frozenset(topics or ()))


def _selected(selection: Selection) -> list[DeadLetter]:
    with terminal.waiting("reading dead letters"):
        return [letter for letter in dead_letters.read(terminal.settings()) if selection.means(letter)]


def _cells(letter: DeadLetter) -> tuple[str, ...]:
    known = letter.headers
    why = (known.reason.value, known.detail) if known else ("unknown", "")
    source = f"{known.source_topic}:{known.source_partition}:{known.source_offset}" if known else ""
    return letter.id, rfc3339(letter.written), *why, source, f"{len(letter.value or b''):,}"


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "backslashreplace")


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="dead-letters", rich_help_panel="Data")
