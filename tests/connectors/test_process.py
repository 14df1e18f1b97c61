"""A connector as it runs: from the topic to the receiver, through a process of its own."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from schemas.dead_letter import Headers, Reason
from streams import topics
from streams.broker import EmbeddedBroker
from streams.settings import Settings
from tests.cli.records import records
from tests.connectors.connecting import STOP_S, Connector, publish, topics_of
from tests.connectors.handoffs import handoff, handoff_id, lead_key, update

pytestmark = pytest.mark.embedded

CONFIG = "kind: webhook\nurl: {env: HOOK}\nsecrets: [{env: SECRET}]\nconcurrency: 2\n"
PATIENCE_S = 30.0


async def until(condition: Callable[[], bool], connector: Connector) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert connector.running, connector.printed
        assert time.monotonic() < deadline, connector.printed
        await asyncio.sleep(0.02)


@pytest.fixture
def settings(own_embedded: EmbeddedBroker) -> Settings:
    made = Settings(broker=own_embedded.bootstrap, delivery="at-least-once", session_timeout_s=6.0)
    topics_of(made)
    return made


async def test_from_the_topic_to_a_webhook_and_on_after_a_restart(
    settings: Settings, httpserver: HTTPServer, tmp_path: Path
) -> None:
    refused = lead_key(7)
    got: list[bytes] = []

    def take(request: Request) -> Response:
        if json.loads(request.data)["subject"] == refused:
            return Response(status=422)
        got.append(request.data)
        return Response(status=204)

    httpserver.expect_request("/hook").respond_with_handler(take)
    first = [(lead_key(n), handoff(n)) for n in range(20)]
    await publish(settings, first)
    secrets = {"HOOK": httpserver.url_for("/hook"), "SECRET": "s3cret-value"}
    connector = Connector("crm", settings, tmp_path, CONFIG, secrets)
    shown = connector.dry_run()
    assert shown.count('"requests"') == 20
    assert got == []
    connector.start()
    try:
        await until(lambda: len(got) == 19, connector)
        started = time.monotonic()
        assert connector.stop() == 0, connector.printed
        assert time.monotonic() - started < STOP_S
        letters = records(settings.broker, topics.DEAD_LETTERS)
        second = [(lead_key(n), update(n)) for n in range(5)]
        await publish(settings, second)
        connector.start()
        await until(lambda: len(got) >= 24, connector)
        assert connector.stop() == 0
    finally:
        connector.kill()

    wanted = [value for key, value in [*first, *second] if key != refused]
    assert sorted(got) == sorted(wanted)
    head = Headers.decode(letters[0].headers)
    assert head is not None
    assert (len(letters), head.reason, head.detail) == (1, Reason.CRM_REFUSED, "crm: HTTP 422")
    assert letters[0].value == handoff(7)
    assert dict(letters[0].headers)["connector"] == b"crm"
    assert head.source_topic == topics.SALES_HANDOFFS
    assert "s3cret-value" not in connector.printed + shown
    assert "example.jp" not in connector.printed
    assert handoff_id(7) not in connector.printed


async def test_it_stops_in_time_while_receiver_and_broker_are_away(
    settings: Settings, own_embedded: EmbeddedBroker, httpserver: HTTPServer, tmp_path: Path
) -> None:
    asked: list[bool] = []

    def away(_: Request) -> Response:
        asked.append(True)
        return Response(status=503, headers={"Retry-After": "600"})

    httpserver.expect_request("/hook").respond_with_handler(away)
    await publish(settings, [(lead_key(n), handoff(n)) for n in range(5)])
    secrets = {"HOOK": httpserver.url_for("/hook"), "SECRET": "s"}
    connector = Connector("crm", settings, tmp_path, CONFIG, secrets).start()
    try:
        await until(lambda: bool(asked), connector)
        own_embedded.kill()
        started = time.monotonic()
        assert connector.stop() == 0
        assert time.monotonic() - started < STOP_S
    finally:
        connector.kill()


def test_a_missing_secret_and_a_wrong_file_are_one_line_each(settings: Settings, tmp_path: Path) -> None:
    connector = Connector("crm", settings, tmp_path, CONFIG, {})
    with pytest.raises(AssertionError, match="the variable HOOK is empty or not there"):
        connector.dry_run()
    broken = Connector("bad", settings, tmp_path, "kind: webhook\nurl: http://x\nwrong: 1\n", {})
    with pytest.raises(AssertionError, match=r"bad\.yaml:3: wrong: unknown word"):
        broken.dry_run()
