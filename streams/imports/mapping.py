"""The mapping language: which rows of a CSV file become which events. Its manual is docs/import.md."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from schemas.event import MODELS

Scalar = str | int | float | bool
Converted = Literal["text", "number", "boolean"]

DECIDED_BY_SEND = frozenset({"type", "source", "source_kind", "received_at", "is_machine", "machine_reason"})
"""Fields that a mapping names elsewhere or that say how far the event is trusted."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _one_placeholder(text: str | None) -> str | None:
    if text is not None and text.count("{}") != 1:
        raise ValueError("must hold {} once, for the value")
    return text


def _known_zone(name: str | None) -> str | None:
    try:
        ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("expected a time zone such as Europe/Berlin") from None
    return name


class Source(_Strict):
    """Where one field of an event comes from: a column, a place inside a JSON column, or a constant."""

    column: str | None = None
    json_path: str | None = Field(None, alias="json", min_length=1, description="dotted path in the column's JSON")
    value: Scalar | None = Field(None, description="a constant")
    template: Annotated[str | None, AfterValidator(_one_placeholder)] = None
    convert: Converted | None = Field(None, alias="as")
    time: str | None = Field(None, min_length=1, description="unix_s, unix_ms or a strptime format")
    zone: Annotated[str | None, AfterValidator(_known_zone)] = None

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> Self:
        if (self.column is None) == (self.value is None):
            raise ValueError("expected either column or value")
        if self.json_path is not None and self.column is None:
            raise ValueError("json needs a column")
        return self


def _short_form(given: Any) -> Any:
    return {"column": given} if isinstance(given, str) else given


FieldSource = Annotated[Source, BeforeValidator(_short_form)]
Wanted = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]


class Rule(_Strict):
    """What the rows that fit `when` become: an event of `type`, or nothing, with `skip` as the reason."""

    when: dict[str, Wanted] = {}
    type: str | None = None
    skip: Annotated[str | None, Field(pattern=r"^[a-z0-9_]{1,40}$")] = None
    fields: dict[str, FieldSource] = {}

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if (self.type is None) == (self.skip is None):
            raise ValueError("expected either type or skip")
        if self.type is not None and self.type not in MODELS:
            raise ValueError("type: expected an event type of the contract")
        return self


class Bots(_Strict):
    """Rows of known crawlers are marked as machines, so that they score nothing, or left out."""

    user_agent: str
    skip: bool = False


class Mapping(_Strict):
    """A checked mapping file."""

    source: str = Field("import", description="the integration's name in each event")
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: Literal["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252", "shift_jis"] = "utf-8-sig"
    bots: Bots | None = None
    fields: dict[str, FieldSource] = {}
    events: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _leaves_trust_alone(self) -> Self:
        named = {*self.fields, *(name for rule in self.events for name in rule.fields)}
        if forbidden := sorted(named & DECIDED_BY_SEND):
            raise ValueError(f"fields: {', '.join(forbidden)} cannot be mapped")
        if split := sorted(name for name in named if name.partition(".")[0] in named - {name}):
            raise ValueError(f"fields: {', '.join(split)} and what holds it are both mapped")
        return self

    def columns(self) -> set[str]:
        """Every column that the file must have."""
        sources = [*self.fields.values(), *(source for rule in self.events for source in rule.fields.values())]
        named = {source.column for source in sources if source.column is not None}
        named.update(column for rule in self.events for column in rule.when)
        return named | ({self.bots.user_agent} if self.bots else set())


def load(path: Path) -> Mapping | str:
    """The mapping in a YAML file, or one line that says what is wrong with it."""
    try:
        return Mapping.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        return f"cannot read the mapping {path}: {error.strerror}"
    except UnicodeDecodeError:
        return f"the mapping {path} is not UTF-8"
    except yaml.YAMLError as error:
        return f"the mapping {path} is not YAML: {' '.join(str(error).split())}"
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"the mapping {path}: {place}{': ' if place else ''}{first['msg'].removeprefix('Value error, ')}"


def instant(text: str, source: Source) -> str:
    """A time cell as RFC 3339 with an offset; raises ValueError. Without `time` the cell is taken as it is."""
    if source.time in ("unix_s", "unix_ms"):
        seconds = float(text) / (1000 if source.time == "unix_ms" else 1)
        return datetime.fromtimestamp(seconds, ZoneInfo("UTC")).isoformat(timespec="milliseconds")
    moment = datetime.strptime(text, source.time) if source.time else datetime.fromisoformat(text)
    if moment.tzinfo is None:
        if source.zone is None:
            raise ValueError("no offset and no zone")
        moment = moment.replace(tzinfo=ZoneInfo(source.zone))
    return moment.isoformat(timespec="milliseconds")
