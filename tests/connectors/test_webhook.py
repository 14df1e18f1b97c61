import hmac
import json
from collections.abc import AsyncIterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from streams.connectors import configuration, http
from streams.connectors.event import Event
from streams.connectors.outcome import Delivered, Outcome, Postponed, Refused
from streams.connectors.webhook import SIGNATURE, TIMESTAMP, Webhook, WebhookSink, request, signed
from tests.connectors.handoffs import event, handoff, handoff_id, lead_key, update

NOW = 1_700_000_000_000


@pytest.fixture
async def sink(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WebhookSink]:
    monkeypatch.setenv("HOOK", httpserver.url_for("/hook"))
    monkeypatch.setenv("SECRET", "s3cret")
    settings = configuration.read(b"kind: webhook\nurl: {env: HOOK}\nsecrets: [{env: SECRET}]\n", "hook.yaml")
    assert isinstance(settings, Webhook)
    made = WebhookSink(settings, lambda: NOW)
    await made.open()
    yield made
    await made.close()


async def delivered(sink: WebhookSink, value: bytes) -> Outcome:
    return (await sink.deliver([event(value)]))[0]


async def test_the_event_is_posted_as_it_is_and_signed(sink: WebhookSink, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("")
    value = handoff()

    assert await delivered(sink, value) == Delivered()

    sent, _ = httpserver.log[0]
    assert sent.data == value
    expected = hmac.new(b"s3cret", b"1700000000." + value, "sha256").hexdigest()
    assert sent.headers[SIGNATURE] == f"v1={expected}"
    assert sent.headers[TIMESTAMP] == "1700000000"
    assert sent.headers["Idempotency-Key"] == handoff_id(0)
    assert sent.headers["Content-Type"] == "application/cloudevents+json; charset=UTF-8"


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (204, {}, Delivered()),
        (400, {}, Refused("HTTP 400")),
        (422, {}, Refused("HTTP 422")),
        (429, {"Retry-After": "7"}, Postponed("HTTP 429", 7.0, everyone=True)),
        (503, {"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT"}, Postponed("HTTP 503", 30.0, everyone=True)),
        (500, {}, Postponed("HTTP 500")),
        (
            401,
            {},
            Postponed("HTTP 401: check address and credentials", everyone=True, operator=True),
        ),
        (
            302,
            {"Location": "http://127.0.0.1:9/"},
            Postponed("HTTP 302: check address and credentials", everyone=True, operator=True),
        ),
    ],
)
async def test_what_the_answer_means(
    sink: WebhookSink, httpserver: HTTPServer, status: int, headers: dict[str, str], outcome: Outcome
) -> None:
    httpserver.expect_request("/hook").respond_with_data("tanaka@example.jp", status, headers)
    assert await delivered(sink, handoff()) == outcome


async def test_nobody_there_is_not_the_events_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/")
    settings = configuration.read(b"kind: webhook\nurl: {env: HOOK}\n", "hook.yaml")
    assert isinstance(settings, Webhook)
    made = WebhookSink(settings)
    await made.open()
    outcome = await delivered(made, handoff())
    await made.close()
    assert isinstance(outcome, Postponed)
    assert outcome.everyone


async def test_a_silent_receiver_is_given_up_in_time(
    sink: WebhookSink, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT_S", 0.1)
    await sink.close()
    await sink.open()
    released = []

    def silent(_: Request) -> Response:
        import threading

        threading.Event().wait(0.5)
        released.append(True)
        return Response("")

    httpserver.expect_request("/hook").respond_with_handler(silent)
    assert await delivered(sink, handoff()) == Postponed("no answer in time")


def test_two_secrets_give_two_signatures_so_that_one_may_be_replaced() -> None:
    made = signed(request(event(handoff()), "http://x", None, False), ["old", "new"], NOW)
    assert made.headers[SIGNATURE].count("v1=") == 2


def test_fields_replace_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "kind: webhook\nurl: {env: X}\nneutralise: true\nfields: {who: who, note: message, change: change}\n"
    settings = configuration.read(text.encode(), "hook.yaml")
    assert isinstance(settings, Webhook)
    told: Event = event(handoff(message='=HYPERLINK("http://evil")\x00'))

    body = json.loads(request(told, "", settings.fields, settings.neutralise).body)

    assert body["who"] == "田中 美香, 例示製作所"
    assert body["note"] == '\'=HYPERLINK("http://evil")'
    assert body["lead_key"] == lead_key(0)
    assert "change" not in body
    changed = json.loads(request(event(update()), "", settings.fields, False).body)
    assert changed["change"] == "opted_out"


def test_a_secret_shows_in_no_printed_form(sink: WebhookSink) -> None:
    assert "s3cret" not in repr(vars(sink))
