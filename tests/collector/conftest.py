"""A running collector whose gateway is in memory."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from streams.collector.budget import Budget
from streams.collector.connections import MAX_CONNECTIONS
from streams.collector.edge import Edge, Limits
from streams.collector.mapping import Mapping, load_mapping
from streams.collector.metrics import EdgeMetrics
from streams.collector.rates import TokenBuckets
from streams.collector.request import Route
from streams.collector.routes import tracker_routes
from streams.collector.server import listening
from streams.collector.write_keys import Entry, WriteKeys
from streams.identity.keys import Secret
from tests.collector.memory import MemoryGateway

SECRET = Secret(b"the secret of the tests")
BROWSER_KEY, SERVER_KEY = "public-key", "secret-key"
SERVER_KEY_SHA256 = "85dbe15d75ef9308c7ae0f33c7a324cc6f4bf519a2ed2f3027bd33c140a4f9aa"
BURST = 50


@dataclass
class Running:
    """One collector and a client of it."""

    gateway: MemoryGateway
    budget: Budget
    metrics: EdgeMetrics
    http: aiohttp.ClientSession
    url: str

    async def post(
        self, path: str, body: bytes | dict[str, Any], key: str | None = SERVER_KEY, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON answer; the write key travels as Basic authorization."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["Authorization"] = "Basic " + b64encode(f"{key}:".encode()).decode()
        how: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.http.post(self.url + path, headers=sent, **how) as answer:
            return answer.status, await answer.json()

    def metric(self, name: str, **labels: str) -> float:
        """A metric's value; 0 before its first move."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture(scope="session")
def mapping() -> Mapping:
    loaded = load_mapping()
    assert isinstance(loaded, Mapping), loaded
    return loaded


@pytest.fixture(scope="session")
def keys() -> WriteKeys:
    return WriteKeys(
        [
            Entry(name="website", kind="browser", key=BROWSER_KEY, sha256=None),
            Entry(name="backend", kind="server", key=None, sha256=SERVER_KEY_SHA256),
        ]
    )


@pytest.fixture(scope="session")
def routes(mapping: Mapping, keys: WriteKeys) -> list[Route]:
    """Every way in; a test module may have others."""
    return tracker_routes(keys, mapping)


@asynccontextmanager
async def running(routes: list[Route], limits: Limits, most: int = MAX_CONNECTIONS) -> AsyncIterator[Running]:
    """A collector with those ways in and limits, for at most `most` clients at once."""
    gateway, budget, metrics = MemoryGateway(), Budget(), EdgeMetrics()
    edge = Edge(routes, gateway, SECRET, metrics, budget, limits)
    async with listening(edge, "127.0.0.1", 0, most) as port, aiohttp.ClientSession() as http:
        yield Running(gateway, budget, metrics, http, f"http://127.0.0.1:{port}")
        gateway.acknowledging.set()


@pytest.fixture
async def collector(routes: list[Route]) -> AsyncIterator[Running]:
    async with running(routes, Limits(TokenBuckets(rate=1, burst=BURST))) as found:
        yield found
