"""Reading a scoring model file: a model is whole and valid, or refused with file, line, path and remedy."""

from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from schemas.fault import ModelFault
from schemas.model import ScoringModel
from streams import model_lists, yaml_file
from streams.scoring.model import Model, compile_model
from streams.shipped import MODELS
from streams.yaml_file import Fault, Location, Parsed

SHIPPED: Final = MODELS
MOST_BYTES: Final = 512 * 1024
"""Of the model's own file; the lists beside it have their own bounds."""
MOST_LISTS: Final = 50


def shipped() -> list[str]:
    """The names of the models that come with the program."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load(name: str, pipeline: str = "leadstreams") -> Model | list[Fault]:
    """The model of a file, or of a shipped model's name, with the lists beside it."""
    path = SHIPPED / f"{name}.yaml" if name in shipped() else Path(name)
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = f"{error.strerror}; a shipped model is one of: {', '.join(shipped())}"
        return [Fault(str(path), 1, "", f"cannot read the model: {what}")]
    return read(raw, str(path), pipeline, path.parent)


def read(raw: bytes, file: str, pipeline: str = "leadstreams", beside: Path | None = None) -> Model | list[Fault]:
    """The model in a file's bytes. Without the directory `beside` which it stands, its lists must stand in it."""
    found = document(raw, file, beside)
    if not isinstance(found, Parsed):
        return found
    try:
        return compile_model(ScoringModel.model_validate(found.tree), pipeline)
    except ValidationError as error:
        return yaml_file.faults(file, found.root, error, _meant)
    except ModelFault as error:
        return [yaml_file.fault_at(file, found.root, error.path, str(error))]


def document(raw: bytes, file: str, beside: Path | None = None) -> Parsed | list[Fault]:
    """A model file's content with the rows of its lists in place of their paths: all that the model depends on."""
    parsed = yaml_file.parse(raw, file, MOST_BYTES)
    if not isinstance(parsed, Parsed):
        return parsed
    stated = parsed.tree.get("lists") if isinstance(parsed.tree, dict) else None
    if not isinstance(stated, dict):
        return parsed
    if len(stated) > MOST_LISTS:
        return [yaml_file.fault_at(file, parsed.root, ("lists",), f"a model has at most {MOST_LISTS} lists")]
    lists: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in stated.items():
        place = yaml_file.fault_at(file, parsed.root, ("lists", str(name)), "")
        if isinstance(value, str) and beside is not None:
            found = model_lists.load(str(name), value, beside, place)
        else:
            found = model_lists.stated(value, str(name), place)
        if isinstance(found, model_lists.Refused):
            faults += found.faults
        else:
            lists[name] = found
    return faults or Parsed(parsed.root, {**parsed.tree, "lists": lists})


def _meant(root: yaml.Node | None, loc: Location) -> bool:
    """Whether an error is about what was written: a pattern that says `visit` is one of visits, else of events."""
    node = root
    for part in loc:
        if isinstance(part, str) and "Pattern" in part:  # pydantic's name of a variant
            return (yaml_file.child(node, "visit")[0] is not None) == ("VisitPattern" in part)
        node = yaml_file.child(node, part)[0] or node
    return True
