"""The whole contract as one AsyncAPI 3.0 document: which topic carries which messages, and who sends them."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from schemas.event import FEEDBACK_TYPES, MODELS, RETRACTION
from schemas.handoff import CONTENT_TYPE, Handoff, LeadUpdate
from schemas.json_schema import Terse, dead_letter_headers
from schemas.transition import Transition
from streams import topics

Document = dict[str, Any]

VERSION: Final = "1.0.0"
"""Of the contract: a new field or type raises the second number, anything that breaks a reader the first."""

_WEB = ("page_viewed", "content_downloaded", "link_clicked", "custom")


def home(event_type: str) -> str:
    """The topic where an event type is at home. Activities are taken from each of the four activity topics."""
    if event_type in FEEDBACK_TYPES:
        return topics.SALES_FEEDBACK
    if event_type in _WEB:
        return topics.WEB_VISITS
    if event_type.startswith("email_"):
        return topics.EMAIL_ENGAGEMENT
    return topics.FORM_SUBMISSIONS if event_type == "form_submitted" else topics.LEAD_ACTIVITIES


def carried(topic: str) -> list[str]:
    """The event types that are at home on an input topic; a retraction travels on any."""
    return sorted(kind for kind in MODELS if kind == RETRACTION or home(kind) == topic)


def _message(model: type[BaseModel], name: str, content_type: str) -> Document:
    return {
        "name": name,
        "summary": (model.__doc__ or "").strip().splitlines()[0],
        "contentType": content_type,
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _messages() -> Document:
    outputs = {
        "lead-transition": _message(Transition, "lead-transition", "application/json"),
        "lead-sql": _message(Handoff, "com.leadstreams.lead.sql.v1", CONTENT_TYPE),
        "lead-update": _message(LeadUpdate, "com.leadstreams.lead.update.v1", CONTENT_TYPE),
        "dead-letter": {
            "name": "dead-letter",
            "summary": "A refused record: its value byte for byte, and why in the headers.",
            "contentType": "application/octet-stream",
            "headers": {"$ref": "#/components/schemas/DeadLetterHeaders"},
            "payload": {},
        },
    }
    events = {kind: _message(model, kind, "application/json") for kind, model in sorted(MODELS.items())}
    key = {"type": "string", "description": "the lead key; of a dead letter the refused record's"}
    return {name: message | {"bindings": {"kafka": {"key": key}}} for name, message in (events | outputs).items()}


_OUTPUTS: Final = {
    topics.LEAD_TRANSITIONS: ["lead-transition"],
    topics.LEAD_TRANSITIONS_SHADOW: ["lead-transition"],
    topics.SALES_HANDOFFS: ["lead-sql", "lead-update"],
    topics.SALES_HANDOFFS_SHADOW: ["lead-sql"],
    topics.DEAD_LETTERS: ["dead-letter"],
}


def _carries() -> dict[str, list[str]]:
    return {topic: carried(topic) for topic in topics.INPUTS} | _OUTPUTS


def _channels() -> Document:
    description = {topic.name: topic.carries for topic in (*topics.ALL, *topics.SHADOW)}
    return {
        topic: {
            "address": topic,
            "description": description[topic],
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        }
        for topic, names in _carries().items()
    }


def _operations() -> Document:
    return {
        f"{action}-{topic}": {
            "action": action,
            "channel": {"$ref": f"#/channels/{topic}"},
            "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in names],
        }
        for topic, names in _carries().items()
        for action in ("receive" if topic in topics.INPUTS else "send",)
    }


def _schemas() -> Document:
    models: list[type[BaseModel]] = [*MODELS.values(), Transition, Handoff, LeadUpdate]
    _, found = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
        schema_generator=Terse,
    )
    headers = {name: value for name, value in dead_letter_headers().items() if not name.startswith("$")}
    return dict(sorted({**found["$defs"], "DeadLetterHeaders": headers}.items()))


def document() -> Document:
    """The document, as it is exported."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "leadstreams",
            "version": VERSION,
            "description": "Events about leads in, changes of stage and handoffs to sales out.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": _schemas()},
    }
