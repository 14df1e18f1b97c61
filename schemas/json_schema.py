"""The models as JSON Schema files: for editors, registries, and producers in other languages."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from schemas.dead_letter import Headers, Reason
from schemas.event import MODELS
from schemas.handoff import Handoff, LeadUpdate
from schemas.model import ScoringModel
from schemas.transition import Transition

Schema = dict[str, Any]

OUTPUTS: Final[dict[str, type[BaseModel]]] = {
    "transition": Transition,
    "handoff": Handoff,
    "lead-update": LeadUpdate,
}


class Terse(GenerateJsonSchema):
    """Without the titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: the name says it."""
        return False

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        """`type: [string, null]` where the type is plain; shorter to read than `anyOf`."""
        whole = super().nullable_schema(schema)
        plain, *others = whole.get("anyOf", [{}])
        if (
            others != [{"type": "null"}]
            or not isinstance(plain.get("type"), str)
            or "enum" in plain
            or "const" in plain
        ):
            return whole
        return {**plain, "type": [plain["type"], "null"]}


def schema_of(model: type[BaseModel], name: str) -> Schema:
    """One model's schema with its own identity."""
    schema = model.model_json_schema(schema_generator=Terse)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:leadstreams:schema:{name}:v1",
        **schema,
    }


def dead_letter_headers() -> Schema:
    """The headers of a dead letter; on the wire each value is UTF-8 text."""
    properties: Schema = {name.replace("_", "-"): {"type": "string"} for name in Headers._fields}
    properties["reason"] = {"type": "string", "enum": [reason.value for reason in Reason]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:leadstreams:schema:dead-letter-headers:v1",
        "title": "Headers of a dead letter",
        "description": "The value is the refused record's, byte for byte; so is the key.",
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
    }


def schemas() -> dict[str, Schema]:
    """Every schema by its file name below schemas/json, without the suffix."""
    events = {f"events/{kind}": schema_of(model, f"event:{kind}") for kind, model in sorted(MODELS.items())}
    outputs = {name: schema_of(model, name) for name, model in OUTPUTS.items()}
    model = {"scoring-model": schema_of(ScoringModel, "scoring-model")}
    return events | outputs | model | {"dead-letter-headers": dead_letter_headers()}
