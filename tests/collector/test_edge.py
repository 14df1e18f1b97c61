"""The HTTP edge, driven by raw requests."""

import asyncio
import gzip
import json
import zlib
from base64 import b64encode
from typing import Any

import aiohttp
import pytest

from streams.collector.edge import Limits
from streams.collector.gateway import Unavailable
from streams.collector.kafka_gateway import AWAY
from streams.collector.message import BATCHES, METHODS, SHORT
from streams.collector.request import MAX_BODY, Adapted, Event, RequestParts, Route, Source, SourceKind
from tests.collector.conftest import BROWSER_KEY, BURST, Running, running
from tests.collector.memory import eventually

TRACK: dict[str, Any] = {"event": "Demo Requested", "anonymousId": "a"}
RAW = json.dumps(TRACK).encode()


CALLS = {f"/v1/{path}": SHORT.get(path, path) for path in (*METHODS, *BATCHES, *SHORT)}


@pytest.mark.parametrize("path", sorted(CALLS))
async def test_every_long_and_short_path_accepts_its_message(collector: Running, path: str) -> None:
    message = {**TRACK, "type": "track", "userId": "u", "previousId": "a"}
    body = {"batch": [message]} if CALLS[path] in ("batch", "import") else message
    assert await collector.post(path, body) == (200, {"success": True})
    assert len(collector.gateway.events()) == 1


async def test_content_type_is_ignored(collector: Running) -> None:
    for label in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=nonsense"):
        assert (await collector.post("/v1/t", RAW, Content_Type=label))[0] == 200


async def test_a_gzip_body_is_inflated_whatever_it_is_called(collector: Running) -> None:
    packed = gzip.compress(RAW)
    assert (await collector.post("/v1/t", packed, Content_Encoding="gzip"))[0] == 200
    assert (await collector.post("/v1/t", packed, Content_Type="application/x-www-form-urlencoded"))[0] == 200
    assert (await collector.post("/v1/t", RAW, Content_Encoding="gzip"))[0] == 200
    assert len(collector.gateway.events()) == 3


async def test_a_gzip_bomb_is_refused_without_being_inflated(collector: Running) -> None:
    squeezer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([*(squeezer.compress(bytes(1024 * 1024)) for _ in range(100)), squeezer.flush()])
    status, answer = await collector.post("/v1/batch", bomb)
    assert (status, answer["code"]) == (400, "too_large")


@pytest.mark.parametrize("cut", [3, 20])
async def test_broken_gzip_is_refused(collector: Running, cut: int) -> None:
    status, answer = await collector.post("/v1/t", gzip.compress(RAW)[:-cut])
    assert (status, answer["code"]) == (400, "bad_gzip")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_refused_for_good(collector: Running, chunked: bool) -> None:
    async def pieces() -> Any:
        for _ in range(9):
            yield b" " * (MAX_BODY // 8)

    body: Any = pieces() if chunked else b" " * (MAX_BODY + 1)
    try:
        async with collector.http.post(f"{collector.url}/v1/batch", data=body) as answer:
            assert answer.status == 400
    except aiohttp.ClientConnectionError:
        pytest.fail("the connection was broken instead of answered")
    assert collector.budget.held == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"not json", "bad_json"),
        (b"\xff", "bad_utf8"),
        (b'{"event": "X"}', "missing_identity"),
        (b'{"userId": "u", "event": "' + b"x" * 33_000 + b'"}', "oversize"),
    ],
)
async def test_what_can_never_succeed_is_a_400_with_its_reason(collector: Running, body: bytes, code: str) -> None:
    status, answer = await collector.post("/v1/track", body)
    assert (status, answer["success"], answer["code"]) == (400, False, code)
    assert collector.gateway.records == []


async def test_the_write_key_may_be_in_the_body(collector: Running) -> None:
    assert (await collector.post("/v1/t", {**TRACK, "writeKey": BROWSER_KEY}, key=None))[0] == 200
    assert collector.gateway.events()[0]["source"] == "website"


@pytest.mark.parametrize("key", [None, "", "wrong", "x" * 300])
async def test_without_a_known_key_nothing_gets_in(collector: Running, key: str | None) -> None:
    for path in ("/v1/t", "/v1/batch"):
        status, answer = await collector.post(path, {**TRACK, "batch": []}, key=key)
        assert (status, answer["code"]) == (401, "unauthorized")


async def test_the_source_s_kind_comes_from_the_key(collector: Running) -> None:
    for key in (BROWSER_KEY, "secret-key"):
        await collector.post(
            "/v1/t", {**TRACK, "source_kind": "server", "context": {"source_kind": "crm"}}, key=key
        )
    found = [(event["source"], event["source_kind"]) for event in collector.gateway.events()]
    assert found == [("website", "browser"), ("backend", "server")]


async def test_a_browser_on_another_origin_may_send(collector: Running) -> None:
    origin = {"Origin": "https://shop.test"}
    wanted = "authorization,content-type,anonymousid,sentat,x-retry-count"
    asking = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": wanted}
    async with collector.http.options(f"{collector.url}/v1/t", headers=asking) as preflight:
        assert preflight.status == 204
        allowed = {name.strip() for name in preflight.headers["Access-Control-Allow-Headers"].split(",")}
        assert set(wanted.split(",")) <= allowed
        assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
        assert preflight.headers["Access-Control-Allow-Origin"] == "https://shop.test"
        assert preflight.headers["Access-Control-Allow-Credentials"] == "true"
    for key, status in ((BROWSER_KEY, 200), ("wrong", 401)):
        body = {**TRACK, "writeKey": key}
        async with collector.http.post(f"{collector.url}/v1/t", json=body, headers=origin) as answer:
            assert answer.status == status
            assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.test"


async def test_a_pixel_always_gets_its_picture(collector: Running) -> None:
    good = b64encode(json.dumps({**TRACK, "writeKey": BROWSER_KEY}).encode()).decode()
    for path, data in (("track", good), ("t", good.rstrip("=")), ("track", "%%%"), ("fly", good), ("page", "")):
        async with collector.http.get(f"{collector.url}/v1/pixel/{path}", params={"data": data}) as answer:
            assert (answer.status, answer.content_type) == (200, "image/gif")
            assert (await answer.read()).startswith(b"GIF89a")
    assert len(collector.gateway.events()) == 2


async def test_a_bad_message_does_not_block_its_batch(collector: Running) -> None:
    good = {**TRACK, "type": "track"}
    batch = {"batch": [good, {"type": "fly", "userId": "u"}, good, 7]}
    assert (await collector.post("/v1/batch", batch))[0] == 200
    assert len(collector.gateway.events()) == 2
    assert collector.gateway.dead() == [("unknown_type", b'{"type": "fly", "userId": "u"}'), ("bad_json", b"7")]


async def test_while_kafka_is_away_nothing_is_confirmed(collector: Running) -> None:
    collector.gateway.away = AWAY
    async with collector.http.post(f"{collector.url}/v1/t", json=TRACK) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
    async with collector.http.get(f"{collector.url}/readyz") as answer:
        assert answer.status == 503
    async with collector.http.get(f"{collector.url}/healthz") as answer:
        assert answer.status == 200


async def test_an_event_that_kafka_did_not_confirm_is_not_confirmed(collector: Running) -> None:
    collector.gateway.lose = Unavailable("lost")
    assert (await collector.post("/v1/t", TRACK))[0] == 503
    assert (await collector.post("/v1/batch", {"batch": [{**TRACK, "type": "track"}]}))[0] == 503


async def test_the_answer_waits_for_the_acknowledgement(collector: Running) -> None:
    collector.gateway.acknowledging.clear()
    asking = asyncio.create_task(collector.post("/v1/t", TRACK))
    done, _ = await asyncio.wait([asking], timeout=0.1)
    assert not done
    collector.gateway.acknowledging.set()
    assert (await asking)[0] == 200


async def test_bytes_that_wait_are_bounded_and_the_rest_is_told_to_come_again(collector: Running) -> None:
    collector.gateway.acknowledging.clear()
    collector.budget._limit = 3 * len(RAW)
    waiting = [asyncio.create_task(collector.post("/v1/t", RAW)) for _ in range(5)]
    refused, waiting_still = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=5)
    while len(refused) < 2:
        more, waiting_still = await asyncio.wait(waiting_still, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        refused |= more
    assert {task.result()[0] for task in refused} == {503}
    collector.gateway.acknowledging.set()
    assert {(await task)[0] for task in waiting_still} == {200}
    assert collector.budget.held == 0


async def test_an_address_with_a_public_key_is_slowed_down_and_a_server_is_not(collector: Running) -> None:
    body = {**TRACK, "writeKey": BROWSER_KEY}
    answers = [(await collector.post("/v1/t", body, key=None))[0] for _ in range(BURST + 5)]
    assert answers[:BURST] == [200] * BURST
    assert set(answers[BURST:]) <= {200, 429}
    async with collector.http.post(f"{collector.url}/v1/t", json=body) as answer:
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "1"
    assert (await collector.post("/v1/t", TRACK))[0] == 200


async def test_unknown_methods_of_the_api_are_permanent_and_other_paths_are_not_there(collector: Running) -> None:
    assert (await collector.post("/v1/fly", TRACK))[0] == 400
    assert (await collector.post("/elsewhere", TRACK))[0] == 404


async def test_a_malformed_request_is_refused_without_a_word_in_the_log(
    collector: Running, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = collector.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /v1/t HTTP/1.1\r\nHost: x\r\nAuthorization: " + b"ada@firm.test" * 1000 + b"\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert caplog.records == []


async def test_metrics_tell_requests_and_refusals_but_nothing_of_the_sender(collector: Running) -> None:
    await collector.post("/v1/t", TRACK)
    await collector.post("/v1/t", b"{")
    async with collector.http.get(f"{collector.url}/metrics") as answer:
        text = await answer.text()
    assert 'leadstreams_collector_requests_total{route="track",status="200"} 1.0' in text
    assert 'leadstreams_collector_rejected_total{reason="bad_json"} 1.0' in text
    assert 'leadstreams_collector_events_total{topic="form-submissions"} 1.0' in text
    assert "leadstreams_collector_in_flight_bytes 0.0" in text


async def test_a_client_that_leaves_in_the_middle_does_no_harm(collector: Running) -> None:
    host, port = collector.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /v1/t HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await collector.post("/v1/t", TRACK))[0] == 200
    await eventually(lambda: collector.budget.held == 0)


async def test_rudderstack_s_browser_sdk_is_configured_even_while_kafka_is_away(
    collector: Running,
) -> None:
    collector.gateway.away = AWAY
    asking = {"writeKey": BROWSER_KEY, "p": "npm", "v": "3.34.1"}
    async with collector.http.get(f"{collector.url}/sourceConfig/", params=asking) as answer:
        assert answer.status == 200
        configured = (await answer.json())["source"]
    assert (configured["name"], configured["enabled"], configured["destinations"]) == ("website", True, [])
    for wrong in ({"writeKey": "wrong"}, {}):
        async with collector.http.get(f"{collector.url}/sourceConfig/", params=wrong) as answer:
            assert answer.status == 401


def boasting(parts: RequestParts, received_at: int) -> Adapted:
    """An adapter that lets its sender say what only the collector may."""
    said: Event = {"type": "custom", "name": "X", "event_id": "e", "user_id": "u"}
    said |= {"occurred_at": "2026-01-01T00:00:00Z"}
    said |= {"source": "crm", "source_kind": "crm", "received_at": "1999-01-01T00:00:00Z"}
    return Adapted(Source("website", SourceKind.BROWSER), [said], [])


async def test_what_an_adapter_says_of_its_source_is_overruled() -> None:
    async with running([Route("POST", "/boast", "boast", boasting)], Limits()) as collector:
        assert (await collector.post("/boast", b"{}"))[0] == 200
        (event,) = collector.gateway.events()
    assert (event["source"], event["source_kind"]) == ("website", "browser")
    assert event["received_at"] > "2000"
