"""What every event says: which event, when, from where, about whom. Strict: identity and order hang on it."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from schemas.attribute import Free
from schemas.identity import address, identifier
from schemas.instant import Instant

SourceKind = Literal["browser", "server", "webhook", "mail", "crm", "import"]
MAX_EVENT_ID = 100
MAX_SCHEMA_VERSION = 2**31 - 1

EventId = Annotated[str, Field(min_length=1, max_length=MAX_EVENT_ID)]
Email = Annotated[
    str | None,
    AfterValidator(lambda text: text if text is None or address(text) else None),
    Field(None, description="one that is not an address counts as absent"),
]
PersonId = Annotated[
    str | None,
    AfterValidator(lambda text: text if text is None or identifier(text) else None),
    Field(None, description="blank or over 512 characters counts as absent"),
]


def one_of_these(*names: str) -> JsonDict:
    """What JSON Schema can say of an identity: that one of the fields is there."""
    return {"anyOf": [{"required": [name]} for name in names]}


class Envelope(BaseModel):
    """The common fields. Unknown fields are kept; null is the same as absent; nothing is coerced."""

    model_config = ConfigDict(
        strict=True, extra="allow", frozen=True, json_schema_extra=one_of_these("email", "user_id", "anonymous_id")
    )

    type: str
    event_id: EventId = Field(description="a repeat of the same id is the same event")
    occurred_at: Instant
    received_at: Instant | None = None
    source: str | None = Field(None, description="the integration that sent it")
    source_kind: SourceKind | None = Field(
        None, description="how far the source is trusted; set by the collector, absent means server"
    )
    anonymous_id: PersonId
    user_id: PersonId
    email: Email
    session_id: str | None = None
    url: str | None = None
    title: Free = Field(None, description="of the page, or a person's job title where the type has attributes")
    referrer: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    touch_channel: str | None = Field(
        None, description="the channel by which the person came; the collector's enrichment finds it"
    )
    email_domain_kind: str | None = Field(
        None, description="company, personal or disposable; the collector's enrichment finds it"
    )
    is_machine: bool | None = Field(None, description="a bot, a scanner or a mail proxy did it: it scores nothing")
    machine_reason: str | None = None
    schema_version: Annotated[int, Field(ge=1, le=MAX_SCHEMA_VERSION)] | None = Field(
        None, description="absent means 1"
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.identified():
            raise PydanticCustomError("missing_identity", "expected an email, a user_id or an anonymous_id")
        return self

    def identified(self) -> bool:
        """Whether the event says whom it is about."""
        return bool(self.email or self.user_id or self.anonymous_id)

    def unknown(self) -> dict[str, Any]:
        """The fields that this version of the contract does not know."""
        return self.model_extra or {}
