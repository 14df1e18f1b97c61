"""Nurture by webhook: at each move one POST that says in which tracks the lead is now, and in which not."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from schemas.instant import rfc3339
from streams import topics
from streams.connectors import http
from streams.connectors.base import Base
from streams.connectors.event import Event
from streams.connectors.http import Request
from streams.connectors.mapping import Fields, apply
from streams.connectors.nurture import passage
from streams.connectors.nurture.track import Track, memberships
from streams.connectors.outcome import Delivered, Outcome
from streams.connectors.secret import SecretSource
from streams.connectors.webhook import Poster


class NurtureWebhook(Base):
    """`kind: nurture-webhook`."""

    kind: Literal["nurture-webhook"]
    url: SecretSource
    secrets: tuple[SecretSource, ...] = ()
    fields: Fields
    neutralise: bool = False
    tracks: dict[str, Track] = Field(min_length=1, max_length=50)


def request(event: Event, url: str, settings: NurtureWebhook) -> Request | None:
    """What is posted for an event; None if nothing is. Pure; the same bytes each time.

    Of an erased lead nothing is told but its key.
    """
    if not passage.known(event):
        return None
    member = memberships(event, settings.tracks)
    gone = event.change in (passage.ERASED, passage.MERGED)
    document = {
        "id": event.id,
        "type": "com.leadstreams.lead.nurture.v1",
        "lead_key": event.key,
        "at": rfc3339(event.at),
        "change": event.change,
        "in": [name for name, inside in member.items() if inside],
        "out": [name for name, inside in member.items() if not inside],
        **({} if gone else apply(settings.fields, event, settings.neutralise)),
    }
    return Request(url, http.compact(document), {"Content-Type": "application/json", "Idempotency-Key": event.id})


class NurtureWebhookSink(Poster):
    """Posts one event at a time."""

    topic = topics.LEAD_TRANSITIONS
    read = staticmethod(passage.decode)

    def __init__(self, settings: NurtureWebhook) -> None:
        super().__init__(settings.url, settings.secrets)
        self._settings = settings

    async def deliver(self, events: Sequence[Event]) -> list[Outcome]:
        made = [(event, request(event, self.url, self._settings)) for event in events]
        return [Delivered("nobody to tell") if r is None else await self.post(r, e.traceparent) for e, r in made]

    def preview(self, event: Event) -> list[Any]:
        made = request(event, "", self._settings)
        return [] if made is None else [{"post": made.body.decode()}]
