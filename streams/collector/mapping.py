"""The mapping file: which track names become which events, and which properties become which fields."""

from collections.abc import Iterable
from collections.abc import Mapping as Mapped
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.envelope import Envelope
from schemas.event import FEEDBACK_TYPES
from streams import shipped, topics

Scalar = str | int | float | bool

EventType = Literal[
    "page_viewed",
    "content_downloaded",
    "link_clicked",
    "form_submitted",
    "email_delivered",
    "email_opened",
    "email_clicked",
    "email_bounced",
    "email_subscribed",
    "email_unsubscribed",
    "email_complained",
    "webinar_registered",
    "webinar_attended",
    "event_attended",
    "social_engaged",
    "sales_contacted",
]
"""What a track name may become. Feedback from sales never comes from a tracker."""

TOPIC_OF = {
    **dict.fromkeys(("page_viewed", "content_downloaded", "link_clicked", "custom"), topics.WEB_VISITS),
    **{kind: topics.EMAIL_ENGAGEMENT for kind in get_args(EventType) if kind.startswith("email_")},
    "form_submitted": topics.FORM_SUBMISSIONS,
    **dict.fromkeys(FEEDBACK_TYPES, topics.SALES_FEEDBACK),
}
"""The topic of each event type; the others belong to `lead-activities`."""

DEFAULT_FILE = shipped.COLLECTOR / "mapping.yaml"

_ENVELOPE = frozenset(Envelope.model_fields) - {"url", "title", "referrer", "session_id"} | {"properties"}
"""Fields that the collector alone decides: a mapping cannot write them."""

_LONGEST_NAME = 200  # characters


def topic_of(event_type: str) -> str:
    """The topic that carries the type."""
    return TOPIC_OF.get(event_type, topics.LEAD_ACTIVITIES)


def plain(name: str) -> str:
    """A name as it is compared: without case, spaces and punctuation."""
    return _plain(name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME])


@lru_cache(maxsize=8192)
def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


class Fields:
    """Finds fields in properties whose names are one of several; the first listed wins."""

    def __init__(self, sources: Mapped[str, Iterable[str]]) -> None:
        self._found: dict[str, tuple[str, int]] = {}
        for field, names in sources.items():
            for order, name in enumerate(names):
                self._found.setdefault(plain(name), (field, order))

    def pick(self, properties: Mapped[str, object]) -> tuple[dict[str, object], dict[str, object]]:
        """The fields that were found, by name, and the properties that are left over."""
        fields: dict[str, object] = {}
        left: dict[str, object] = {}
        chosen: dict[str, tuple[int, str]] = {}
        for name, value in properties.items():
            hit = self._found.get(plain(name))
            if value is None or value == "":
                continue
            if hit is None:
                left[name] = value
                continue
            field, order = hit
            earlier = chosen.get(field)
            if earlier is not None:
                if earlier[0] <= order:
                    left[name] = value
                    continue
                left[earlier[1]] = fields[field]
            chosen[field] = (order, name)
            fields[field] = value
        return fields, left


@dataclass(frozen=True)
class Rule:
    """What one track name becomes."""

    type: str
    fixed: dict[str, object]
    fields: Fields


@dataclass(frozen=True)
class Mapping:
    """A checked mapping file."""

    types: Mapped[str, Fields]
    track: Mapped[str, Rule]
    attributes: Fields


class _Track(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: EventType
    set: dict[str, Scalar] = {}
    fields: dict[str, list[str]] = {}


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    types: dict[EventType, dict[str, list[str]]] = {}
    track: dict[str, _Track] = {}
    attributes: dict[str, list[str]] = {}


def load_mapping(path: Path = DEFAULT_FILE) -> Mapping | str:
    """The mapping, or one line that says what is wrong with the file."""
    try:
        found = yaml.safe_load(path.read_text())
        parsed = _File.model_validate({} if found is None else found)
    except OSError as error:
        return f"cannot read the mapping {path}: {error.strerror}"
    except yaml.YAMLError as error:
        return f"the mapping {path} is not YAML: {' '.join(str(error).split())}"
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return f"the mapping {path}: {'.'.join(str(part) for part in first['loc']) or 'file'}: {first['msg']}"
    reserved = _reserved(parsed)
    return f"the mapping {path}: {reserved} is decided by the collector" if reserved else _compiled(parsed)


def _reserved(parsed: _File) -> str | None:
    named = [f"types.{kind}.{field}" for kind, fields in parsed.types.items() for field in fields]
    named += [f"attributes.{field}" for field in parsed.attributes]
    named += [
        f"track.{name}.{field}" for name, rule in parsed.track.items() for field in (*rule.set, *rule.fields)
    ]
    return next((path for path in named if path.rpartition(".")[2] in _ENVELOPE), None)


def _compiled(parsed: _File) -> Mapping:
    track = {}
    for name, rule in parsed.track.items():
        common = parsed.types.get(rule.type, {})
        sources = {
            field: [*rule.fields.get(field, []), *common.get(field, [])] for field in {**common, **rule.fields}
        }
        track[plain(name)] = Rule(rule.type, {**rule.set}, Fields(sources))
    types = {kind: Fields(parsed.types.get(kind, {})) for kind in get_args(EventType)}
    return Mapping(types, track, Fields(parsed.attributes))
