"""Whatever is sent: no failure, no hang, nothing held back, and a 200 stands for events that the broker has."""

import asyncio
import gzip
import json
from base64 import b64encode, urlsafe_b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.dead_letter import Rejected
from schemas.event import parse
from streams import topics
from streams.collector import connections
from streams.collector.edge import Limits
from streams.collector.mapping import Mapping, load_mapping
from streams.collector.records import event_record, seal
from streams.collector.request import Adapted, Refusal, RequestParts, Route
from streams.collector.routes import tracker_routes
from streams.collector.write_keys import AnyKey
from tests.collector.conftest import BROWSER_KEY, SECRET, SERVER_KEY, Running, running
from tests.collector.memory import eventually

NOW = 1_780_000_000_000
PARTITIONS = dict.fromkeys((*topics.INPUTS, topics.DEAD_LETTERS), 4)
TP2 = "/com.snowplowanalytics.snowplow/tp2"
LOADED = load_mapping()
assert isinstance(LOADED, Mapping)
ROUTES = {(route.verb, route.path): route for route in tracker_routes(AnyKey(), LOADED)}

SCALAR = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["ada@firm.test", "1780000000000", "\ud83d", "2026-11-20T08:15:30Z", "9" * 400, "pv", "ue", "se"]
    )
)
JSON = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SHORT_NAMES = st.sampled_from(
    [
        "e",
        "url",
        "page",
        "refr",
        "eid",
        "dtm",
        "stm",
        "ttm",
        "duid",
        "nuid",
        "uid",
        "sid",
        "lang",
        "tz",
        "ua",
        "se_ca",
        "se_ac",
        "se_la",
        "se_va",
        "tr_id",
        "pp_mix",
        "tv",
    ]
)
SCHEMA = st.sampled_from(
    ["submit_form", "link_click", "change_form", "client_session", "user", "demo_requested", "", "a/b/c/d"]
).map(lambda name: f"iglu:com.snowplowanalytics.snowplow/{name}/jsonschema/1-0-0")
DATA = JSON | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("elements", "formId", "email", "id", "userId", "sessionId", "value", "name"), JSON)
)
DESCRIBED = st.fixed_dictionaries({"schema": SCHEMA, "data": DATA})


def _text(found: Any) -> str:
    return json.dumps(found)


def _base64(found: Any) -> str:
    return urlsafe_b64encode(json.dumps(found).encode()).decode()


SNOWPLOW_EVENT = st.builds(
    lambda fields, own, around: {"aid": "browser", "duid": "d", **fields, **own, **around},
    st.dictionaries(SHORT_NAMES, SCALAR, max_size=8),
    st.one_of(
        st.just({}),
        DESCRIBED.map(lambda found: {"e": "ue", "ue_pr": _text({"data": found})}),
        DESCRIBED.map(lambda found: {"e": "ue", "ue_px": _base64({"data": found})}),
    ),
    st.one_of(
        st.just({}),
        st.lists(DESCRIBED, max_size=3).map(lambda found: {"cx": _base64({"data": found})}),
        JSON.map(lambda found: {"co": _text(found)}),
    ),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SNOWPLOW_EVENT | JSON, max_size=3))
def test_every_event_that_snowplow_s_adapter_accepts_keeps_the_contract(events: list[Any]) -> None:
    parts = RequestParts("snowplow_post", json.dumps({"data": events}).encode(), "Basic azo=", nonce="n")
    outcome = ROUTES["POST", TP2].adapt(parts, NOW)
    if isinstance(outcome, Refusal):
        assert outcome.status == 400
        return
    assert isinstance(outcome, Adapted)
    assert len(outcome.events) + len(outcome.dead) == len(events)
    seal(outcome, NOW)
    for event in outcome.events:
        record = event_record(event, SECRET, PARTITIONS)
        assert not isinstance(parse(record.value), Rejected), parse(record.value)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(ROUTES)),
    st.binary(max_size=200) | JSON.map(lambda found: json.dumps(found).encode()),
    st.dictionaries(
        st.sampled_from(["data", "aid", "writeKey", "e", "ue_px", "cx", "duid"]), st.text(max_size=40)
    ),
    st.text(max_size=20),
)
def test_no_request_makes_an_adapter_fail(
    way: tuple[str, str], body: bytes, query: dict[str, str], rest: str
) -> None:
    route: Route = ROUTES[way]
    for authorization in (None, "Basic azo=", "Basic \ud800", rest):
        parts = RequestParts(route.name, body, authorization, rest, "n", body, rest, query)
        outcome = route.adapt(parts, NOW)
        if isinstance(outcome, Refusal):
            assert outcome.status in (400, 401)


def _request(verb: str, path: str, body: bytes, *headers: str, key: str = SERVER_KEY) -> bytes:
    basic = b64encode(f"{key}:".encode()).decode()
    lines = [
        f"{verb} {path} HTTP/1.1",
        "Host: x",
        f"Authorization: Basic {basic}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


GOOD = json.dumps({"event": "X", "userId": "u"}).encode()
MANY = {f"k{number}": number for number in range(2_000)}
CORPUS = {
    "no request": b"\x00\xff\x16\x03\x01",
    "another protocol": b"SSH-2.0-OpenSSH_9.9\r\n",
    "old http": b"POST /v1/t HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}",
    "no such http": b"POST /v1/t HTTP/9.9\r\n\r\n",
    "no host": b"POST /v1/t HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": _request("POST", "/v1/t", GOOD, "Content-Length: 3"),
    "length and chunks": _request("POST", "/v1/t", b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
    "negative length": b"POST /v1/t HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "huge length": b"POST /v1/t HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "bad chunk": b"POST /v1/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "smuggled": _request("POST", "/v1/t", GOOD + b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
    "header without name": b"POST /v1/t HTTP/1.1\r\n: x\r\n\r\n",
    "header with a null": b"POST /v1/t HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
    "folded header": b"POST /v1/t HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    "origin with a line": b"GET /healthz HTTP/1.1\r\nHost: x\r\nOrigin: a\rb\r\n\r\n",
    "path upwards": _request("POST", "/v1/../metrics", GOOD),
    "path encoded": _request("POST", "/v1/%74%00%ff", GOOD),
    "path of another": _request("POST", "http://elsewhere/v1/t", GOOD),
    "a connect": b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an upgrade": _request("POST", "/v1/t", GOOD, "Connection: Upgrade", "Upgrade: websocket"),
    "an expectation": _request("POST", "/v1/t", GOOD, "Expect: 100-continue"),
    "another expectation": _request("POST", "/v1/t", GOOD, "Expect: miracles"),
    "trace": b"TRACE /v1/t HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad authorization": b"GET /i HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \xff\xfe\r\n\r\n",
    "deep": _request("POST", "/v1/batch", b'{"batch":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "deep in a message": _request("POST", "/v1/t", b'{"userId":"u","traits":' + b"[" * 999 + b"]" * 999 + b"}"),
    "deep and open": _request("POST", "/v1/t", b"[" * 30_000),
    "nan": _request("POST", "/v1/t", b'{"userId":"u","event":"X","properties":{"a":NaN}}'),
    "huge number": _request("POST", "/v1/t", b'{"userId":"u","event":"X","traits":1' + b"0" * 400 + b"}"),
    "huge exponent": _request("POST", "/v1/t", b'{"userId":"u","event":"X","properties":{"a":1e999}}'),
    "huge digits": _request("POST", "/v1/t", b'{"userId":' + b"9" * 30_000 + b"}"),
    "half a character": _request("POST", "/v1/t", b'{"userId":"\\ud800","event":"X"}'),
    "utf-16": _request("POST", "/v1/t", GOOD.decode().encode("utf-16")),
    "byte order mark": _request("POST", "/v1/t", b"\xef\xbb\xbf" + GOOD),
    "many names": _request("POST", "/v1/t", json.dumps({f"k{n}": n for n in range(3_000)}).encode()),
    "many traits": _request("POST", "/v1/i", json.dumps({"userId": "u", "traits": MANY}).encode()),
    "too many messages": _request("POST", "/v1/batch", b'{"batch":[' + b"{}," * 3_000 + b"{}]}"),
    "gzip cut": _request("POST", "/v1/t", gzip.compress(GOOD)[:-4]),
    "gzip of gzip": _request("POST", "/v1/t", gzip.compress(gzip.compress(GOOD))),
    "gzip twice": _request("POST", "/v1/t", gzip.compress(GOOD) + gzip.compress(GOOD)),
    "gzip bomb": _request("POST", "/v1/batch", gzip.compress(bytes(50_000_000), 1)),
    "deflate": _request("POST", "/v1/t", GOOD, "Content-Encoding: deflate"),
    "many ranges": _request("POST", "/v1/t", GOOD, "X-Forwarded-For: " + "," * 5_000),
    "pixel with nothing": _request("GET", "/v1/pixel/t", b""),
    "pixel with rubbish": _request("GET", "/v1/pixel/t?data=%ff%00&data=&data", b""),
    "snowplow with rubbish": _request("GET", "/i?e=ue&ue_px=%ff&cx=====&aid=a", b""),
    "snowplow with a list": _request("POST", TP2, b'{"data":{}}'),
    "snowplow with numbers": _request("POST", TP2, b'{"data":[1,null,[],{"e":{}}]}'),
    "snowplow deep": _request("POST", TP2, b'{"data":[' + b"[" * 50_000 + b"]" * 50_000 + b"]}"),
    "source configuration": _request("GET", "/sourceConfig/?writeKey=%00%ff", b"", key="wrong"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CORPUS))
async def test_a_malformed_request_is_answered_or_hung_up_on_and_leaves_nothing_behind(
    routes: list[Route], name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEADER_TIMEOUT_S", 0.3)
    async with running(routes, Limits()) as collector:
        answers = await answers_to(collector, CORPUS[name])
        assert not any(answer.startswith(b"HTTP/1.1 5") for answer in answers), answers
        accepted = sum(answer.startswith(b"HTTP/1.1 200") for answer in answers if b"/json" in answer)
        assert (accepted > 0) == (len(collector.gateway.records) > 0)
        if accepted and name.startswith("two"):
            pytest.fail("a request with two meanings was taken")
        before = len(collector.gateway.records)
        assert (await collector.post("/v1/t", GOOD, key=BROWSER_KEY))[0] == 200
        assert len(collector.gateway.records) == before + 1
        await eventually(lambda: collector.budget.held == 0)
    assert caplog.records == []


async def answers_to(collector: Running, sent: bytes) -> list[bytes]:
    """What comes back until the collector hangs up or, after an answer, is silent; each answer with its header."""
    host, port = collector.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    received = b""
    with suppress(ConnectionError):
        writer.write(sent)
        async with asyncio.timeout(20):
            while piece := await _piece(reader, silence=0.2 if received else None):
                received += piece
    writer.close()
    return [b"HTTP/1.1 " + answer for answer in received.split(b"HTTP/1.1 ")[1:]]


async def _piece(reader: asyncio.StreamReader, silence: float | None) -> bytes:
    with suppress(TimeoutError):
        async with asyncio.timeout(silence):
            return await reader.read(65_536)
    return b""


async def test_memory_does_not_grow_with_what_strangers_invent(routes: list[Route]) -> None:
    """Names, keys, paths and agents of their own making leave no trace behind, but in caches of a fixed size."""
    async with running(routes, Limits()) as collector:
        metrics_before = await exposition_size(collector)
        for number in range(300):
            body = {"event": f"E{number}", "userId": f"u{number}", "properties": {f"p{number}" + "x" * 5_000: 1}}
            await collector.post(f"/v1/x{number}", body, f"k{number}")
            await collector.post("/v1/t", {**body, "type": f"t{number}"}, User_Agent=f"agent {number}")
            await collector.post("/v1/t", {"event": number}, f"k{number}")
        assert await exposition_size(collector) < metrics_before + 8_000


async def exposition_size(collector: Running) -> int:
    async with collector.http.get(f"{collector.url}/metrics") as answer:
        return len(await answer.read())
