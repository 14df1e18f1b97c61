"""HTTP as connectors use it: bounded in time, no redirects, and every answer is an outcome."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

import aiohttp

from streams.connectors.outcome import Delivered, Outcome, Postponed, Refused

TIMEOUT_S: Final = 6.0
"""Of one whole request. Below the time that a stopping connector has."""

MOST_BYTES: Final = 64 * 1024
"""Of an answer; more of it is never looked at."""

MISCONFIGURED: Final = frozenset({301, 302, 303, 307, 308, 401, 402, 403, 404, 405, 410})
"""Answers about our address, credentials or contract and not about the event."""
AGAIN: Final = frozenset({408, 425})


class Request(NamedTuple):
    """One POST, before it is signed or sent."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class Answer(NamedTuple):
    """What came back; the body at most MOST_BYTES of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def retry_after(headers: Mapping[str, str], now: int) -> float | None:
    """Seconds that the receiver wants us to wait: whole seconds or a date. `now` in Unix ms."""
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if given.isascii() and given.isdigit():
        return float(given)
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, TypeError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(at.timestamp() - now / 1000, 0.0)


def judge(status: int, headers: Mapping[str, str], now: int) -> Outcome:
    """What an answer means for the one event that was sent."""
    wait = retry_after(headers, now)
    if 200 <= status < 300:
        return Delivered()
    if status == 429 or (status == 503 and wait is not None):
        return Postponed(f"HTTP {status}", wait, everyone=True)
    if status >= 500 or status in AGAIN:
        return Postponed(f"HTTP {status}", wait)
    if status in MISCONFIGURED:
        return Postponed(f"HTTP {status}: check address and credentials", wait, everyone=True, operator=True)
    return Refused(f"HTTP {status}")


def session() -> aiohttp.ClientSession:
    """A client for one receiver. To be made inside an event loop."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        headers={"User-Agent": "leadstreams"},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def post(client: aiohttp.ClientSession, request: Request) -> Answer | Postponed:
    """The answer; a Postponed if there is none. Nothing of address or body is in it."""
    try:
        async with client.post(
            request.url, data=request.body, headers=dict(request.headers), allow_redirects=False
        ) as response:
            body = await response.content.read(MOST_BYTES)
            return Answer(response.status, dict(response.headers), body)
    except TimeoutError:
        return Postponed("no answer in time")
    except aiohttp.InvalidURL:
        return Postponed("the address is no URL", everyone=True, operator=True)
    except (aiohttp.ClientError, OSError) as error:
        return Postponed(type(error).__name__, everyone=True)


def compact(document: Any) -> bytes:
    """JSON as it is sent: the same bytes for the same document, ASCII like everything on `sales-handoffs`."""
    return json.dumps(document, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()


def utc_ms() -> int:
    """Now."""
    return int(datetime.now(UTC).timestamp() * 1000)
