"""`leadstreams model`: is a scoring model valid, what does it say, and putting it in force."""

import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markdown import Markdown
from rich.table import Table

from schemas.model import Language
from streams import model_file, model_page
from streams.cli import suggest, terminal
from streams.scoring.model import Model
from streams.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="For scripts.")]

app = typer.Typer(help="Check a scoring model, read it in words, put it in force.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="A model file, or the name of a shipped model.")],
    as_json: Json = False,
) -> None:
    """Check a scoring model: every fault with its file, line and remedy. Exit code 1 if there is one.

    leadstreams model check deploy/models/published.yaml
    """
    found = model_file.load(file, terminal.settings().pipeline)
    faults = found if isinstance(found, list) else []
    if as_json:
        identity = None if isinstance(found, list) else found.hash
        terminal.print_json({"model": identity, "faults": [fault._asdict() for fault in faults]})
    elif not isinstance(found, list):
        source = found.source
        terminal.out.print(f"{file} is valid: {source.name} {source.version}, {found.hash}", soft_wrap=True)
    else:
        for fault in faults:
            terminal.out.print(str(fault), markup=False, soft_wrap=True)
    if faults:
        terminal.stop(f"{file} has {len(faults)} fault{'s' * (len(faults) > 1)}: it would not run")


@app.command()
def show(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A model file, the name of a shipped model, or the hash or name of a published one;"
            " LEADSTREAMS_MODEL without."
        ),
    ] = None,
    language: Annotated[
        Language | None, typer.Option("--language", help="en or ja; the model's own without.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print a scoring model in words: points, windows, stages, what sales gets, and what is not in the score.

    leadstreams model show published > model.md

    leadstreams model show 208bc945
    """
    settings = terminal.settings()
    found = _found(settings, model)
    if as_json:
        terminal.print_json({"id": found.hash, **found.source.model_dump(mode="json")})
        return
    text = model_page.page(found, int(time.time() * 1000), language)
    if terminal.out.is_terminal:
        terminal.out.print(Markdown(text))
    else:
        typer.echo(text, nl=False)


def _found(settings: Settings, name: str | None) -> Model:
    """A file's or shipped model; what is neither is looked for among the published ones."""
    if name is None or name in model_file.shipped() or Path(name).exists() or not _may_be_published(name):
        return terminal.model(settings, name)
    publication, log = import_module("streams.publication"), import_module("streams.log")
    chosen = publication.choose(log.run(publication.read(settings)), name)
    if chosen is None:
        terminal.stop(
            f"{name} is no file, no shipped model ({', '.join(model_file.shipped())}), and no model was published"
            " under this name or hash: leadstreams model list",
            terminal.WRONG_USE,
        )
    found: Model = log.run(publication.find(settings, chosen.hash))
    return found


def _may_be_published(name: str) -> bool:
    return "/" not in name and not name.endswith((".yaml", ".yml"))


@app.command()
def publish(
    file: Annotated[str, typer.Argument(help="A model file, or the name of a shipped model.")],
    by: Annotated[str | None, typer.Option("--by", help="Who puts it in force; kept in the list.")] = None,
    as_json: Json = False,
) -> None:
    """Check a scoring model and put it in force: every worker judges by it from one point of its log on.

    Nobody moves by that alone: a lead is judged by the new model at its next event, and downwards by time. What a
    model hands over, and whether sales gets it (handoff.mode off, shadow, live), changes with it; no restart. To
    go back, publish the former model again.

        leadstreams model publish deploy/models/mine.yaml --by jane
    """
    settings = terminal.settings()
    model = terminal.model(settings, file)
    publication, log = import_module("streams.publication"), import_module("streams.log")
    with terminal.waiting("publishing"):
        count = log.partitions(settings)
        before = log.run(publication.read(settings)).get(model.hash)
        told = publication.Told(
            datetime.fromtimestamp(int(time.time()), UTC).isoformat().replace("+00:00", "Z"), by
        )
        made = publication.records(model, before, told)
        publication.check(settings, made)
        log.run(publication.publish(settings, count, model.hash, made))
    source = model.source
    if as_json:
        size = len(made.activation)
        terminal.print_json(
            {
                "model": model.hash,
                "name": source.name,
                "version": source.version,
                "partitions": count,
                "bytes": size,
            }
        )
        return
    terminal.out.print(
        f"published {source.name} {source.version} ({model.hash}) to {count} partition{'s' * (count > 1)},"
        f" handoffs {source.handoff.mode}",
        soft_wrap=True,
    )


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models that were ever published, the newest first, and where each is in force.

    leadstreams model list
    """
    settings = terminal.settings()
    publication, log = import_module("streams.publication"), import_module("streams.log")
    with terminal.waiting("reading the models"):
        published = log.run(publication.read(settings))
        in_force = log.run(publication.in_force(settings))
    where: dict[str, list[int]] = {}
    for number, name in in_force.items():
        where.setdefault(name, []).append(number)
    rows = [_row(name, published.get(name), where.get(name, [])) for name in _names(list(published), list(where))]
    if as_json:
        terminal.print_json(rows)
    elif not rows:
        terminal.out.print("no model was published, and no worker has begun")
    else:
        _show_list(rows, len(in_force))


def _names(published: list[str], in_force: list[str]) -> list[str]:
    """Newest first; the models that workers began with were never published."""
    return [*reversed(published), *(name for name in in_force if name not in published)]


def _row(name: str, published: Any, partitions: list[int]) -> dict[str, Any]:
    return {
        "hash": name,
        "name": published.name if published else None,
        "version": published.version if published else None,
        "published": [{"at": told.at, "by": told.by} for told in published.published] if published else [],
        "in_force": sorted(partitions),
    }


def _show_list(rows: list[dict[str, Any]], partitions: int) -> None:
    table = Table("model", "version", "hash", "published", "by", "in force", box=None, pad_edge=False)
    for row in rows:
        newest = row["published"][-1] if row["published"] else {"at": "the first, by the setting", "by": None}
        share = len(row["in_force"])
        force = "" if not share else "yes" if share == partitions else f"{share} of {partitions} partitions"
        cells = row["name"] or "", row["version"] or "", row["hash"], newest["at"], newest["by"] or "", force
        table.add_row(*cells)
    terminal.show(table, whole=True)


def register(parent: typer.Typer) -> None:
    suggest.register(app)
    parent.add_typer(app, name="model", rich_help_panel="Set up")
