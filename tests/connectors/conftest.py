"""Receivers for the tests: fakes of the CRMs, and a real PostgreSQL."""

import os
import re
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from streams.connectors import configuration
from streams.connectors.base import Base
from tests.conftest import REQUIRE_KAFKA
from tests.connectors.fake_hubspot import TOKEN, FakeHubSpot
from tests.connectors.fake_salesforce import FakeSalesforce
from tests.connectors.postgres import Postgres, missing

CREDENTIALS = "login: {domain: acme.my, consumer_key: {env: SF_KEY}, consumer_secret: {env: SF_SECRET}}"


@pytest.fixture(scope="session")
def make_httpserver() -> Iterator[HTTPServer]:
    """One server for all tests, each with handlers of its own; several connections at once."""
    server = HTTPServer(host="127.0.0.1", threaded=True)
    server.start()
    yield server
    server.clear()
    if server.is_running():
        server.stop()


@pytest.fixture
def salesforce(httpserver: HTTPServer) -> FakeSalesforce:
    fake = FakeSalesforce()
    httpserver.expect_request(re.compile("^/services/.*")).respond_with_handler(fake)
    return fake


@pytest.fixture
def hubspot(httpserver: HTTPServer) -> FakeHubSpot:
    fake = FakeHubSpot()
    httpserver.expect_request(re.compile("^/crm/.*")).respond_with_handler(fake)
    return fake


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the shipped configurations name."""
    names = {"SF_KEY": "k", "SF_SECRET": "s", "HUBSPOT_TOKEN": TOKEN}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    return names


def shipped(name: str) -> str:
    """A shipped configuration; Salesforce's with credentials that need no key pair."""
    text = (configuration.SHIPPED / f"{name}.yaml").read_text()
    if name == "salesforce":
        head, _, tail = text.partition("login:")
        text = f"{head}{CREDENTIALS}\n{tail[tail.index('lead:') :]}"
    return text


def settings_of(text: str) -> Base:
    found = configuration.read(text.encode(), "test.yaml")
    assert isinstance(found, Base), [str(fault) for fault in found]
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of our own, on a free port of loopback."""
    why = missing()
    if why is not None and os.environ.get(REQUIRE_KAFKA) == "1":
        pytest.fail(f"PostgreSQL is required where Kafka is: {why}", pytrace=False)
    if why is not None:
        pytest.skip(f"not run: {why}")
    with Postgres() as server:
        yield server
