"""`leadstreams lead`: one person, whole: what is held about somebody, and its erasure."""

import sys
import time
from importlib import import_module
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.table import Table

from schemas.instant import rfc3339
from streams.cli import terminal

Who = Annotated[
    str, typer.Argument(metavar="KEY", help="A lead key, an email address, a user id or an anonymous id.")
]
Json = Annotated[bool, typer.Option("--json", help="The whole answer for scripts.")]

app = typer.Typer(help="One person, whole: privacy requests.", no_args_is_help=True)

UNTOUCHED: Final = (
    "Events that were sent in stay in the input topics until their retention ends, copies of the score table until"
    " Kafka compacts it."
)


@app.command()
def export(lead: Who, as_json: Json = False) -> None:
    """Everything that is held about one person, through every store.

    The live record, identities, history and ledger; every record that names the person in the inputs,
    transitions, handoffs, updates and dead letters; and how each connector's receiver calls the person. With
    --json the data itself, to hand over; without, what there is of it. It reads all topics, which takes a while.

        leadstreams lead export jane@example.com --json > jane.json
    """
    settings, secret = _settings()
    person = _person(settings, secret, lead)
    document = _collected(settings, secret, person)
    if as_json:
        terminal.print_json(document)
        return
    _show_export(document)


@app.command()
def erase(
    lead: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for stores and connectors.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Erase one person from every store, and from whatever the connectors have filled.

    Issues the erasure, waits until the record and its aliases are gone and sales, nurture and each connector
    have been told, and says what is lacking. Events up to now are denied from here on; later ones start a new
    lead. Asked again, it looks at the erasure that was asked before. Exit code 1: something is not through yet.

        leadstreams lead export jane@example.com --json > jane.json

        leadstreams lead erase jane@example.com
    """
    settings, secret = _settings()
    person = _person(settings, secret, lead)
    named = import_module("streams.privacy.person").identity(person, lead.strip(), secret)
    if named is None and not person.gone:
        terminal.stop(
            f"{person.key} does not tell who it is: name the address, the user id or the anonymous id instead",
            terminal.WRONG_USE,
        )
    if not person.gone:
        _confirm(person, yes)
    _carry_out(settings, person, named, timeout, as_json)


def _settings() -> tuple[Any, Any]:
    settings = terminal.settings()
    secret = settings.require_secret()
    if isinstance(secret, str):
        terminal.stop(secret, terminal.WRONG_USE)
    return settings, secret


def _person(settings: Any, secret: Any, text: str) -> Any:
    with terminal.waiting("reading the score table"):
        found = import_module("streams.privacy.person").find(settings, text.strip(), secret)
    if found is None:
        terminal.stop("no such lead: nothing is held in the score table under this name")
    return found


# --- export


def _collected(settings: Any, secret: Any, person: Any) -> dict[str, Any]:
    holding, log = import_module("streams.privacy.holding"), import_module("streams.log")
    admin = import_module("streams.admin")
    with admin.connect(settings) as client:
        counts = admin.partition_counts(client, holding.SEARCHED)
        connectors = import_module("streams.privacy.connector").known(client, settings)

    async def search() -> dict[str, Any]:
        async with log.opened(settings) as reader:
            progress.update(bar, total=await holding.length(reader, counts))
            matcher = holding.Matcher(person, secret)
            held: dict[str, Any] = await holding.search(
                reader, counts, matcher, lambda n: progress.advance(bar, n)
            )
            return held

    record = log.run(holding.record_of(settings, person))
    with terminal.progress() as progress:
        bar = progress.add_task("reading all topics", total=None)
        held = log.run(search())
    return {
        "lead_key": person.key,
        "keys": list(person.keys),
        "addresses": list(person.addresses),
        "erased_up_to": rfc3339(person.lead.erased) if person.lead.erased > 0 else None,
        "explanation": _explanation(settings, person),
        "record": record,
        "records_by_topic": held,
        "connectors": _external(person, held, connectors),
        "remains": UNTOUCHED,
    }


def _explanation(settings: Any, person: Any) -> Any:
    model = terminal.model_in_force(settings)
    now = int(time.time() * 1000)
    account = import_module("streams.explanation").explain(person.key, person.lead, model, now, person.key)
    return msgspec.to_builtins(account)


def _external(person: Any, held: dict[str, Any], connectors: Any) -> list[dict[str, Any]]:
    """What each receiver calls the person: the lead key, and the ids of what it was sent."""
    if isinstance(connectors, str):
        return [{"remark": connectors}]
    finds = import_module("streams.privacy.connector").FINDS
    sent = {
        record["value"]["id"] for record in held.get("sales-handoffs", ()) if isinstance(record["value"], dict)
    }
    return [
        {
            "connector": one.name,
            "known_as": finds.get(one.name, "whatever its configuration makes of lead_key {key}").format(
                key=person.key
            ),
            "events": sorted(sent),
        }
        for one in connectors
    ]


def _show_export(document: dict[str, Any]) -> None:
    out = terminal.out
    out.print(f"{document['lead_key']}, known by {len(document['keys'])} keys", soft_wrap=True)
    if document["erased_up_to"]:
        out.print(f"erased up to {document['erased_up_to']}", style="red")
    table = Table("where", "records", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    table.add_row("score table", f"{len(document['record']):,}")
    for topic, records in document["records_by_topic"].items():
        table.add_row(topic, f"{len(records):,}")
    terminal.show(table)
    for one in document["connectors"]:
        said = one.get("remark") or f"connector {one['connector']}: {one['known_as']}"
        out.print(said, markup=False, soft_wrap=True)
    out.print("the data itself: --json", style="dim")


# --- erase


def _confirm(person: Any, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        terminal.stop("erasing cannot be undone: say --yes", terminal.WRONG_USE)
    if not typer.confirm(f"Erase {person.key} ({person.lead.stage.word}) for good?", err=True):
        terminal.stop("nothing was erased")


def _carry_out(settings: Any, person: Any, named: Any, timeout: float, as_json: bool) -> None:
    erasure, log = import_module("streams.privacy.erasure"), import_module("streams.log")
    now = int(time.time() * 1000)
    wanted = erasure.expected(person, terminal.model_in_force(settings).source.handoff.mode == "live")
    ask = None if person.gone else lambda: erasure.issue(settings, person.key, named, now)
    since = person.lead.erased if person.gone else now
    with terminal.waiting("erasing"):
        done = log.run(erasure.carry_out(settings, person, wanted, ask, since, timeout, lambda _: None))
    lacking = wanted.lacks(done)
    document = {
        "lead_key": person.key,
        "erased_up_to": rfc3339(since),
        "asked_now": ask is not None,
        "records_erased": sorted(done.erased),
        "told": [place._asdict() for place in done.told],
        "connectors_through": list(done.through),
        "lacking": lacking,
        "remark": done.remark or None,
        "remains": UNTOUCHED,
    }
    terminal.print_json(document) if as_json else _show_erasure(document)
    if lacking:
        terminal.stop(f"not everything is through: {'; '.join(lacking)}; ask again later")


def _show_erasure(document: dict[str, Any]) -> None:
    out = terminal.out
    out.print(f"{document['lead_key']} is erased up to {document['erased_up_to']}", soft_wrap=True)
    out.print(f"records of the score table  {len(document['records_erased'])} gone")
    told = ", ".join(sorted({place["topic"] for place in document["told"]})) or "nobody had heard of this person"
    out.print(f"told                        {told}")
    for name in document["connectors_through"]:
        out.print(f"connector {name:<17} has delivered it")
    for remark in (document["remark"], document["remains"]):
        if remark:
            out.print(remark, style="dim", markup=False)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="lead", rich_help_panel="Data")
