"""What every part of a scoring model is made of: names, durations, words in each language."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def _milliseconds(value: object) -> object:
    """A duration such as `30d`, `8h`, `5m` in milliseconds."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a duration such as 30d, 8h, 5m or 10s")
    return round(float(match[1]) * _UNITS[match[2]])


Duration = Annotated[int, BeforeValidator(_milliseconds, json_schema_input_type=str), Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Scalar = str | int | float | bool


class Part(BaseModel):
    """Base of every part of a model: an unknown word is an error, nothing is guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Words(Part):
    """One text in the languages a salesperson may read."""

    en: str
    ja: str
