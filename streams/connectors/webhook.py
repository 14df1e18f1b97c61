"""The webhook: any program that can take an HTTP POST and check a signature."""

import hmac
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import aiohttp

from schemas.handoff import CONTENT_TYPE
from streams import trace_context, tracing
from streams.connectors import http
from streams.connectors.base import Base, Receiver
from streams.connectors.event import Event
from streams.connectors.http import Request
from streams.connectors.mapping import Fields, apply
from streams.connectors.outcome import Outcome, Postponed
from streams.connectors.secret import SecretSource

SIGNATURE: Final = "Leadstreams-Signature"
TIMESTAMP: Final = "Leadstreams-Timestamp"


class Webhook(Base):
    """`kind: webhook`. Without `fields` the CloudEvent is sent as it is."""

    kind: Literal["webhook"]
    url: SecretSource
    secrets: tuple[SecretSource, ...] = ()
    fields: Fields | None = None
    neutralise: bool = False


def request(event: Event, url: str, fields: Fields | None, neutralise: bool) -> Request:
    """What is posted for an event. Pure; the same bytes each time."""
    if fields is None:
        return Request(url, event.raw, {"Content-Type": CONTENT_TYPE, "Idempotency-Key": event.id})
    document = {"id": event.id, "type": event.type, "lead_key": event.key, **apply(fields, event, neutralise)}
    return Request(url, http.compact(document), {"Content-Type": "application/json", "Idempotency-Key": event.id})


def signed(unsigned: Request, secrets: Sequence[str], now: int) -> Request:
    """With the instant (Unix seconds) and `v1=` the hex HMAC-SHA256 over `timestamp.body`, one per secret."""
    timestamp = str(now // 1000)
    headers = {**unsigned.headers, TIMESTAMP: timestamp}
    if secrets:
        content = timestamp.encode() + b"." + unsigned.body
        digests = (hmac.new(secret.encode(), content, "sha256").hexdigest() for secret in secrets)
        headers[SIGNATURE] = ",".join(f"v1={digest}" for digest in digests)
    return unsigned._replace(headers=headers)


def traced(plain: Request, traceparent: str | None) -> Request:
    """With the trace that the event belongs to."""
    if traceparent is None:
        return plain
    return plain._replace(headers={**plain.headers, trace_context.HEADER: traceparent})


class Poster(Receiver):
    """Posts signed requests to one address."""

    batch = 1

    def __init__(
        self, url: SecretSource, secrets: Sequence[SecretSource], clock: Callable[[], int] = http.utc_ms
    ) -> None:
        self._url = url.read()
        self._secrets = [source.read() for source in secrets]
        self._clock = clock
        self._client: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._client = http.session()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    @property
    def url(self) -> str:
        """Where to; it may hold a token."""
        return self._url.get_secret_value()

    async def post(self, made: Request, traceparent: str | None) -> Outcome:
        """What becomes of one request."""
        assert self._client is not None, "not open"
        secrets = [secret.get_secret_value() for secret in self._secrets]
        made = traced(made, tracing.traceparent(traceparent))
        answer = await http.post(self._client, signed(made, secrets, self._clock()))
        if isinstance(answer, Postponed):
            return answer
        return http.judge(answer.status, answer.headers, self._clock())


class WebhookSink(Poster):
    """Posts one event at a time."""

    def __init__(self, settings: Webhook, clock: Callable[[], int] = http.utc_ms) -> None:
        super().__init__(settings.url, settings.secrets, clock)
        self._settings = settings

    async def deliver(self, events: Sequence[Event]) -> list[Outcome]:
        made = ((event, self._request(event, self.url)) for event in events)
        return [await self.post(one, event.traceparent) for event, one in made]

    def preview(self, event: Event) -> list[Any]:
        return [{"post": self._request(event, "").body.decode()}]

    def _request(self, event: Event, url: str) -> Request:
        return request(event, url, self._settings.fields, self._settings.neutralise)
