"""What a hostile or broken client may not do: hold a place, cost memory, pose as another, or be told of others."""

import asyncio
import json
import socket
import time
import tracemalloc
import zlib
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest

from streams.collector import body, connections
from streams.collector.address import client_address, site
from streams.collector.body import BadBody, inflate
from streams.collector.edge import Limits
from streams.collector.rates import TokenBuckets
from streams.collector.request import MAX_BODY, Route
from tests.collector.conftest import BROWSER_KEY, Running, running
from tests.collector.memory import eventually

TRACK: dict[str, Any] = {"event": "Demo Requested", "anonymousId": "a"}
PERSON = "ada@firm.test"
HOSTS = 10_000
MEBIBYTE = 1024 * 1024


async def opened(collector: Running, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection over which `sent` has gone."""
    host, port = collector.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    await writer.drain()
    return reader, writer


async def gone(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@pytest.mark.parametrize("sent", [b"", b"POST /v1/t HTTP/1.1\r\nHost: x\r\nX-Slow"])
async def test_a_header_that_does_not_come_costs_the_connection(
    collector: Running, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connections, "HEADER_TIMEOUT_S", 0.2)
    reader, writer = await opened(collector, sent)
    began = time.monotonic()
    assert (await collector.post("/v1/t", TRACK))[0] == 200
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    assert time.monotonic() - began >= 0.2
    await gone(writer)


async def test_a_header_in_drops_does_not_prolong_its_time(
    collector: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEADER_TIMEOUT_S", 0.2)
    reader, writer = await opened(collector, b"POST /v1/t HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    reading = asyncio.create_task(reader.read())
    async with asyncio.timeout(5):
        while not reading.done():
            writer.write(b"x")
            await asyncio.wait([reading], timeout=0.05)
    await gone(writer)


async def test_a_connection_that_was_answered_may_stay_longer_than_a_header_may_take(
    collector: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEADER_TIMEOUT_S", 0.1)
    monkeypatch.setattr(connections, "_SWEEP_S", 0.02)
    asking = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await opened(collector, asking)
    assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200")
    early = asyncio.create_task(reader.read(1))
    done, _ = await asyncio.wait([early], timeout=0.4)
    assert not done, "closed while idle"
    writer.write(asking)
    assert await early == b"H"
    await gone(writer)


async def test_a_body_that_does_not_come_is_refused_in_time_and_gives_its_place_back(
    collector: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "READ_TIMEOUT_S", 0.2)
    reader, writer = await opened(collector, b"POST /v1/t HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n{")
    async with asyncio.timeout(5):
        assert b" 408 " in await reader.readline()
    await eventually(lambda: collector.budget.held == 0)
    await gone(writer)


async def test_ten_thousand_idle_connections_leave_the_others_served(routes: list[Route]) -> None:
    def connect(url: str) -> list[socket.socket]:
        host, port = url.removeprefix("http://").split(":")
        return [socket.create_connection((host, int(port)), timeout=10) for _ in range(HOSTS)]

    async with running(routes, Limits(), most=200) as collector:
        idle: list[socket.socket] = []
        assert (await collector.post("/v1/t", TRACK))[0] == 200  # who has asked before keeps its connection
        opening = asyncio.create_task(asyncio.to_thread(connect, collector.url))
        try:
            while not opening.done():
                began = time.monotonic()
                assert (await collector.post("/v1/t", TRACK))[0] == 200
                assert time.monotonic() - began < 5
            idle = await opening
            async with aiohttp.ClientSession() as newcomer:
                assert (await replace(collector, http=newcomer).post("/v1/t", TRACK))[0] == 200
        finally:
            for client in idle or await opening:
                client.close()


def test_a_bomb_of_100_megabytes_is_never_unpacked() -> None:
    squeezer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([*(squeezer.compress(bytes(MEBIBYTE)) for _ in range(100)), squeezer.flush()])
    assert len(bomb) < MAX_BODY
    tracemalloc.start()
    try:
        refused = inflate(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(refused, BadBody)
    assert peak < 3 * MEBIBYTE


PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "header", "sender"),
    [
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "x" * 1000, "x" * 64),
        ("", "203.0.113.9", ""),
    ],
)
def test_only_named_proxies_are_believed_about_the_sender(peer: str, header: str, sender: str) -> None:
    assert client_address(peer, header, PROXIES) == sender


def test_without_named_proxies_nobody_is_believed() -> None:
    assert client_address("10.0.0.1", "203.0.113.9", ()) == "10.0.0.1"


def test_one_site_of_ipv6_is_one_sender() -> None:
    assert site("2001:db8::1") == site("2001:db8:0:0:ffff::2") != site("2001:db8:0:1::1")
    assert (site("203.0.113.9"), site("a:b")) == ("203.0.113.9", "a:b")


async def test_every_source_has_its_rate_and_does_not_share_it(routes: list[Route]) -> None:
    async with running(routes, Limits(source=TokenBuckets(rate=0.5, burst=2))) as collector:
        assert [(await collector.post("/v1/t", TRACK))[0] for _ in range(3)] == [200, 200, 429]
        assert (await collector.post("/v1/t", TRACK, key=BROWSER_KEY))[0] == 200


async def test_an_address_that_has_used_up_its_rate_is_refused_before_its_body(routes: list[Route]) -> None:
    async with running(routes, Limits(TokenBuckets(rate=0.1, burst=1))) as collector:
        assert (await collector.post("/v1/t", {**TRACK, "writeKey": "wrong"}, key=None))[0] == 401
        reader, writer = await opened(collector, b"POST /v1/t HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n")
        async with asyncio.timeout(5):
            header = await reader.readuntil(b"\r\n\r\n")
        assert header.startswith(b"HTTP/1.1 429")
        assert b"Retry-After: 10\r\n" in header
        await gone(writer)
        assert (await collector.post("/v1/t", TRACK))[0] == 200, "a server behind the same address"


@pytest.mark.parametrize(
    "request_head",
    [
        b"POST /v1/t HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 20_000,
        b"POST /v1/t HTTP/1.1\r\nHost: x\r\n" + b"X-Many: x\r\n" * 1_000,
        b"GET /v1/pixel/t?data=" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x",
    ],
)
async def test_headers_and_addresses_are_limited(collector: Running, request_head: bytes) -> None:
    reader, writer = await opened(collector, request_head + b"\r\n\r\n")
    async with asyncio.timeout(5):
        assert b" 400 " in await reader.readline()
    await gone(writer)


async def test_an_event_of_forty_kilobytes_fits_into_an_address(collector: Running) -> None:
    fields = {"e": "pv", "aid": BROWSER_KEY, "duid": "d", "page": "x" * 40_000}
    async with collector.http.get(f"{collector.url}/i", params=fields) as answer:
        assert (answer.status, answer.content_type) == (200, "image/gif")


async def test_nothing_about_a_person_is_in_answers_logs_or_metrics(
    collector: Running, caplog: pytest.LogCaptureFixture
) -> None:
    said = ""
    for content in (
        {"userId": PERSON, "event": {"x": PERSON}},
        {"event": PERSON},
        {"userId": PERSON, "event": "X", "timestamp": "2999-01-01T00:00:00Z"},
        {"batch": [{"type": PERSON, "userId": PERSON}]},
        {"batch": PERSON},
        {PERSON: PERSON},
        [PERSON],
    ):
        for path in ("/v1/t", "/v1/i", "/v1/batch", "/com.snowplowanalytics.snowplow/tp2", f"/v1/{PERSON}"):
            raw = json.dumps(content).encode()
            for key in ("secret-key", PERSON):
                said += json.dumps(await collector.post(path, raw, key, X_Name=PERSON, User_Agent=PERSON))
            said += json.dumps(await collector.post(path, raw[:-1], Authorization=PERSON))
    async with collector.http.get(f"{collector.url}/i", params={"aid": PERSON, "uid": PERSON}) as answer:
        said += await answer.text()
    async with collector.http.get(f"{collector.url}/metrics") as answer:
        said += await answer.text()
    assert "ada@" not in said
    assert "ada@" not in caplog.text


async def test_a_client_that_never_reads_its_answers_is_not_waited_for(collector: Running) -> None:
    message = json.dumps({**TRACK, "userId": "u"}).encode()
    one = b"POST /v1/t HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(message), message)
    _, writer = await opened(collector, one * 50)
    async with aiohttp.ClientSession() as other, other.get(f"{collector.url}/healthz") as answer:
        assert answer.status == 200
    await gone(writer)
    await eventually(lambda: collector.budget.held == 0)
