"""Reading a YAML file against a schema: it is whole and valid, or refused with file, line, path and remedy."""

import re
from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.fault import ModelFault
from schemas.part import PATTERNS

T = TypeVar("T")


class Fault(NamedTuple):
    """One thing that is wrong with a file."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" + (f": {self.path}" if self.path else "")
        return f"{where}: {self.message}"


Location = tuple[int | str, ...]
Meant = Callable[[yaml.Node | None, Location], bool]


def read(
    raw: bytes, file: str, schema: type[BaseModel] | TypeAdapter[Any], most_bytes: int, meant: Meant | None = None
) -> Any | list[Fault]:
    """What the schema makes of a file's bytes. `meant` drops errors of a union's variants that are not written."""
    parsed = parse(raw, file, most_bytes)
    if not isinstance(parsed, Parsed):
        return parsed
    try:
        if isinstance(schema, TypeAdapter):
            return schema.validate_python(parsed.tree)
        return schema.model_validate(parsed.tree)
    except ValidationError as error:
        return faults(file, parsed.root, error, meant)


class Parsed(NamedTuple):
    """A file's content, and the nodes that know the lines it stands on."""

    root: yaml.Node | None
    tree: Any


def parse(raw: bytes, file: str, most_bytes: int) -> Parsed | list[Fault]:
    """The content of a file's bytes."""
    if len(raw) > most_bytes:
        return [Fault(file, 1, "", f"at most {most_bytes // 1024} KB, this file has {len(raw) // 1024}")]
    try:
        return Parsed(yaml.compose(raw, Plain), Plain(raw).get_single_data())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return [Fault(file, mark.line + 1 if mark else 1, "", _problem(error))]
    except (UnicodeDecodeError, RecursionError):
        return [Fault(file, 1, "", "not YAML in UTF-8 of sensible depth")]


def _problem(error: yaml.YAMLError) -> str:
    """What is wrong with YAML: what was read, if that is known, and what was met there."""
    said = [getattr(error, name, None) for name in ("context", "problem")]
    return ": ".join(filter(None, said)) or "not YAML in UTF-8"


def faults(file: str, root: yaml.Node | None, error: ValidationError, meant: Meant | None = None) -> list[Fault]:
    """Validation errors as places in the file, one per place."""
    kept = [dict(e) for e in error.errors() if meant is None or meant(root, e["loc"])]
    found = [_fault(file, root, e) for e in kept]
    # Several of one place are the variants of a union: what it could have been.
    return sorted({(f.line, f.path): f for f in reversed(found)}.values(), key=lambda f: (f.line, f.path))


class Plain(yaml.SafeLoader):
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


# Truth values and numbers as in YAML 1.2: `NO` is a country, `on` a word, `18:00` a time of day, `010` no eight;
# dates stay text, so that every reader of them says what it expects.
_PLAIN: Final = {
    "bool": (r"^(?:true|false)$", "tf"),
    "int": (r"^[-+]?(?:0|[1-9][0-9_]*)$", "-+0123456789"),
    "float": (r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+|\.(?:inf|nan))$", "-+.0123456789"),
}
_TAG: Final = "tag:yaml.org,2002:"
_NOT_PLAIN: Final = frozenset({*_PLAIN, "timestamp", "merge"})
Plain.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag.removeprefix(_TAG) not in _NOT_PLAIN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, (_pattern, _first) in _PLAIN.items():
    Plain.add_implicit_resolver(_TAG + _name, re.compile(_pattern), list(_first))


def child(node: yaml.Node | None, part: object) -> tuple[yaml.Node | None, int]:
    """What stands in a node under a word or number, and its line; (None, 0) if nothing does."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark.line + 1
    return None, 0


def fault_at(file: str, root: yaml.Node | None, loc: Location, message: str, missing: bool = False) -> Fault:
    """A fault at the place that a path leads to. Steps that the file does not have are left out of the path,
    unless they are what is `missing`."""
    line = root.start_mark.line + 1 if root is not None else 1
    node = root
    path = ""
    for step, part in enumerate(loc, 1):
        found, mark = child(node, part)
        if found is None:
            if isinstance(part, int) or (missing and step == len(loc)):
                path += f".{part}" if path else str(part)
            continue  # a variant of a union, which the file does not name
        node, line = found, mark
        path += f"[{part}]" if isinstance(part, int) else (f".{part}" if path else str(part))
    return Fault(file, line, path, message)


def _fault(file: str, root: yaml.Node | None, error: dict[str, Any]) -> Fault:
    """A validation error at the place in the file that it is about."""
    found = error.get("ctx", {}).get("error")
    loc = error["loc"] + (found.path if isinstance(found, ModelFault) else ())
    missing = error["type"] in ("extra_forbidden", "missing")
    return fault_at(file, root, loc, _message(error), missing)


_UNKNOWN_WORD: Final = "unknown word: check its spelling, or remove it"


def _message(error: dict[str, Any]) -> str:
    match error["type"]:
        case "extra_forbidden":
            return _UNKNOWN_WORD
        case "missing":
            return "is missing"
        case "value_error":
            return str(error["ctx"]["error"])
        case "too_short":
            return "expected at least one"
        case "string_pattern_mismatch" if error["ctx"]["pattern"] in PATTERNS:
            return f"expected {PATTERNS[error['ctx']['pattern']]}, found {error['input']!r}"
        case "string_type" if isinstance(error["input"], int | float):
            return f"expected text: write it in quotes, found {error['input']!r}"
    found = error["input"]
    shown = f", found {found!r}" if isinstance(found, str | int | float | bool) or found is None else ""
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}{shown}"
