"""A model with other thresholds or points: what may be moved, the model that comes of it, and it as a file."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import yaml
from pydantic import ValidationError

from schemas.fault import ModelFault
from schemas.model import ScoringModel
from schemas.part import CANONICAL
from streams import model_file
from streams.scoring.instant import span
from streams.scoring.model import Model, canonical, compile_model
from streams.settings import Settings
from streams.yaml_file import Parsed

THRESHOLDS: Final = {
    ("mql", "enter"): "MQL from",
    ("mql", "leave"): "MQL until",
    ("mql", "behaviour"): "MQL from, of behaviour",
    ("sql", "enter"): "SQL from",
}
SPAN: Final = "ms"
UNITS: Final = {"expected a duration": SPAN, "expected business hours": "bh", "expected business days": "bd"}
"""What the schema says of a number that a file writes with its unit."""
MOST_ROUNDS: Final = 20
MOST_POINTS: Final = 1_000.0
MARK: Final = "changed"
"""Added to the version of a model that was changed here."""


class Part(NamedTuple):
    """A number that may be moved. `name`: `stages.mql.enter`, `rules.V1`."""

    name: str
    words: str
    now: float


class Changed(NamedTuple):
    """A model by its canonical form, as any process can load it."""

    content: bytes
    pipeline: str

    def load(self) -> Model:
        """The model, which was checked before."""
        return compile_model(ScoringModel.model_validate_json(self.content, context=CANONICAL), self.pipeline)


def parts(model: Model) -> list[Part]:
    """What may be moved: the thresholds, and the points of each rule."""
    stages: dict[str, Any] = {"mql": model.source.stages.mql, "sql": model.source.stages.sql}
    found = [
        Part(f"stages.{stage}.{name}", words, float(value))
        for (stage, name), words in THRESHOLDS.items()
        if (value := getattr(stages[stage], name)) is not None
    ]
    language = model.source.language
    return found + [Part(f"rules.{rule.id}", rule.words[language], rule.points) for rule in model.rules]


def asked(model: Model, given: Mapping[str, str]) -> dict[str, float] | str:
    """The numbers that differ from the model's, or one line that says what is wrong."""
    wanted: dict[str, float] = {}
    for part in parts(model):
        text = given.get(part.name, "").strip()
        if not text:
            continue
        try:
            number = float(text)
        except ValueError:
            return f"{part.words}: {text[:20]!r} is no number"
        if not abs(number) <= MOST_POINTS:
            return f"{part.words}: -{MOST_POINTS:g} to {MOST_POINTS:g}"
        if number != part.now:
            wanted[part.name] = number
    return wanted


def changed(model: Model, wanted: Mapping[str, float]) -> Changed | str:
    """The model with these numbers, or one line that says why it is none."""
    document = msgspec.json.decode(canonical(model.source))
    _apply(document, wanted)
    found = Changed(msgspec.json.encode(document, order="deterministic"), model.pipeline)
    try:
        found.load()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"
    except ModelFault as error:
        return f"{'.'.join(map(str, error.path))}: {error}"
    return found


def of(model: Model) -> Changed:
    """The model as it is, in the same form."""
    return Changed(canonical(model.source), model.pipeline)


def as_file(settings: Settings, model: Model, wanted: Mapping[str, float]) -> str:
    """The changed model as YAML that holds its lists, for `model check` and `publish`."""
    tree = _written(settings, model)
    _apply(tree, wanted)
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False, width=115)


def _apply(document: dict[str, Any], wanted: Mapping[str, float]) -> None:
    """Put the numbers into a model's document, in either form."""
    by_id = {rule["id"]: rule for rule in document["rules"]}
    for name, number in wanted.items():
        value = int(number) if number == int(number) else number
        kind, _, rest = name.partition(".")
        if kind == "rules":
            by_id[rest]["points"] = value
        else:
            stage, _, field = rest.partition(".")
            document["stages"][stage][field] = value
    document["version"] = f"{document['version']}-{MARK}"


def _written(settings: Settings, model: Model) -> dict[str, Any]:
    """The model as people write it: its own file's content, else the canonical form with its spans in words."""
    own = model_file.load(settings.model, settings.pipeline)
    if isinstance(own, Model) and own.hash == model.hash:
        named = settings.model in model_file.shipped()
        path = model_file.SHIPPED / f"{settings.model}.yaml" if named else Path(settings.model)
        found = model_file.document(path.read_bytes(), str(path), path.parent)
        if isinstance(found, Parsed):
            return copy.deepcopy(found.tree)
    return _with_spans(msgspec.json.decode(canonical(model.source)))


def _with_spans(document: dict[str, Any]) -> dict[str, Any]:
    """A canonical form's spans, which are milliseconds, as a file says them: `30d`."""
    for _ in range(MOST_ROUNDS):
        try:
            ScoringModel.model_validate(document)
        except ValidationError as error:
            faults = [(one["loc"], unit) for one in error.errors(include_url=False) if (unit := _unit(one["msg"]))]
            if not faults:
                break
            for place, unit in faults:
                _spell(document, place, unit)
        else:
            break
    return document


def _unit(message: str) -> str | None:
    """What a number should have been, by what the schema says of it."""
    return next((unit for said, unit in UNITS.items() if said in message), None)


def _spell(document: Any, place: tuple[int | str, ...], unit: str) -> None:
    node = document
    *way, last = [step for step in place if not (isinstance(step, str) and "Pattern" in step)]
    for step in way:
        node = node[step]
    if isinstance(node[last], int | float):
        node[last] = span(int(node[last])) if unit == SPAN else f"{node[last]:g}{unit}"
