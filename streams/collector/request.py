"""The vocabulary between the HTTP edge and its source adapters.

An adapter is a pure function of a request and the instant of its arrival. It knows one sender's wire format and
nothing of HTTP answers, Kafka or the clock, so that a new source is one more function.
"""

from enum import StrEnum
from typing import NamedTuple, Protocol

from schemas.dead_letter import Reason

Event = dict[str, object]
"""One event of the contract, flat, before it is encoded."""


class SourceKind(StrEnum):
    """Who vouches for an event; decided by the write key, never by the sender."""

    BROWSER = "browser"
    SERVER = "server"


class Source(NamedTuple):
    """A registered sender: its name (which integration) and how far it is trusted."""

    name: str
    kind: SourceKind


class RequestParts(NamedTuple):
    """What an adapter may look at. `nonce` is unique to the request, for events that bring no id of their own."""

    method: str
    body: bytes
    authorization: str | None = None
    user_agent: str = ""
    nonce: str = ""


class Refusal(NamedTuple):
    """The request as a whole is refused. `message` is shown to the sender and holds no personal data."""

    status: int
    code: str
    message: str


class DeadMessage(NamedTuple):
    """One message of a batch that can never be accepted: kept, with its reason, in `dead-letters`."""

    reason: Reason
    detail: str
    raw: bytes


class Adapted(NamedTuple):
    """What a request means: events to publish and messages to keep as dead letters."""

    source: Source
    events: list[Event]
    dead: list[DeadMessage]


class Adapter(Protocol):
    """A source's wire format. `received_at` in Unix milliseconds."""

    def __call__(self, parts: RequestParts, received_at: int) -> Adapted | Refusal: ...
