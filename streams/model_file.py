"""Reading a scoring model file: a model is whole and valid, or refused with file, line, path and remedy."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from pydantic import ValidationError

from schemas.model import ScoringModel
from streams.scoring.model import Model, compile_model

SHIPPED: Final = Path(__file__).parent.parent / "deploy" / "models"
MOST_BYTES: Final = 512 * 1024


class Fault(NamedTuple):
    """One thing that is wrong with a model file."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" + (f": {self.path}" if self.path else "")
        return f"{where}: {self.message}"


def shipped() -> list[str]:
    """The names of the models that come with the program."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load(name: str, pipeline: str = "leadstreams") -> Model | list[Fault]:
    """The model of a file, or of a shipped model's name."""
    path = SHIPPED / f"{name}.yaml" if name in shipped() else Path(name)
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = f"{error.strerror}; a shipped model is one of: {', '.join(shipped())}"
        return [Fault(str(path), 1, "", f"cannot read the model: {what}")]
    return read(raw, str(path), pipeline)


def read(raw: bytes, file: str, pipeline: str = "leadstreams") -> Model | list[Fault]:
    """The model in a file's bytes."""
    if len(raw) > MOST_BYTES:
        return [
            Fault(file, 1, "", f"a model is at most {MOST_BYTES // 1024} KB, this file has {len(raw) // 1024}")
        ]
    try:
        root = yaml.compose(raw, _Plain)
        tree = _Plain(raw).get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "not YAML"
        return [Fault(file, mark.line + 1 if mark else 1, "", problem)]
    except (UnicodeDecodeError, RecursionError):
        return [Fault(file, 1, "", "not YAML in UTF-8 of sensible depth")]
    try:
        return compile_model(ScoringModel.model_validate(tree), pipeline)
    except ValidationError as error:
        found = [_fault(file, root, dict(e)) for e in error.errors() if _meant(root, e["loc"])]
        # Several of one place are the variants of a union: what it could have been.
        return sorted({(f.line, f.path): f for f in reversed(found)}.values(), key=lambda f: (f.line, f.path))


class _Plain(yaml.SafeLoader):
    """YAML without its traps: no anchors to multiply a file with, no key given twice."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not taken", event.start_mark)  # type: ignore[arg-type]
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            if key.value in seen:
                problem = f"the word {key.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# YAML 1.2's booleans only: `NO` is a country and `on` a word.
_Plain.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Plain.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _fault(file: str, root: yaml.Node | None, error: dict[str, Any]) -> Fault:
    """A validation error at the place in the file that it is about."""
    line = root.start_mark.line + 1 if root is not None else 1
    node = root
    path = ""
    for part in error["loc"]:
        child, mark = _child(node, part)
        if child is None:
            if isinstance(part, int) or error["type"] in ("extra_forbidden", "missing"):
                path += f".{part}" if path else str(part)
            continue  # a variant of a union, which the file does not name
        node, line = child, mark
        path += f"[{part}]" if isinstance(part, int) else (f".{part}" if path else str(part))
    return Fault(file, line, path, _message(error))


def _meant(root: yaml.Node | None, loc: tuple[int | str, ...]) -> bool:
    """Whether an error is about what was written: a pattern that says `visit` is one of visits, else of events."""
    node = root
    for part in loc:
        if part in ("EventPattern", "VisitPattern"):
            return (_child(node, "visit")[0] is not None) == (part == "VisitPattern")
        node = _child(node, part)[0] or node
    return True


def _child(node: yaml.Node | None, part: object) -> tuple[yaml.Node | None, int]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark.line + 1
    return None, 0


def _message(error: dict[str, Any]) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "unknown word: check its spelling, or remove it"
        case "missing":
            return "is missing"
        case "value_error":
            return str(error["ctx"]["error"])
    found = error["input"]
    shown = f", found {found!r}" if isinstance(found, str | int | float | bool) or found is None else ""
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}{shown}"
