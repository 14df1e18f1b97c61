"""Starts and stops the collector."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import uvloop
from aiohttp import web

from streams import kafka_access, tracing
from streams.collector.budget import Budget
from streams.collector.connections import (
    IDLE_S,
    MAX_CONNECTIONS,
    MAX_REQUEST_LINE,
    Connections,
    most_connections,
)
from streams.collector.edge import Edge, Limits
from streams.collector.gateway import Gateway
from streams.collector.hooks.routes import load_routes
from streams.collector.kafka_gateway import KafkaGateway
from streams.collector.mapping import DEFAULT_FILE, load_mapping
from streams.collector.metrics import EdgeMetrics
from streams.collector.rates import TokenBuckets
from streams.collector.request import Route
from streams.collector.routes import tracker_routes
from streams.collector.snippet import snippet_routes
from streams.collector.write_keys import AnyKey, KeyFile, Keys, WriteKeys, load_keys
from streams.enrichment.configured import load_enrichment
from streams.enrichment.enrichment import Enrichment
from streams.identity.keys import Secret
from streams.kafka_client import client_options, unreadable
from streams.quiet import quieten_client_logs
from streams.settings import Settings

log = logging.getLogger(__name__)

_unheard = logging.getLogger(f"{__name__}.http")
_unheard.disabled = True
"""aiohttp would log malformed requests with the sender's address and a piece of the request."""

ANSWERING_S, FLUSHING_S = 6.0, 2.0
"""A stop waits this long for open requests, then this long for the producer: under 10 s together."""

BURST_S = 5.0
"""A sender may be this many seconds ahead of its rate: a page that is opened, an outage that is over."""

BACKLOG = 1024
"""Connections that may wait to be accepted."""

YOUNG = 10_000
"""Objects that may be made before Python looks for cycles among the young: few, and small. At its own 700 it looks
once in thirty requests, each time at all that waits for the broker."""


@dataclass(frozen=True)
class Plan:
    """All that is needed to run, checked."""

    settings: Settings
    secret: Secret
    routes: list[Route]
    limits: Limits
    enrichment: Enrichment | None = None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def plan(settings: Settings, *, dev: bool) -> Plan | str:
    """What to run, or one line that says what is wrong with the settings."""
    secret = settings.require_secret()
    if isinstance(secret, str):
        return secret
    if (unread := unreadable(settings)) is not None:
        return unread
    mapping = load_mapping(settings.mapping or DEFAULT_FILE)
    if isinstance(mapping, str):
        return mapping
    guarded = _guard(settings, dev=dev)
    if isinstance(guarded, str):
        return guarded
    keys, limits = guarded
    hooked = load_routes(settings.hooks, settings.forms, mapping)
    if isinstance(hooked, str):
        return hooked
    enrichment = load_enrichment(settings)
    if isinstance(enrichment, str):
        return enrichment
    routes = [*tracker_routes(keys, mapping), *snippet_routes(), *hooked]
    return Plan(settings, secret, routes, limits, enrichment)


def _guard(settings: Settings, *, dev: bool) -> tuple[Keys, Limits] | str:
    """Who may send and how fast, or what is wrong with that."""
    if dev:
        if not is_loopback(settings.collector_host):
            return f"--dev accepts any write key, so it listens on loopback only, not on {settings.collector_host}"
        return AnyKey(), Limits()
    if settings.write_keys is None:
        return "no write keys: set LEADSTREAMS_WRITE_KEYS to a TOML file of them, or use --dev on loopback"
    found = load_keys(settings.write_keys)
    if isinstance(found, str):
        return found
    return WriteKeys(found.sources), _limits(found)


def _limits(found: KeyFile) -> Limits:
    address, source = found.requests_per_second_of_an_address, found.requests_per_second_of_a_source
    return Limits(
        TokenBuckets(address, max(1.0, address * BURST_S)),
        TokenBuckets(source, max(1.0, source * BURST_S)),
        found.trusted_proxies,
    )


@asynccontextmanager
async def listening(edge: Edge, host: str, port: int, most: int = MAX_CONNECTIONS) -> AsyncIterator[int]:
    """Serve the edge, for at most `most` clients at once; yields the port.

    On leaving, open requests are answered first.
    """
    server = Connections(
        edge.handle,
        most,
        access_log=None,
        logger=_unheard,
        auto_decompress=False,
        keepalive_timeout=IDLE_S,
        max_line_size=MAX_REQUEST_LINE,
    )
    runner = web.ServerRunner(server, shutdown_timeout=ANSWERING_S)
    await runner.setup()
    sweeping = asyncio.get_running_loop().create_task(server.sweep())
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        yield int(runner.addresses[0][1])
    finally:
        sweeping.cancel()
        await runner.cleanup()


@asynccontextmanager
async def collecting(planned: Plan) -> AsyncIterator[tuple[int, Gateway]]:
    """A running collector: its port and its gateway to Kafka, which may still be connecting."""
    budget, metrics = Budget(), EdgeMetrics()
    gateway = KafkaGateway(client_options(planned.settings), budget, metrics)
    edge = Edge(
        planned.routes, gateway, planned.secret, metrics, budget, planned.limits, enrich=planned.enrichment
    )
    gateway.start()
    try:
        host, port, most = planned.settings.collector_host, planned.settings.collector_port, most_connections()
        async with listening(edge, host, port, most) as port:
            yield port, gateway
    finally:
        await gateway.stop(FLUSHING_S)


async def _until_stopped(planned: Plan) -> str | None:
    """Why Kafka will never take our records; None if told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with collecting(planned) as (port, _):
        print(f"collector: http://{planned.settings.collector_host}:{port}", flush=True)
        _spare_the_program()
        stopped = asyncio.create_task(stop.wait())
        asked = asyncio.create_task(kafka_access.verdict(planned.settings, kafka_access.OF_COLLECTOR))
        await asyncio.wait({stopped, asked}, return_when=asyncio.FIRST_COMPLETED)
        denied = asked.result() if asked.done() else None
        if denied is None:
            await stopped
        asked.cancel()
        stopped.cancel()
        return denied


def run(settings: Settings, *, dev: bool) -> int:
    """Run until SIGTERM or SIGINT.

    0 after a clean stop, 1 if the port is taken or Kafka denies us, 2 if the settings are wrong.
    """
    planned = plan(settings, dev=dev)
    if isinstance(planned, str):
        print(planned, file=sys.stderr)
        return 2
    if settings.tracing and (missing := tracing.start("leadstreams-collector")) is not None:
        log.error("%s", missing)
        return 2
    quieten_client_logs()
    # The gateway tells once that Kafka is away; the client library would tell it several times a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        denied = _run(_until_stopped(planned))
    except OSError as error:
        address = f"{settings.collector_host}:{settings.collector_port}"
        log.error("cannot listen on %s: %s", address, error.strerror or type(error).__name__)
        return 1
    finally:
        tracing.stop()
    if denied is not None:
        log.error("%s", denied)
        return 1
    return 0


def _spare_the_program() -> None:
    """From here on Python looks for cycles among what requests leave behind, not in the program itself."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)


def _run(main: Coroutine[Any, Any, str | None]) -> str | None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
