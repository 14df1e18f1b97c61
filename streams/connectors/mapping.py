"""The mapping language: which field of the receiver comes from what of the event. Pure."""

import string
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    model_validator,
)
from pydantic_core import PydanticCustomError

from schemas.handoff import HandoffData, UpdateData
from schemas.instant import instant, rfc3339
from streams.connectors.content import clean, written
from streams.connectors.event import CHANGES, Event, Scalar

ENVELOPE: Final = frozenset({"event_id", "event_type", "event_time"})
DERIVED: Final = frozenset({"first_name", "last_name", "name_or_company", "who"})
PASSED: Final = frozenset({"from_stage", "held_because", "relationship"})
"""What only a change of stage tells."""
KNOWN: Final = (
    frozenset(HandoffData.model_fields) | frozenset(UpdateData.model_fields) | ENVELOPE | DERIVED | PASSED
)
PERSONAL: Final = frozenset(
    {"name", "first_name", "last_name", "email", "phone", "message", "history", "title", "title_original", "who"}
    | {"name_or_company", "reason", "colleagues"}
)
"""What says who a person is, or what the person wrote or did."""


class Strict(BaseModel):
    """Base of all configuration: an unknown word is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _known_field(name: str) -> None:
    if name not in KNOWN:
        raise ValueError(f"the event has no field {name!r} (docs/contract.md lists them)")


class _Fields(string.Formatter):
    """`{field}` only: no attributes, no indices, no conversions."""

    def parse_names(self, text: str) -> list[str]:
        parts = [(name, spec, conversion) for _, name, spec, conversion in self.parse(text) if name is not None]
        if any(spec or conversion for _, spec, conversion in parts):
            raise ValueError("a template takes {field} as it is, without conversion")
        return [name for name, _, _ in parts]


def template_fields(text: str) -> list[str]:
    """The fields that a template names; raises ValueError where it names one that does not exist."""
    names = _Fields().parse_names(text)
    for name in names:
        _known_field(name)
    return names


def _checked_template(text: Any) -> Any:
    if isinstance(text, str):
        template_fields(text)
    return text


Template = Annotated[str, BeforeValidator(_checked_template)]


class Source(Strict):
    """Where a field comes from. Exactly one of `from` (the first that is known), `value`, `text`.

    `value: null` empties the field; a `from` that is not known leaves it alone, unless there is a `default`.
    """

    from_: tuple[str, ...] | None = Field(None, alias="from")
    value: StrictBool | StrictInt | StrictFloat | str | None = None
    text: Template | None = None
    default: StrictBool | StrictInt | StrictFloat | str | None = None
    values: dict[str, StrictBool | StrictInt | StrictFloat | str] | None = Field(
        None, description="event's value to receiver's value; what is not listed counts as unknown"
    )
    longest: int | None = Field(None, ge=2)
    as_: Literal["date"] | None = Field(None, alias="as", description="the calendar day of an instant")
    zone: str = Field("UTC", description="where that day is")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"from": (given,)}
        if isinstance(given, dict) and isinstance(given.get("from"), str):
            return {**given, "from": (given["from"],)}
        if isinstance(given, dict) and isinstance(given.get("from"), list):
            return {**given, "from": tuple(given["from"])}
        return given

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [name for name in ("from_", "value", "text") if name in self.model_fields_set]
        if len(given) != 1:
            raise ValueError("expected exactly one of from, value, text")
        for name in self.from_ or ():
            _known_field(name)
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("zone: expected a time zone such as Europe/Berlin") from None
        return self

    def fields(self) -> Iterable[str]:
        """Which fields of the event are read."""
        return (*(self.from_ or ()), *(template_fields(self.text) if self.text else ()))


Fields = dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.]*$")], Source]


class ChangeRule(Strict):
    """What an update does to the receiver's record."""

    fields: Fields = {}
    note: Template | None = Field(None, description="a note or task for the owner")
    delete: bool = Field(False, description="remove the record from the receiver")
    skip: bool = Field(False, description="do nothing")


def _known_changes(given: Any) -> Any:
    for name in given if isinstance(given, dict) else ():
        if name not in CHANGES:
            raise ValueError(f"no change is called {name!r}: expected {', '.join(CHANGES)}")
    return given


Changes = Annotated[dict[str, ChangeRule], BeforeValidator(_known_changes), Field(default_factory=dict)]


def known(event: Event) -> Mapping[str, Scalar]:
    """All that a mapping may name: data, envelope and what is derived from them."""
    data = event.data
    name = clean(str(data.get("name") or ""))
    first, _, last = name.rpartition(" ")
    company = data.get("company") or data.get("company_domain")
    return {
        **data,
        "event_id": event.id,
        "event_type": event.type,
        "event_time": rfc3339(event.at),
        "first_name": first or None,
        "last_name": last or None,
        "name_or_company": name or company,
        "who": ", ".join(str(part) for part in (name, company) if part) or None,
    }


def render(text: str, event: Event, neutralise: bool) -> str:
    """A template with the event's values; what is unknown is left out, and a line that holds nothing else too."""
    values = known(event)
    lines = (_line(line, values) for line in text.split("\n"))
    return str(written("\n".join(line for line in lines if line is not None), neutralise) or "")


def _line(line: str, values: Mapping[str, Scalar]) -> str | None:
    names = _Fields().parse_names(line)
    if names and all(values.get(name) is None for name in names):
        return None
    return line.format_map({name: "" if values.get(name) is None else _shown(values[name]) for name in names})


def _shown(value: Scalar) -> str:
    return f"{value:g}" if isinstance(value, float) else clean(str(value))


def apply(fields: Fields, event: Event, neutralise: bool) -> dict[str, Scalar]:
    """The receiver's fields for an event. A field that nothing is known for is not in the answer."""
    values = known(event)
    answer: dict[str, Scalar] = {}
    for target, source in fields.items():
        if "value" in source.model_fields_set:
            answer[target] = source.value
        elif (value := _value(source, values, event, neutralise)) is not None:
            answer[target] = value
    return answer


def _value(source: Source, values: Mapping[str, Scalar], event: Event, neutralise: bool) -> Scalar:
    if source.text is not None:
        found: Scalar = render(source.text, event, neutralise) or None
    else:
        found = next((values[name] for name in source.from_ or () if values.get(name) is not None), None)
    if source.values is not None and found is not None:
        found = source.values.get(_word(found))
    if source.as_ == "date" and found is not None:
        found = _day(found, source.zone)
    found = written(found, neutralise, source.longest)
    return source.default if found is None else found


def _word(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _day(value: Scalar, zone: str) -> str | None:
    try:
        return instant(value).astimezone(ZoneInfo(zone)).date().isoformat()
    except (PydanticCustomError, OverflowError):
        return None
