"""The unmodified Segment SDK for Python against a running collector."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from segment.analytics.client import Client

from streams.collector.kafka_gateway import AWAY
from tests.collector.conftest import Running

KEY = "secret-key"


def send(host: str, calls: Callable[[Client], None], errors: list[Any], **options: Any) -> None:
    """Make the calls, wait until the SDK is done with them."""
    client = Client(
        KEY, host=host, on_error=lambda error, items: errors.append(error), upload_interval=0.05, **options
    )
    calls(client)
    client.shutdown()


async def run(collector: Running, calls: Callable[[Client], None], **options: Any) -> list[Any]:
    errors: list[Any] = []
    await asyncio.to_thread(send, collector.url, calls, errors, **options)
    return errors


def journey(client: Client) -> None:
    client.page(anonymous_id="a", name="Pricing", properties={"url": "https://x.test/pricing"})
    client.identify("u", {"email": "ada@firm.test", "company": "Firm"})
    client.track("u", "Demo Requested", {"email": "ada@firm.test"})
    client.group("u", "g", {"name": "Firm"})
    client.alias("a", "u")
    client.screen("u", name="Home")


@pytest.mark.parametrize("gzip", [False, True])
async def test_every_call_of_the_sdk_arrives(collector: Running, gzip: bool) -> None:
    assert await run(collector, journey, gzip=gzip) == []
    assert sorted(event["type"] for event in collector.gateway.events()) == [
        "company_identified",
        "form_submitted",
        "identities_linked",
        "lead_identified",
        "page_viewed",
        "page_viewed",
    ]
    assert {event["source"] for event in collector.gateway.events()} == {"backend"}


async def test_a_number_that_json_does_not_have_costs_one_message_and_not_its_batch(collector: Running) -> None:
    def calls(client: Client) -> None:
        client.track("u", "Price Seen", {"price": float("nan")})
        client.track("u", "Price Seen", {"price": 10})

    assert await run(collector, calls, upload_size=2) == []
    assert [event["properties"] for event in collector.gateway.events()] == [{"price": 10}]
    assert [reason for reason, _ in collector.gateway.dead()] == ["not_representable"]


async def test_what_was_sent_while_kafka_was_away_arrives_when_it_is_back(collector: Running) -> None:
    collector.gateway.away = AWAY
    sending = asyncio.create_task(run(collector, journey))
    done, _ = await asyncio.wait([sending], timeout=0.3)
    assert not done
    assert collector.gateway.records == []
    collector.gateway.away = None
    assert await sending == []
    assert len(collector.gateway.events()) == 6


async def test_a_refused_key_is_an_error_that_the_sdk_reports_once(collector: Running) -> None:
    errors: list[Any] = []

    def wrong() -> None:
        client = Client("wrong", host=collector.url, on_error=lambda error, items: errors.append(error))
        client.track("u", "X")
        client.shutdown()

    await asyncio.to_thread(wrong)
    assert [(error.status, error.code) for error in errors] == [(401, "unauthorized")]
