"""What every part of a scoring model is made of: names, durations, words in each language."""

import re
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

CANONICAL = {"form": "canonical"}
"""Context in which a model's canonical form is read: there every span is a number already."""

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def written(value: object, info: ValidationInfo) -> bool:
    """Whether a span is a number, as the canonical form writes it, and this is the canonical form."""
    return info.context == CANONICAL and isinstance(value, int | float) and not isinstance(value, bool)


def _milliseconds(value: object, info: ValidationInfo) -> object:
    """A duration such as `30d`, `8h`, `5m` in milliseconds."""
    if written(value, info):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a duration such as 30d, 8h, 5m or 10s")
    return round(float(match[1]) * _UNITS[match[2]])


Duration = Annotated[int, BeforeValidator(_milliseconds, json_schema_input_type=str), Field(ge=0)]
NAME = r"^[a-z][a-z0-9_-]{0,39}$"
RULE_ID = r"^[a-zA-Z][a-zA-Z0-9_-]{0,39}$"
COUNTRY = r"^[A-Z]{2}$"
CURRENCY = r"^[A-Z]{3}$"
PATTERNS = {
    NAME: "a name such as product_pages: small letters, digits, _ and -, a letter first, at most 40",
    RULE_ID: "an id such as V1 or pricing_visits: letters, digits, _ and -, a letter first, at most 40",
    COUNTRY: "a country in two capital letters such as JP (ISO 3166)",
    CURRENCY: "a currency in three capital letters such as JPY (ISO 4217)",
}
"""What each pattern asks for, in words."""


def _day(value: str) -> str:
    """A day such as `2026-11-02`."""
    try:
        if date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise ValueError(f"expected a day such as 2026-11-02, found {value!r}")


def _zone(value: str) -> str:
    """A time zone by its IANA name."""
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"unknown time zone {value!r}: one such as Asia/Tokyo") from None
    return value


Day = Annotated[str, AfterValidator(_day)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Name = Annotated[str, Field(pattern=NAME)]
Scalar = str | int | float | bool


class Part(BaseModel):
    """Base of every part of a model: an unknown word is an error, nothing is guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Words(Part):
    """One text in the languages a salesperson may read."""

    en: str
    ja: str
