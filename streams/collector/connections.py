"""Connections within limits: how many there are, and how long one may take to say what it wants.

aiohttp limits the size of a header and the idle time after an answer, but neither the time until a header is
complete nor the number of connections: a client that sends a byte now and then would hold its place for ever.
"""

import asyncio
import resource
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

MAX_CONNECTIONS = 8192
"""More than this at once, and for each new one an idle one has to go."""

HEADER_TIMEOUT_S = 10.0
"""From the connection, or a request's first byte, until its header is complete."""

MAX_REQUEST_LINE = 64 * 1024
"""Bytes: trackers put whole events into addresses."""

IDLE_S = 75.0
"""An idle connection is closed this long after its last answer."""

_RESERVED = 256  # file descriptors for everything but clients
_SWEEP_S = 1.0

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def most_connections() -> int:
    """How many this process can have, after raising its limit of open files as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(1, min(MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _RESERVED))


class Connection(web.RequestHandler):
    """One client. `waiting_since`: when it began to owe the rest of a header; None while it owes nothing."""

    __slots__ = ("busy", "owner", "waiting_since")

    def __init__(self, owner: "Connections", **options: Any) -> None:
        super().__init__(owner, **options)
        self.owner = owner
        self.busy = False
        self.waiting_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is here and has said nothing yet."""
        super().connection_made(transport)
        self.waiting_since = asyncio.get_running_loop().time()
        self.owner.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client has gone."""
        self.owner.lost(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The first bytes after an answer begin a header."""
        if not self.busy and self.waiting_since is None:
            self.waiting_since = asyncio.get_running_loop().time()
        super().data_received(data)


class Connections(web.Server):
    """The server's clients, at most `most` at once."""

    def __init__(self, handler: Handler, most: int = MAX_CONNECTIONS, **options: Any) -> None:
        super().__init__(self._handled, **options)
        self._answer = handler
        self._most = most
        self._options = options
        self._silent: dict[Connection, None] = {}  # no request so far, in the order of arrival
        self._idle: dict[Connection, None] = {}  # answered, in the order of becoming idle
        self._open = 0

    def __call__(self) -> Connection:
        """A new client's protocol."""
        return Connection(self, loop=asyncio.get_running_loop(), **self._options)

    def opened(self, connection: Connection) -> None:
        """Count a client; if there are too many, one that never asked for anything goes, else the idlest."""
        self._open += 1
        if self._open > self._most:
            for waiting in (self._silent, self._idle):
                if waiting:
                    idlest = next(iter(waiting))
                    del waiting[idlest]
                    idlest.force_close()
                    break
        self._silent[connection] = None

    def lost(self, connection: Connection) -> None:
        """A client has gone."""
        self._open -= 1
        self._forget(connection)

    async def sweep(self) -> None:
        """Close whoever takes too long with a header, for ever."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            latest = asyncio.get_running_loop().time() - HEADER_TIMEOUT_S
            for connection in [*self._silent, *self._idle]:
                if connection.waiting_since is not None and connection.waiting_since < latest:
                    connection.force_close()

    def _forget(self, connection: Connection) -> None:
        self._silent.pop(connection, None)
        self._idle.pop(connection, None)

    async def _handled(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, Connection)
        connection.busy, connection.waiting_since = True, None
        self._forget(connection)
        try:
            return await self._answer(request)
        finally:
            connection.busy = False
            if connection.transport is not None:
                self._idle[connection] = None
