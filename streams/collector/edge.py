"""The HTTP edge: routes, limits and answers. What a request means is an adapter's business.

Answers: 200 after the broker's acknowledgement; 400 for what can never succeed, whatever the reason, since
trackers repeat other refusals; 401 without a known sender; 408, 429 and 503 where the sender should come again.
"""

import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from streams import trace_context, tracing
from streams.collector.acknowledgement import ACKNOWLEDGEMENT, is_enough_for
from streams.collector.address import Networks, client_address, site
from streams.collector.body import BadBody, inflate, read_body
from streams.collector.budget import Budget
from streams.collector.gateway import Gateway, Unavailable
from streams.collector.metrics import EdgeMetrics
from streams.collector.rates import TokenBuckets
from streams.collector.records import dead_record, event_record, seal
from streams.collector.request import (
    ACCEPTED,
    EMPTY,
    Adapted,
    Answer,
    Event,
    Inquiry,
    Refusal,
    RequestParts,
    Route,
    SourceKind,
)
from streams.identity.keys import Secret

log = logging.getLogger(__name__)

ALLOWED_HEADERS = "authorization, content-type, content-encoding, anonymousid, sentat, x-retry-count, sp-anonymous"
PREFLIGHT_KEPT_S = 600

TOO_MANY = Refusal(429, "rate_limited", "too many requests")

Clock = Callable[[], int]
Enrich = Callable[[Event], list[Event]]
"""What an event becomes, once it is known who vouches for it."""


def wall_clock() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Limits:
    """How fast senders may be. None: as fast as they can.

    `address` slows the addresses of those who have no secret: browsers, and whoever is refused. `source` slows
    each registered source, whatever it knows.
    """

    address: TokenBuckets | None = None
    source: TokenBuckets | None = None
    trusted_proxies: Networks = ()


class Edge:
    """Answers every request; `handle` is the server's handler."""

    def __init__(
        self,
        routes: Iterable[Route],
        gateway: Gateway,
        secret: Secret,
        metrics: EdgeMetrics,
        budget: Budget,
        limits: Limits | None = None,
        clock: Clock = wall_clock,
        enrich: Enrich | None = None,
    ) -> None:
        self._exact = {(route.verb, route.path): route for route in routes if not route.path.endswith("/*")}
        self._below = [(route.verb, route.path[:-1], route) for route in routes if route.path.endswith("/*")]
        self._gateway = gateway
        self._secret = secret
        self._metrics = metrics
        self._budget = budget
        self._limits = limits or Limits()
        self._clock = clock
        self._enrich = enrich
        self._nonces = (f"{prefix}-{number}" for prefix in [secrets.token_hex(8)] for number in count())
        self._pages: Mapping[str, Callable[[], web.Response]] = {
            "/healthz": lambda: web.Response(text="ok\n"),
            "/readyz": self._ready,
            "/metrics": self._exposition,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; a bug becomes a 500 without a word about the request."""
        name, answer = self._routed(request)
        with tracing.request(name, request.headers.get(trace_context.HEADER)):
            try:
                response = await answer
            except Exception as error:
                log.error("bug in the collector: %s", _place(error))
                response = _refusal(Refusal(500, "internal", "the collector failed on this request"))
            tracing.note("http.response.status_code", response.status)
        self._metrics.requests.add(1, name, str(response.status))
        if response is not ACKNOWLEDGEMENT:
            _allow_origin(request, response)
        return response

    def _routed(self, request: web.BaseRequest) -> tuple[str, Awaitable[web.StreamResponse]]:
        """The route's name, as the metrics know it, and its answer."""
        verb, path = request.method, request.path
        route = self._exact.get((verb, path)) or self._exact.get((verb, path.rstrip("/")))
        if route is not None:
            return route.name, self._taken(request, route, "")
        for known, prefix, route in self._below:
            if verb == known and path.startswith(prefix):
                return route.name, self._taken(request, route, path[len(prefix) :].strip("/"))
        if verb == "OPTIONS":
            return "preflight", _preflight()
        if verb in ("GET", "HEAD") and path in self._pages:
            return path[1:], _page(self._pages[path])
        return "other", _unknown(path)

    async def _taken(self, request: web.BaseRequest, route: Route, rest: str) -> web.StreamResponse:
        response = await (self._posted if route.verb == "POST" else self._got)(request, route, rest)
        return response if route.always is None else _response(route.always, request)

    async def _got(self, request: web.BaseRequest, route: Route, rest: str) -> web.StreamResponse:
        return await self._ingest(request, route, rest, b"", b"")

    async def _posted(self, request: web.BaseRequest, route: Route, rest: str) -> web.StreamResponse:
        if (away := self._gateway.unavailable) is not None:
            return self._unavailable(away)
        if (wait := self._exhausted(request)) > 0:
            return self._refused(TOO_MANY, wait)
        sent = await read_body(request, self._budget, route.max_body)
        if isinstance(sent, BadBody):
            return self._refused(Refusal(*sent))
        try:
            body = inflate(sent, route.max_body)
            if isinstance(body, BadBody):
                return self._refused(Refusal(*body))
            return await self._ingest(request, route, rest, body, sent)
        finally:
            self._budget.release(len(sent))

    async def _ingest(
        self, request: web.BaseRequest, route: Route, rest: str, body: bytes, raw: bytes
    ) -> web.StreamResponse:
        headers = request.headers
        parts = RequestParts(
            route.name,
            body,
            headers.get("Authorization"),
            headers.get("User-Agent", ""),
            next(self._nonces),
            raw,
            rest,
            request.query if request.query_string else EMPTY,
            headers,
        )
        received_at = self._clock()
        outcome = route.adapt(parts, received_at)
        if isinstance(outcome, Inquiry):
            outcome = await outcome.ask()
        if (wait := self._must_wait(request, outcome)) > 0:
            return self._refused(TOO_MANY, wait)
        if isinstance(outcome, Refusal):
            return self._refused(outcome)
        if isinstance(outcome, Answer):
            return _response(outcome, request)
        trace = tracing.traceparent(headers.get(trace_context.HEADER))
        why = await self._publish(outcome, received_at, trace)
        return _response(outcome.answer, request) if why is None else self._unavailable(why)

    async def _publish(self, adapted: Adapted, received_at: int, trace: str | None) -> Unavailable | None:
        """None once the broker has all of it."""
        if (away := self._gateway.unavailable) is not None:
            return away
        partitions = self._gateway.partitions
        seal(adapted, received_at)
        events = adapted.events
        if self._enrich is not None:
            events = [event for plain in events for event in self._enrich(plain)]
        headers = trace_context.headers(trace)
        records = [event_record(event, self._secret, partitions, headers) for event in events]
        topics: dict[str, int] = {}
        for record in records:
            topics[record.topic] = topics.get(record.topic, 0) + 1
        records += [dead_record(dead, received_at, partitions) for dead in adapted.dead]
        problem = await self._gateway.publish(records) if records else None
        if problem is not None:
            return problem
        for topic, number in topics.items():
            self._metrics.events.add(number, topic)
        for dead in adapted.dead:
            self._metrics.rejected.labels(dead.reason).inc()
        return None

    def _exhausted(self, request: web.BaseRequest) -> int:
        """Whole seconds to wait for an address that has used up its rate, before its body costs anything.

        Whoever shows a key in a header is heard first: a server behind a busy address is not its browsers.
        """
        if self._limits.address is None or "Authorization" in request.headers:
            return 0
        return self._limits.address.wait(self._address(request), time.monotonic())

    def _must_wait(self, request: web.BaseRequest, outcome: Adapted | Refusal | Answer) -> int:
        """Whole seconds to wait. Only senders without a secret are slowed by address."""
        limits, source = self._limits, outcome.source if isinstance(outcome, Adapted) else None
        now = time.monotonic()
        if limits.address is not None and (source is None or source.kind is SourceKind.BROWSER):
            wait = limits.address.take(self._address(request), now)
            if wait > 0:
                return wait
        return limits.source.take(source.name, now) if limits.source and source else 0

    def _address(self, request: web.BaseRequest) -> str:
        forwarded = request.headers.get("X-Forwarded-For", "")
        return site(client_address(request.remote or "", forwarded, self._limits.trusted_proxies))

    def _refused(self, refusal: Refusal, retry_after: int | None = None) -> web.Response:
        self._metrics.rejected.labels(str(refusal.code)).inc()
        return _refusal(refusal, 1 if refusal.status == 503 else retry_after)

    def _unavailable(self, why: Unavailable) -> web.Response:
        self._metrics.rejected.labels("unavailable").inc()
        return _refusal(Refusal(503, "unavailable", why.message), why.retry_after)

    def _ready(self) -> web.Response:
        why = self._gateway.unavailable
        return web.Response(text="ready\n") if why is None else web.Response(text=f"{why.message}\n", status=503)

    def _exposition(self) -> web.Response:
        self._metrics.in_flight.set(self._budget.held)
        return web.Response(
            body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


async def _page(page: Callable[[], web.Response]) -> web.Response:
    return page()


async def _preflight() -> web.Response:
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": str(PREFLIGHT_KEPT_S),
        },
    )


async def _unknown(path: str) -> web.Response:
    if path.startswith("/v1/"):
        return _refusal(Refusal(400, "unknown_method", "no such method of the tracking API"))
    return _refusal(Refusal(404, "not_found", "no such page"))


def _response(answer: Answer, request: web.BaseRequest) -> web.StreamResponse:
    if answer is ACCEPTED and is_enough_for(request):
        return ACKNOWLEDGEMENT
    return web.Response(
        body=answer.body, status=answer.status, content_type=answer.content_type, headers=answer.headers
    )


def _refusal(refusal: Refusal, retry_after: int | None = None) -> web.Response:
    answer = {"success": False, "code": str(refusal.code), "message": refusal.message}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.Response(
        body=json.dumps(answer).encode(), status=refusal.status, content_type="application/json", headers=headers
    )


def _allow_origin(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Any site may send: a browser's write key is public, and the answer tells nothing."""
    origin = request.headers.get("Origin")
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Vary"] = "Origin"


def _place(error: BaseException) -> str:
    """Kind of error and the line it came from; its text might hold a sender's data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{type(error).__name__} at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
