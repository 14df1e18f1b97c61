"""The HTTP edge: paths, limits and answers. What a request means is an adapter's business.

Answers: 200 after the broker's acknowledgement; 400 for what can never succeed, whatever the reason, since
trackers repeat other refusals; 401 without a known write key; 408, 429 and 503 where the sender should come again.
"""

import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from itertools import count
from typing import Final

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from streams.collector.body import BadBody, inflate, read_body
from streams.collector.budget import Budget
from streams.collector.gateway import Gateway, Unavailable
from streams.collector.message import BATCHES, METHODS, SHORT
from streams.collector.metrics import EdgeMetrics
from streams.collector.rates import TokenBuckets
from streams.collector.records import dead_record, event_record
from streams.collector.request import Adapted, Adapter, Refusal, RequestParts, SourceKind
from streams.collector.segment import pixel_body
from streams.identity.keys import Secret

log = logging.getLogger(__name__)

ROUTES: Final = {
    f"/v1/{path}": method for path, method in [*((name, name) for name in (*METHODS, *BATCHES)), *SHORT.items()]
}
"""Long and short paths of the tracking API, and the method each stands for."""
PIXEL = "/v1/pixel/"

ALLOWED_HEADERS = "authorization, content-type, content-encoding, anonymousid, sentat, x-retry-count"
PREFLIGHT_KEPT_S = 600

_OK = b'{"success": true}'
_GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00"
    b"\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)

Clock = Callable[[], int]


def wall_clock() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Limits:
    """How fast one address may send with a public key. None: as fast as it can."""

    browser_address: TokenBuckets | None = None
    trusted_proxies: Sequence[IPv4Network | IPv6Network] = field(default=())


class Edge:
    """Answers every request; `handle` is the server's handler."""

    def __init__(
        self,
        adapter: Adapter,
        gateway: Gateway,
        secret: Secret,
        metrics: EdgeMetrics,
        budget: Budget,
        limits: Limits | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._adapter = adapter
        self._gateway = gateway
        self._secret = secret
        self._metrics = metrics
        self._budget = budget
        self._limits = limits or Limits()
        self._clock = clock
        self._nonces = (f"{prefix}-{number}" for prefix in [secrets.token_hex(8)] for number in count())
        self._pages: Mapping[str, Callable[[], web.Response]] = {
            "/healthz": lambda: web.Response(text="ok\n"),
            "/readyz": self._ready,
            "/metrics": self._exposition,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; a bug becomes a 500 without a word about the request."""
        route, answer = self._route(request)
        try:
            response = await answer
        except Exception as error:
            log.error("bug in the collector: %s", _place(error))
            response = _refusal(Refusal(500, "internal", "the collector failed on this request"))
        self._metrics.answered(route, response.status)
        _allow_origin(request, response)
        return response

    def _route(self, request: web.BaseRequest) -> tuple[str, Awaitable[web.Response]]:
        """The route's name, as the metrics know it, and its answer."""
        path, method = request.path, request.method
        if method == "POST" and (name := ROUTES.get(path) or ROUTES.get(path.rstrip("/"))):
            return name, self._tracked(request, name)
        if method == "OPTIONS":
            return "preflight", _preflight()
        if method == "GET" and path.startswith(PIXEL):
            return "pixel", self._pixel(request, path.removeprefix(PIXEL).rstrip("/"))
        if method in ("GET", "HEAD") and path in self._pages:
            return path[1:], _page(self._pages[path])
        return "other", _unknown(path)

    async def _tracked(self, request: web.BaseRequest, method: str) -> web.Response:
        if (away := self._gateway.unavailable) is not None:
            return self._unavailable(away)
        sent = await read_body(request, self._budget)
        if isinstance(sent, BadBody):
            return self._refused(Refusal(*sent))
        try:
            body = inflate(sent)
            if isinstance(body, BadBody):
                return self._refused(Refusal(*body))
            return await self._ingest(request, method, body)
        finally:
            self._budget.release(len(sent))

    async def _ingest(self, request: web.BaseRequest, method: str, body: bytes) -> web.Response:
        headers = request.headers
        parts = RequestParts(
            method, body, headers.get("Authorization"), headers.get("User-Agent", ""), next(self._nonces)
        )
        received_at = self._clock()
        outcome = self._adapter(parts, received_at)
        if (wait := self._must_wait(request, outcome)) > 0:
            return self._refused(Refusal(429, "rate_limited", "too many requests from this address"), wait)
        if isinstance(outcome, Refusal):
            return self._refused(outcome)
        return await self._publish(outcome, received_at)

    async def _publish(self, adapted: Adapted, received_at: int) -> web.Response:
        if (away := self._gateway.unavailable) is not None:
            return self._unavailable(away)
        partitions = self._gateway.partitions
        records = [event_record(event, self._secret, partitions) for event in adapted.events]
        topics: dict[str, int] = {}
        for record in records:
            topics[record.topic] = topics.get(record.topic, 0) + 1
        records += [dead_record(dead, received_at, partitions) for dead in adapted.dead]
        problem = await self._gateway.publish(records) if records else None
        if problem is not None:
            return self._unavailable(problem)
        for topic, number in topics.items():
            self._metrics.accepted(topic, number)
        for dead in adapted.dead:
            self._metrics.rejected.labels(dead.reason).inc()
        return web.Response(body=_OK, content_type="application/json")

    async def _pixel(self, request: web.BaseRequest, method: str) -> web.Response:
        """An image tag cannot read a status: it always gets its picture, which therefore confirms nothing."""
        await self._ingest(request, SHORT.get(method, method), pixel_body(request.query.get("data", "")))
        return web.Response(body=_GIF, content_type="image/gif", headers={"Cache-Control": "no-store"})

    def _must_wait(self, request: web.BaseRequest, outcome: Adapted | Refusal) -> int:
        """Whole seconds to wait. Only senders without a secret are slowed: browsers and unknown keys."""
        buckets = self._limits.browser_address
        secretive = isinstance(outcome, Adapted) and outcome.source.kind is not SourceKind.BROWSER
        if buckets is None or secretive:
            return 0
        return buckets.take(client_address(request, self._limits.trusted_proxies), time.monotonic())

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


def _refusal(refusal: Refusal, retry_after: int | None = None) -> web.Response:
    answer = {"success": False, "code": str(refusal.code), "message": refusal.message}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.Response(
        body=json.dumps(answer).encode(), status=refusal.status, content_type="application/json", headers=headers
    )


def _allow_origin(request: web.BaseRequest, response: web.Response) -> None:
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


def client_address(request: web.BaseRequest, proxies: Sequence[IPv4Network | IPv6Network]) -> str:
    """The sender's address: the connection's, or the last one in X-Forwarded-For that is not a trusted proxy's."""
    address = request.remote or ""
    hops = request.headers.get("X-Forwarded-For", "").split(",") if proxies else []
    while hops and _is_trusted(address, proxies):
        address = hops.pop().strip()
    return address


def _is_trusted(address: str, proxies: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in proxies)
