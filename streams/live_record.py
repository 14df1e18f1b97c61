"""A lead's record as its worker knows it, for who proves to have the identity secret.

It is durable, or there is no answer: what is applied and not yet committed may never have been, and the worker
that applied it may have lost the partition. A change on its way is waited for, which takes one flush.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web

from streams.changes import Durable
from streams.inquiry import KEY
from streams.seal import Seal
from streams.shard import Shard

PATH: Final = "/leads/{key}/record"
WAIT_S: Final = 0.12
"""For a flush: one takes 40 ms with its transaction; under a backlog longer, and then nobody waits."""
LOOK_S: Final = 0.005
NOT_SIGNED: Final = "not signed\n"
NOT_HERE: Final = "not here\n"
NOT_NOW: Final = "not now\n"

_encode: Final = msgspec.msgpack.Encoder().encode
_decoder: Final = msgspec.msgpack.Decoder(Durable)


def encode(found: Durable) -> bytes:
    return _encode(found)


def decode(content: bytes) -> Durable | None:
    """None for an answer of another version."""
    try:
        return _decoder.decode(content)
    except msgspec.MsgspecError:
        return None


def route(seal: Seal, owned: Callable[[str], Shard | None]) -> web.RouteDef:
    """Answers questions for records: 401 without a signature, 421 for a partition that is not open here (`owned`
    gives the shard of a key), 503 while a change is on its way."""

    async def record(request: web.Request) -> web.Response:
        key, authorization = request.match_info["key"], request.headers.get("Authorization", "")
        if not KEY.fullmatch(key) or not seal.is_signed(key, authorization, time.time_ns() // 1_000_000):
            return web.Response(text=NOT_SIGNED, status=401)
        until = time.monotonic() + WAIT_S
        while (shard := owned(key)) is not None:
            found = shard.durable(key)
            if found is not None:
                body = seal.close(encode(found), authorization)
                return web.Response(body=body, headers={"Cache-Control": "no-store"})
            if time.monotonic() > until:
                return web.Response(text=NOT_NOW, status=503)
            await asyncio.sleep(LOOK_S)
        return web.Response(text=NOT_HERE, status=421)

    return web.get(PATH, record)
