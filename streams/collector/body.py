"""A request's body: read within limits of size and time, inflated within the same limit.

Content-Type and Content-Encoding are not believed: senders mislabel both. A gzip body is known by its first bytes,
which no JSON text begins with.
"""

import asyncio
import zlib
from typing import NamedTuple

from aiohttp import StreamReader, web

from streams.collector.budget import Budget
from streams.collector.request import MAX_BODY

READ_TIMEOUT_S = 10.0
"""A client that needs longer for half a megabyte is broken or hostile."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_ONLY = 31  # zlib's window bits for gzip framing


class BadBody(NamedTuple):
    """Why a body was not taken. `status` is the answer's."""

    status: int
    code: str
    message: str


TOO_LARGE = BadBody(400, "too_large", "the body is too large")
TOO_SLOW = BadBody(408, "read_timeout", f"the body did not arrive within {READ_TIMEOUT_S:.0f} s")
BROKEN_OFF = BadBody(400, "broken_body", "the body did not arrive whole")
TOO_BUSY = BadBody(503, "busy", "too much is waiting for the broker")
BROKEN_GZIP = BadBody(400, "bad_gzip", "the body is not complete gzip")


async def read_body(request: web.BaseRequest, budget: Budget, limit: int = MAX_BODY) -> bytes | BadBody:
    """The body as sent, at most `limit` bytes. Its length is taken from the budget; the caller gives it back."""
    if (request.content_length or 0) > limit:
        return TOO_LARGE
    if request.content.is_eof():  # it came with its header, as nearly all do
        body = request.content.read_nowait()
        return body if budget.reserve(len(body)) else TOO_BUSY
    return await _read_slowly(request.content, budget, limit)


async def _read_slowly(stream: StreamReader, budget: Budget, limit: int) -> bytes | BadBody:
    chunks: list[bytes] = []
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            problem = await _collect(stream, budget, chunks, limit)
    except TimeoutError:
        problem = TOO_SLOW
    except (web.RequestPayloadError, ConnectionError):
        problem = BROKEN_OFF
    body = b"".join(chunks)
    if problem is not None:
        budget.release(len(body))
    return body if problem is None else problem


async def _collect(stream: StreamReader, budget: Budget, chunks: list[bytes], limit: int) -> BadBody | None:
    size = 0
    while chunk := await stream.readany():
        size += len(chunk)
        if size > limit:
            return TOO_LARGE
        if not budget.reserve(len(chunk)):
            return TOO_BUSY
        chunks.append(chunk)
    return None


def inflate(body: bytes, limit: int = MAX_BODY) -> bytes | BadBody:
    """The body itself, or what it holds if it is gzip; never more than `limit` bytes are produced."""
    if not body.startswith(_GZIP_MAGIC):
        return body
    inflater = zlib.decompressobj(_GZIP_ONLY)
    try:
        text = inflater.decompress(body, limit + 1)
    except zlib.error:
        return BROKEN_GZIP
    if len(text) > limit:
        return TOO_LARGE
    return text if inflater.eof else BROKEN_GZIP
