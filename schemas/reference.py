"""The tables of docs/contract.md, made from the models so that they cannot lag behind."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from schemas.asyncapi import carried
from schemas.attribute import Attributes
from schemas.dead_letter import Headers, Reason
from schemas.envelope import Envelope
from schemas.event import MODELS
from schemas.feedback import Feedback
from schemas.handoff import HandoffData, UpdateData
from schemas.json_schema import Terse
from schemas.transition import Transition
from streams import topics


def filled(text: str) -> str:
    """The document with each table between its two markers made anew."""
    for name, rows in _tables().items():
        table = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", text, re.DOTALL)
        if table is None:
            raise ValueError(f"expected a pair of markers for the table {name!r}")
        text = text[: table.start(1)] + rows + text[table.end(1) :]
    return text


def _tables() -> dict[str, str]:
    return {
        "topics": _table(("topic", "event types"), _topic_rows()),
        "events": _table(("type", "means", "own fields"), _event_rows()),
        "envelope": _fields(Envelope),
        "attributes": _fields(Attributes),
        "feedback": _fields(Feedback, Envelope),
        "transition": _fields(Transition),
        "handoff": _fields(HandoffData),
        "update": _fields(UpdateData),
        "reasons": _table(("reason",), ((f"`{reason}`",) for reason in Reason)),
        "headers": _table(("header",), ((f"`{name.replace('_', '-')}`",) for name in Headers._fields)),
    }


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _topic_rows() -> Iterable[tuple[str, str]]:
    for topic in topics.INPUTS:
        yield f"`{topic}`", ", ".join(f"`{kind}`" for kind in carried(topic))


def _event_rows() -> Iterable[tuple[str, str, str]]:
    shared = {*Envelope.model_fields, *Attributes.model_fields, *Feedback.model_fields}
    for kind, model in MODELS.items():
        own = [f"`{name}`" for name in model.model_fields if name not in shared or _redeclared(model, name)]
        groups = [word for base, word in _GROUPS.items() if issubclass(model, base)]
        means = " ".join((model.__doc__ or "").split())
        yield f"`{kind}`", means, ", ".join([*own, *groups])


_GROUPS: dict[type[BaseModel], str] = {Attributes: "the attributes", Feedback: "the feedback fields"}


def _redeclared(model: type[BaseModel], name: str) -> bool:
    """Whether a model of its own takes a field that others share; `type` is every model's own."""
    return name != "type" and name in model.__annotations__


def _fields(model: type[BaseModel], base: type[BaseModel] | None = None) -> str:
    known = base.model_fields if base else {}
    schema = model.model_json_schema(schema_generator=Terse)["properties"]
    rows = (
        (f"`{name}`", _kind(schema[name]), field.description or "")
        for name, field in model.model_fields.items()
        if name not in known
    )
    return _table(("field", "kind", "note"), rows)


def _kind(schema: dict[str, Any]) -> str:
    match schema:
        case {"x-read-as": str(word)}:
            return word
        case {"anyOf": [*options]}:
            return " or ".join(_kind(option) for option in options)
        case {"enum": [*values]}:
            return ", ".join(f"`{value}`" for value in values)
        case {"const": value}:
            return f"`{value}`"
        case {"format": "date-time", "type": kind}:
            return "time" + (" or null" if isinstance(kind, list) else "")
        case {"type": [str() as kind, "null"]}:
            return f"{_WORDS[kind]} or null"
        case {"type": str() as kind}:
            return _WORDS[kind]
    return "any" if "$ref" not in schema else "object"


_WORDS = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
    "null": "null",
}
