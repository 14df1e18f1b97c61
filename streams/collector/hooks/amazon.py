"""Amazon's certificates: fetched beside the requests, remembered, and never waited for."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol

import aiohttp

log = logging.getLogger(__name__)

Fetch = Callable[[str], Awaitable[bytes | None]]
"""The body of a successful GET; None if it did not succeed. Never raises."""

LONGEST_ANSWER = 64 * 1024
"""Bytes. A certificate has 2,000."""

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_MOST_FETCHES = 4  # at a time: Amazon changes a certificate once a year
_MOST_CERTIFICATES = 32


class Amazon(Protocol):
    """What the adapter of SNS asks of Amazon. Neither call waits."""

    def certificate(self, url: str) -> bytes | None:
        """The certificate; None if it is not here yet, in which case it is being fetched."""

    def confirm(self, url: str) -> None:
        """Visit the address that confirms a subscription."""


class Fetcher:
    """Asks Amazon in tasks of the running loop."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._certificates: OrderedDict[str, bytes] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def certificate(self, url: str) -> bytes | None:
        """The certificate, if it is here."""
        found = self._certificates.get(url)
        if found is None:
            self._begin(url, keep=True)
        return found

    def confirm(self, url: str) -> None:
        """Visit the address; whoever gave it repeats the request if nothing comes of it."""
        self._begin(url, keep=False)

    async def settle(self) -> None:
        """Until nothing is under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way.values())

    def _begin(self, url: str, *, keep: bool) -> None:
        if url not in self._under_way and len(self._under_way) < _MOST_FETCHES:
            self._under_way[url] = asyncio.get_running_loop().create_task(self._run(url, keep))

    async def _run(self, url: str, keep: bool) -> None:
        try:
            body = await self._fetch(url)
        finally:
            del self._under_way[url]
        if body is None:
            log.warning("Amazon SNS: %s was not answered", "a certificate" if keep else "a confirmation")
        elif keep:
            self._certificates[url] = body
            if len(self._certificates) > _MOST_CERTIFICATES:
                self._certificates.popitem(last=False)


async def fetch(url: str) -> bytes | None:
    """A GET over verified TLS, without redirects, that is given up after ten seconds or LONGEST_ANSWER bytes."""
    body = b""
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as http, http.get(url, allow_redirects=False) as answer:
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > LONGEST_ANSWER:
                    return None
            return body if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
