"""Fields that are never a reason to refuse an event: what people type into forms, and what systems name things."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

Free = Any
"""Kept as sent, whatever it is; the scoring core parses numbers, bands and currencies where it can."""


def as_text(value: Any) -> str | None:
    """Text as it is; any other kind of value as its JSON text, so that nothing is lost and everything compares."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


Text = Annotated[
    str | None,
    BeforeValidator(as_text),
    WithJsonSchema({"x-read-as": "text", "description": "any other kind of value is read as its JSON text"}),
]


class Attributes(BaseModel):
    """What is known of a person and their company: each as free as the form that asked for it."""

    first_name: Free = None
    last_name: Free = None
    phone: Free = None
    title: Free = Field(None, description="job title, in the person's own words")
    company: Free = None
    company_domain: Free = None
    employees: Free = Field(None, description="a number, or a band: `100～499人`, `51-200`")
    revenue: Free = Field(None, description="a year's, in the model's currency unless it names one")
    industry: Free = None
    country: Free = None
    region: Free = None
    ad_spend: Free = Field(None, description="a month's, in the model's currency unless it names one")
    budget: Free = Field(None, description="a year's, in the model's currency unless it names one")
    software: Free = None
    pain_points: Free = None
    persona: Free = None
    referral_channel: Free = None
    language: Free = None
    timezone: Free = None
    consent_processing: Free = Field(None, description="false blocks everything")
    consent_communication: Free = Field(None, description="channel, purpose, time and version of the wording")
