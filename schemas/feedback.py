"""What comes back from sales and the CRM on `sales-feedback`. A later step implies the earlier ones."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.attribute import Free, Text
from schemas.envelope import Envelope, EventId, one_of_these

Relationship = Literal[
    "none",
    "open_opportunity",
    "customer",
    "former_customer",
    "partner",
    "competitor",
    "do_not_contact",
]


class Feedback(Envelope):
    """The fields that any answer of sales may carry. Without `handoff_id` the newest open handoff is meant."""

    handoff_id: Text = Field(None, description="of the handoff that is answered; an old one moves nothing")
    reason: Text = Field(None, description="timing, no_budget, no_response, wrong_person, not_a_fit, ...")
    not_before: Text = Field(None, description="a date or time before which nobody should call again")
    sales_person: Text = None
    need: Free = None
    budget_confirmed: Free = None
    authority: Free = None
    timeline: Free = None
    amount: Free = None
    currency: Free = None


class HandoffAccepted(Feedback):
    """Sales takes the lead. No contact yet: the clock of the first contact runs on."""

    type: Literal["handoff_accepted"]


class HandoffRejected(Feedback):
    """Sales returns the lead, with a reason that decides when it may come again."""

    type: Literal["handoff_rejected"]


class Contacted(Feedback):
    """Sales reached out for the first time."""

    type: Literal["contacted"]
    channel: Text = None
    direction: Text = None
    outcome: Text = None


class MeetingBooked(Feedback):
    """A discovery meeting: the lead is sales-confirmed."""

    type: Literal["meeting_booked"]


class OpportunityCreated(Feedback):
    """A deal is being worked on."""

    type: Literal["opportunity_created"]


class DealWon(Feedback):
    """The lead became a customer."""

    type: Literal["deal_won"]


class DealLost(Feedback):
    """The deal ended without a sale."""

    type: Literal["deal_lost"]


class LeadPromoted(Feedback):
    """A person hands the lead over, whatever the score says; only hard blocks stand."""

    type: Literal["lead_promoted"]


class LeadDisqualified(Feedback):
    """A person takes the lead out until a person takes it back."""

    type: Literal["lead_disqualified"]


class LeadReinstated(Feedback):
    """A person takes a disqualified lead back."""

    type: Literal["lead_reinstated"]


class OwnerChanged(Feedback):
    """Another salesperson owns the lead."""

    type: Literal["owner_changed"]


class RelationshipSet(Feedback):
    """What the company already is to us. About one person, or about everyone at `company_domain`."""

    model_config = ConfigDict(json_schema_extra=one_of_these("email", "user_id", "anonymous_id", "company_domain"))

    type: Literal["relationship_set"]
    relationship: Relationship
    company_domain: Free = Field(None, description="may stand in place of an identity")

    def identified(self) -> bool:
        """A company's domain is enough here."""
        return super().identified() or bool(isinstance(self.company_domain, str) and self.company_domain.strip())


class LeadErased(Feedback):
    """The person's data must go: events up to this instant are denied, later ones start a new lead."""

    type: Literal["lead_erased"]


class ActivityRetracted(Envelope):
    """An earlier event did not happen, or a machine did it. Travels on the topic of what it retracts."""

    type: Literal["activity_retracted"]
    retracts: EventId = Field(description="the event_id that no longer counts")
    reason: Text = None


class IdentitiesLinked(Envelope):
    """Two or more identities are one person."""

    type: Literal["identities_linked"]
    previous_id: Annotated[str | None, Field(description="a user id or anonymous id used before")] = None

    @model_validator(mode="after")
    def _names_two(self) -> Self:
        named = (self.email, self.user_id, self.anonymous_id, (self.previous_id or "").strip())
        if sum(map(bool, named)) < 2:  # a link has two ends
            raise PydanticCustomError("missing_identity", "expected two identities of one person")
        return self
