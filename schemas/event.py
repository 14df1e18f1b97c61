"""Every event that comes in, one model per type, and the one way to read it.

`parse` is the contract's own reader. The scoring worker reads with `streams.scoring.event.decode`, which must
accept, refuse and yield the same.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from schemas import feedback
from schemas.attribute import Attributes, Free, Text
from schemas.dead_letter import Reason, Rejected
from schemas.document import Document, read
from schemas.envelope import Envelope

FUTURE_MS = 3_600_000
"""An event dated more than an hour after its arrival comes from a wrong clock."""


class PageViewed(Envelope):
    """Someone looked at a page of ours."""

    type: Literal["page_viewed"]


class _Offer(BaseModel):
    offer_id: Text = Field(None, description="the form and the download of one offer are one conversion")


class ContentDownloaded(_Offer, Envelope):
    """Someone took an offer: a paper, a template."""

    type: Literal["content_downloaded"]
    offer_type: Text = Field(
        None, examples=["whitepaper", "ebook", "case_study", "newsletter", "template", "other"]
    )


class LinkClicked(Envelope):
    """Someone followed a link on a page."""

    type: Literal["link_clicked"]
    link_url: Text = None


class Custom(Envelope):
    """Anything else that a business wants to score."""

    type: Literal["custom"]
    name: Text = None
    properties: dict[str, Free] | None = None


class _Mail(Envelope):
    message_id: Text = None
    campaign: Text = None
    link_url: Text = None


class EmailDelivered(_Mail):
    """A mail reached its mailbox."""

    type: Literal["email_delivered"]


class EmailOpened(_Mail):
    """A mail was opened; by a proxy if `is_machine`."""

    type: Literal["email_opened"]


class EmailClicked(_Mail):
    """A link in a mail was followed; by a scanner if `is_machine`."""

    type: Literal["email_clicked"]


class EmailBounced(_Mail):
    """A mail came back."""

    type: Literal["email_bounced"]
    bounce_type: Text = Field(None, examples=["hard", "soft"])


class EmailSubscribed(_Mail):
    """Someone wants our mail, after double opt-in."""

    type: Literal["email_subscribed"]


class EmailUnsubscribed(_Mail):
    """Someone wants no marketing mail."""

    type: Literal["email_unsubscribed"]


class EmailComplained(_Mail):
    """Someone marked a mail as spam."""

    type: Literal["email_complained"]


class FormSubmitted(_Offer, Attributes, Envelope):
    """A form was sent. What was typed into it is kept and parsed, never refused."""

    type: Literal["form_submitted"]
    form_id: Text = None
    form_type: Text = Field(
        None,
        examples=[
            *("newsletter", "whitepaper", "ebook", "case_study", "webinar", "information"),
            *("question", "contact", "demo", "quote", "other"),
        ],
    )
    message: Text = Field(None, description="the person's own words; sales reads them")


class LeadIdentified(Attributes, Envelope):
    """Something became known about a person."""

    type: Literal["lead_identified"]


class CompanyIdentified(Attributes, Envelope):
    """Something became known about a person's company."""

    type: Literal["company_identified"]


class _Occasion(Envelope):
    name: Text = None
    channel: Text = None


class WebinarRegistered(_Occasion):
    """Someone signed up for a webinar."""

    type: Literal["webinar_registered"]


class WebinarAttended(_Occasion):
    """Someone was at a webinar."""

    type: Literal["webinar_attended"]


class EventAttended(_Occasion):
    """Someone was at an event: a badge scan, a talk at the booth."""

    type: Literal["event_attended"]


class SocialEngaged(_Occasion):
    """Someone reacted on a social network."""

    type: Literal["social_engaged"]


class SalesContacted(Envelope):
    """A salesperson and the lead were in touch, or tried to be."""

    type: Literal["sales_contacted"]
    channel: Text = None
    direction: Text = Field(None, examples=["inbound", "outbound"])
    outcome: Text = Field(None, examples=["connected", "no_answer"])
    sales_person: Text = None


Activity = (
    PageViewed
    | ContentDownloaded
    | LinkClicked
    | Custom
    | EmailDelivered
    | EmailOpened
    | EmailClicked
    | EmailBounced
    | EmailSubscribed
    | EmailUnsubscribed
    | EmailComplained
    | FormSubmitted
    | LeadIdentified
    | CompanyIdentified
    | WebinarRegistered
    | WebinarAttended
    | EventAttended
    | SocialEngaged
    | SalesContacted
    | feedback.IdentitiesLinked
)
Answer = (
    feedback.HandoffAccepted
    | feedback.HandoffRejected
    | feedback.Contacted
    | feedback.MeetingBooked
    | feedback.OpportunityCreated
    | feedback.DealWon
    | feedback.DealLost
    | feedback.LeadPromoted
    | feedback.LeadDisqualified
    | feedback.LeadReinstated
    | feedback.OwnerChanged
    | feedback.RelationshipSet
    | feedback.LeadErased
)
AnyEvent = Annotated[Activity | Answer | feedback.ActivityRetracted, Field(discriminator="type")]
ANY_EVENT: TypeAdapter[Envelope] = TypeAdapter(AnyEvent)


def _by_type(*models: Any) -> dict[str, type[Envelope]]:
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in models}


ACTIVITIES = _by_type(*get_args(Activity))
"""Taken from each of the four topics of activities."""
ANSWERS = _by_type(*get_args(Answer))
"""Taken from `sales-feedback` only."""
ACTIVITY_TYPES = frozenset(ACTIVITIES)
FEEDBACK_TYPES = frozenset(ANSWERS)
RETRACTION = "activity_retracted"
"""Taken from every input topic."""
MODELS = {**ACTIVITIES, **ANSWERS, **_by_type(feedback.ActivityRetracted)}
"""The model of each event type."""


def parse(raw: bytes) -> Envelope | Rejected:
    """The event in `raw` as the model of its type, or why it is refused."""
    document = read(raw)
    return document if isinstance(document, Rejected) else validate(document)


def validate(document: Document) -> Envelope | Rejected:
    """A document, as `read` gives it, as the model of its type, or why it is refused."""
    kind = document.get("type")
    if not isinstance(kind, str):
        return Rejected(Reason.BAD_FIELD, "type: expected text")
    model = MODELS.get(kind)
    if model is None:
        return Rejected(Reason.UNKNOWN_TYPE, "type: expected an event type of the contract")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        return _rejected(error.errors(include_url=False, include_input=False)[0])


_EXPECTED = {
    "missing": "required",
    "string_type": "expected text",
    "bool_type": "expected true or false",
    "int_type": "expected a whole number",
    "dict_type": "expected an object",
    "string_too_short": "expected at least {min_length} character",
    "string_too_long": "expected at most {max_length} characters",
    "greater_than_equal": "expected at least {ge}",
    "less_than_equal": "expected at most {le}",
    "literal_error": "expected {expected}",
    "instant": "expected {message}",
}


def _rejected(error: ErrorDetails) -> Rejected:
    kind = error["type"]
    if kind == "missing_identity":
        return Rejected(Reason.MISSING_IDENTITY, error["msg"])
    field = str(error["loc"][0])
    expected = _EXPECTED.get(kind, "{message}").format(message=error["msg"], **error.get("ctx", {}))
    return Rejected(Reason.BAD_FIELD, f"{field}: {expected}")
