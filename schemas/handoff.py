"""What sales gets, on `sales-handoffs`: CloudEvents 1.0 in structured JSON around flat data.

Sinks infer a column's type from the first value that they see, and some write bytes as Latin-1. Therefore every
field is in every event, null when unknown; a number keeps one kind (a score is `40.0`, never `40`); there is
nothing but scalars; and the JSON is ASCII. The record's key is the lead key.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.instant import Instant
from schemas.transition import HANDOFF_ID, LEAD_KEY, Grade, Stage

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
"""The only header about the format. `ce_*` headers would make readers take the envelope for binary mode's data."""

Change = Literal[
    "opted_out",
    "erased",
    "merged",
    "became_customer",
    "new_request",
    "machine_verdict",
]
HandoffId = Annotated[str, Field(pattern=HANDOFF_ID)]
LeadKey = Annotated[str, Field(pattern=LEAD_KEY)]


class Flat(BaseModel):
    """Base of the data: no field may be left out, none added."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class HandoffData(Flat):
    """Who, which company, why now, and how to follow up. Words are in the model's language."""

    handoff_id: HandoffId
    lead_key: LeadKey
    name: str | None
    email: str | None
    phone: str | None
    title: str | None
    title_original: str | None
    seniority: str | None
    function: str | None
    company: str | None
    company_domain: str | None
    employees: float | None
    industry: str | None
    country: str | None
    language: str | None
    timezone: str | None
    reason: str | None = Field(description="why now, in words that a salesperson would say")
    criteria: str | None = Field(description="the lane or threshold that was met")
    request_type: str | None
    message: str | None = Field(description="the person's own words")
    score: float
    behaviour_score: float
    fit_score: float
    fit_grade: Grade | None
    fit_unknown: str | None = Field(description="what the fit could not judge, separated by commas")
    stage: Stage
    cycle: Annotated[int, Field(ge=1)] = Field(description="1 for the lead's first handoff")
    priority: str | None
    segment: str | None
    approach: str | None
    owner_queue: str | None
    account_key: str | None
    account_owner: str | None
    colleagues_active_30d: int | None = Field(
        description="how many others of the company did something within 30 days; null without a company's domain"
    )
    colleagues: str | None = Field(
        description="who else of the company was handed over, when, to whom, and where that stands; one per line"
    )
    colleague_handoff_id: HandoffId | None = Field(description="of the first of them")
    colleague_handed_over_at: Instant | None
    colleague_owner: str | None = Field(description="the person or queue that has the first of them")
    previous_handoffs: int | None
    respond_by: Instant | None
    last_activity_at: Instant | None
    history: str | None = Field(
        description="requests and intent first, then the newest; one per line, with the model's day and time"
    )
    first_touch_channel: str | None = Field(description="the channel by which the person came first")
    last_touch_channel: str | None
    contact_verified: bool | None = Field(description="the address was also seen from a server source")
    may_email_marketing: bool | None
    may_phone: bool | None
    consent_basis: str | None = Field(description="on what grounds the person may be addressed, in words")
    lead_url: str | None
    model_id: str
    model_version: str


class UpdateData(Flat):
    """What changed after a handoff, for whoever works on it."""

    handoff_id: HandoffId
    lead_key: LeadKey
    change: Change
    changed_at: Instant
    cycle: Annotated[int, Field(ge=1)]
    reason: str | None = Field(description="in words")
    merged_into: LeadKey | None = Field(description="the lead that this one turned out to be")
    request_type: str | None
    message: str | None
    model_id: str
    model_version: str


class CloudEvent(BaseModel):
    """The envelope. `id` is a function of pipeline, lead key and cycle: a repeat is identical byte for byte."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str = Field(description="the pipeline: /leadstreams/NAME")
    subject: LeadKey
    time: Instant = Field(description="when the criteria were met")
    datacontenttype: Literal["application/json"] = "application/json"

    def encode(self) -> bytes:
        """The record's value: compact ASCII JSON, always the same bytes for the same handoff."""
        document = self.model_dump(mode="json")
        return json.dumps(document, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()


class Handoff(CloudEvent):
    """A lead became sales-qualified."""

    id: HandoffId
    type: Literal["com.leadstreams.lead.sql.v1"] = "com.leadstreams.lead.sql.v1"
    dataschema: Literal["urn:leadstreams:schema:handoff:v1"] = "urn:leadstreams:schema:handoff:v1"
    data: HandoffData


class LeadUpdate(CloudEvent):
    """Something changed about a lead that sales already has."""

    type: Literal["com.leadstreams.lead.update.v1"] = "com.leadstreams.lead.update.v1"
    dataschema: Literal["urn:leadstreams:schema:lead-update:v1"] = "urn:leadstreams:schema:lead-update:v1"
    data: UpdateData


def blank(model: type[Flat], **known: Any) -> dict[str, Any]:
    """All fields of the data: what is known, null for the rest."""
    return dict.fromkeys(model.model_fields) | known
