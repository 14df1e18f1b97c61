"""The vocabulary between the HTTP edge and its source adapters.

An adapter is a pure function of a request and the instant of its arrival, behind one or more routes. It knows one
sender's wire format and how that sender is authenticated, and nothing of Kafka, the clock or the server, so that a
new source is a list of routes more.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol

from schemas.dead_letter import Reason

Event = dict[str, object]
"""One event of the contract, flat, before it is encoded."""

EMPTY: Mapping[str, str] = MappingProxyType({})

MAX_BODY = 500 * 1024
"""Bytes, both as sent and inflated: the tracking API's limit of a batch."""


class SourceKind(StrEnum):
    """Who vouches for an event; decided by how the sender is authenticated, never by what it says."""

    BROWSER = "browser"
    SERVER = "server"
    WEBHOOK = "webhook"
    MAIL = "mail"
    CRM = "crm"


class Source(NamedTuple):
    """A registered sender: its name (which integration) and how far it is trusted."""

    name: str
    kind: SourceKind


class RequestParts(NamedTuple):
    """What an adapter may look at.

    `method` is the route's name and `rest` what stood for the `*` of its path. `body` is inflated, `raw` is as it
    was sent: signatures are made over it. Names of `headers` have no case. `nonce` is unique to the request, for
    events that bring no id of their own.
    """

    method: str
    body: bytes
    authorization: str | None = None
    user_agent: str = ""
    nonce: str = ""
    raw: bytes = b""
    rest: str = ""
    query: Mapping[str, str] = EMPTY
    headers: Mapping[str, str] = EMPTY


class Refusal(NamedTuple):
    """The request as a whole is refused. `message` is shown to the sender and holds no personal data."""

    status: int
    code: str
    message: str


class Answer(NamedTuple):
    """What a sender reads."""

    body: bytes = b""
    content_type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = EMPTY


ACCEPTED = Answer(b'{"success": true}')
PICTURE = Answer(
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00"
    b"\x01\x00\x01\x00\x00\x02\x02D\x01\x00;",
    "image/gif",
    headers={"Cache-Control": "no-store"},
)
"""A transparent pixel."""


class DeadMessage(NamedTuple):
    """One message of a batch that can never be accepted: kept, with its reason, in `dead-letters`."""

    reason: Reason
    detail: str
    raw: bytes


class Adapted(NamedTuple):
    """What a request means: events to publish and messages to keep as dead letters.

    `answer` is given once the broker has acknowledged all of them. The edge itself writes `source`, `source_kind`
    and `received_at` into every event, over whatever stands there.
    """

    source: Source
    events: list[Event]
    dead: list[DeadMessage]
    answer: Answer = ACCEPTED


class Inquiry(NamedTuple):
    """The sender is who it says it is, but names its records by numbers: it has to be asked what they are."""

    ask: Callable[[], Awaitable[Adapted | Refusal]]


class Adapter(Protocol):
    """A source's wire format. `received_at` in Unix milliseconds.

    An `Answer` is given at once and publishes nothing: a configuration, a script, a handshake.
    """

    def __call__(self, parts: RequestParts, received_at: int) -> Adapted | Refusal | Answer | Inquiry: ...


class Route(NamedTuple):
    """A way in. `verb` is GET or POST; `path` is exact, or ends in `/*`; `name` is also the label in metrics.

    `always` is answered whatever comes of the request, for senders that cannot read a status.
    """

    verb: str
    path: str
    name: str
    adapt: Adapter
    max_body: int = MAX_BODY
    always: Answer | None = None
