"""Which value of which field of a CRM means which answer: configuration, checked like everything else."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schemas.event import FEEDBACK_TYPES
from streams import yaml_file
from streams.connectors.mapping import Strict
from streams.shipped import CONNECTORS
from streams.yaml_file import Fault

SHIPPED: Final = CONNECTORS / "feedback"
MOST_BYTES: Final = 64 * 1024


def _feedback_type(name: str) -> str:
    if name not in FEEDBACK_TYPES:
        raise ValueError(f"expected one of {', '.join(sorted(FEEDBACK_TYPES))}")
    return name


class Answer(Strict):
    """The event that a value means, with fields of its own."""

    type: Annotated[str, AfterValidator(_feedback_type)]
    fields: dict[str, str | bool | float] = Field(default_factory=dict)


class Rule(Strict):
    """A field whose new value is an answer: the one that `values` lists for it, or `any` value with `as` its name.

    What is not listed is no answer, nor is an empty field.
    """

    field: str
    values: dict[str, Answer] = Field(default_factory=dict)
    any: Answer | None = None
    as_: str | None = Field(None, alias="as", description="field of the event that takes the value as it is")
    names: Literal["owners"] | None = Field(None, description="whose number the value is: told by name")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.values) == (self.any is not None) or (self.any is None) != (self.as_ is None):
            raise ValueError("expected either values, or any and as")
        return self


class ObjectRules(Strict):
    """One kind of record of a CRM: who it is about, which fields are answers, which are told with them."""

    email: str | None = None
    handoff_id: str | None = None
    time: str | None = None
    answers: tuple[Rule, ...]
    details: dict[str, str] = Field(default_factory=dict, description="field of the event: field of the CRM")


class Rules(Strict):
    """All of a CRM's records, by the name of their kind."""

    objects: dict[str, ObjectRules]
    ignored_sources: tuple[str, ...] = Field((), description="changes that programs made: no answers of people")


def load(path: Path) -> Rules | list[Fault]:
    """The rules of a file."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return [Fault(str(path), 1, "", f"cannot read it: {error.strerror}")]
    found: Any = yaml_file.read(raw, str(path), Rules, MOST_BYTES)
    return found if isinstance(found, list) else Rules.model_validate(found)


def answer(rule: Rule, value: str) -> Answer | None:
    """What a value means. CRMs compare picklists without case, and so do we."""
    value = value.strip()
    if rule.any is not None and rule.as_ is not None:
        return rule.any.model_copy(update={"fields": {**rule.any.fields, rule.as_: value}}) if value else None
    return next((found for name, found in rule.values.items() if name.casefold() == value.casefold()), None)
