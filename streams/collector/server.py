"""Starts and stops the collector."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import uvloop
from aiohttp import web

from streams.collector.budget import Budget
from streams.collector.edge import Edge, Limits
from streams.collector.gateway import Gateway
from streams.collector.kafka_gateway import KafkaGateway
from streams.collector.mapping import DEFAULT_FILE, Mapping, load_mapping
from streams.collector.metrics import EdgeMetrics
from streams.collector.rates import TokenBuckets
from streams.collector.segment import SegmentAdapter
from streams.collector.write_keys import AnyKey, Keys, WriteKeys, load_keys
from streams.identity.keys import Secret
from streams.kafka_client import client_options
from streams.settings import Settings

_unheard = logging.getLogger(f"{__name__}.http")
_unheard.disabled = True
"""aiohttp would log malformed requests with the sender's address and a piece of the request."""

ANSWERING_S, FLUSHING_S = 6.0, 2.0
"""A stop waits this long for open requests, then this long for the producer: under 10 s together."""

BROWSER_RATE, BROWSER_BURST = 200.0, 1000.0
"""Requests a second from one address with a public key: an office behind one address stays far below it."""

IDLE_S = 75.0
"""An idle connection is closed after this."""


@dataclass(frozen=True)
class Plan:
    """All that is needed to run, checked."""

    settings: Settings
    secret: Secret
    mapping: Mapping
    keys: Keys
    limits: Limits


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
    mapping = load_mapping(settings.mapping or DEFAULT_FILE)
    if isinstance(mapping, str):
        return mapping
    if dev:
        if not is_loopback(settings.collector_host):
            return f"--dev accepts any write key, so it listens on loopback only, not on {settings.collector_host}"
        return Plan(settings, secret, mapping, AnyKey(), Limits())
    if settings.write_keys is None:
        return "no write keys: set LEADSTREAMS_WRITE_KEYS to a TOML file of them, or use --dev on loopback"
    keys = load_keys(settings.write_keys)
    if isinstance(keys, str):
        return keys
    limits = Limits(TokenBuckets(BROWSER_RATE, BROWSER_BURST), keys.trusted_proxies)
    return Plan(settings, secret, mapping, WriteKeys(keys.sources), limits)


@asynccontextmanager
async def listening(edge: Edge, host: str, port: int) -> AsyncIterator[int]:
    """Serve the edge; yields the port. On leaving, open requests are answered first."""
    server = web.Server(
        edge.handle, access_log=None, logger=_unheard, auto_decompress=False, keepalive_timeout=IDLE_S
    )
    runner = web.ServerRunner(server, shutdown_timeout=ANSWERING_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def collecting(planned: Plan) -> AsyncIterator[tuple[int, Gateway]]:
    """A running collector: its port and its gateway to Kafka, which may still be connecting."""
    budget, metrics = Budget(), EdgeMetrics()
    gateway = KafkaGateway(client_options(planned.settings), budget, metrics)
    adapter = SegmentAdapter(planned.keys, planned.mapping)
    edge = Edge(adapter, gateway, planned.secret, metrics, budget, planned.limits)
    gateway.start()
    try:
        async with listening(edge, planned.settings.collector_host, planned.settings.collector_port) as port:
            yield port, gateway
    finally:
        await gateway.stop(FLUSHING_S)


async def _until_stopped(planned: Plan) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with collecting(planned) as (port, _):
        print(f"collector: http://{planned.settings.collector_host}:{port}", flush=True)
        await stop.wait()


def run(settings: Settings, *, dev: bool) -> int:
    """Run until SIGTERM or SIGINT. 0 after a clean stop, 1 if the port is taken, 2 if the settings are wrong."""
    planned = plan(settings, dev=dev)
    if isinstance(planned, str):
        print(planned, file=sys.stderr)
        return 2
    # The gateway tells once that Kafka is away; the client library would tell it several times a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        _run(_until_stopped(planned))
    except OSError as error:
        address = f"{settings.collector_host}:{settings.collector_port}"
        print(f"cannot listen on {address}: {error.strerror or type(error).__name__}", file=sys.stderr)
        return 1
    return 0


def _run(main: Any) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
