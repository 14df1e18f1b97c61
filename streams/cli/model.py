"""`leadstreams model`: is a scoring model valid, and what does it say."""

from typing import Annotated

import typer
from rich.markdown import Markdown

from streams import model_file, model_page
from streams.cli import terminal

Json = Annotated[bool, typer.Option("--json", help="For scripts.")]

app = typer.Typer(help="Check a scoring model, or read it in words.", no_args_is_help=True)


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
        str | None, typer.Argument(help="A model file, or the name of a shipped one; LEADSTREAMS_MODEL without.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print a scoring model in words: points, windows, stages, what sales gets, and what is not in the score.

    leadstreams model show published > model.md
    """
    settings = terminal.settings()
    found = terminal.model(settings, model)
    if as_json:
        terminal.print_json({"id": found.hash, **found.source.model_dump(mode="json")})
        return
    text = model_page.page(found)
    if terminal.out.is_terminal:
        terminal.out.print(Markdown(text))
    else:
        typer.echo(text, nl=False)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="model", rich_help_panel="Set up")
