"""The ready answer is what aiohttp would have written, and others get aiohttp's own."""

import asyncio
from base64 import b64encode
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from io import BytesIO
from typing import Any

import pytest

from streams.collector.request import ACCEPTED
from tests.collector.conftest import SERVER_KEY, Running
from tests.collector.memory import eventually

BODY = b'{"userId":"u","event":"Demo Requested"}'
KEY = b64encode(f"{SERVER_KEY}:".encode()).decode()


def asked(version: str = "1.1", *headers: str) -> bytes:
    """One tracker call."""
    lines = (
        f"POST /v1/track HTTP/{version}",
        "Host: x",
        f"Authorization: Basic {KEY}",
        f"Content-Length: {len(BODY)}",
        *headers,
    )
    return "\r\n".join((*lines, "", "")).encode() + BODY


class _Bytes:
    def __init__(self, text: bytes) -> None:
        self._text = text

    def makefile(self, *_: Any, **__: Any) -> BytesIO:
        return BytesIO(self._text)


async def talk(collector: Running, sent: bytes) -> bytes:
    """All that comes back until the collector hangs up."""
    host, port = collector.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    async with asyncio.timeout(5):
        text = await reader.read()
    writer.close()
    await writer.wait_closed()
    return text


def parsed(text: bytes) -> tuple[HTTPResponse, bytes]:
    answer = HTTPResponse(_Bytes(text))  # type: ignore[arg-type]  # what it asks of a socket
    answer.begin()
    return answer, answer.read()


async def test_the_ready_answer_is_whole_and_the_connection_stays(collector: Running) -> None:
    text = await talk(collector, asked() + asked("1.1", "Connection: close"))
    first, second = (b"HTTP/1.1" + part for part in text.split(b"HTTP/1.1")[1:])
    for part in (first, second):
        answer, body = parsed(part)
        assert (answer.status, body) == (200, ACCEPTED.body)
        assert answer.headers["Content-Type"] == "application/json"
        assert parsedate_to_datetime(answer.headers["Date"]).tzinfo is not None
    assert b"Connection" not in first
    assert b"Connection: close" in second
    assert len(collector.gateway.records) == 2


async def test_a_client_of_http_1_0_that_wants_to_stay_is_told_that_it_may(collector: Running) -> None:
    stays = asked("1.0", "Connection: keep-alive")
    answer, _ = parsed((await talk(collector, stays + asked("1.0")))[:1000])
    assert answer.headers["Connection"] == "keep-alive"


async def test_a_page_of_another_origin_is_told_that_it_may_read_the_answer(collector: Running) -> None:
    answer, _ = parsed(await talk(collector, asked("1.1", "Origin: https://shop.test", "Connection: close")))
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.test"


async def test_a_client_that_has_gone_before_its_answer_is_no_error(
    collector: Running, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = collector.url.removeprefix("http://").split(":")
    collector.gateway.acknowledging.clear()
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(asked())
    await eventually(lambda: collector.budget.held > 0)
    writer.transport.abort()
    collector.gateway.acknowledging.set()
    await eventually(lambda: collector.budget.held == 0)
    assert (await collector.post("/v1/track", BODY))[0] == 200
    assert len(collector.gateway.records) == 2
    assert caplog.records == []
