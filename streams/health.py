"""The worker's own small HTTP server: alive, ready, metrics."""

import errno
from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from streams import metrics

PORTS_TRIED = 100


class HealthServer:
    """`/healthz` (the process runs), `/readyz` (200, or 503 and the reasons), `/metrics`. The next free port.

    `family`: what the names of our metrics begin with, so that no sum takes a shadow for a worker; `more`: what
    else is answered.
    """

    def __init__(
        self,
        host: str,
        port: int,
        unready: Callable[[], list[str]],
        family: str = metrics.FAMILY,
        registry: CollectorRegistry = REGISTRY,
        more: Iterable[web.RouteDef] = (),
    ) -> None:
        self._host = host
        self._first = port
        self._unready = unready
        self._registry = registry
        self._family = family.encode()
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
                *more,
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        self.port = 0

    async def start(self) -> None:
        """Raises OSError if no port is free."""
        await self._runner.setup()
        for port in range(self._first, self._first + PORTS_TRIED):
            try:
                site = web.TCPSite(self._runner, self._host, port)
                await site.start()
            except OSError as error:
                if error.errno != errno.EADDRINUSE or port == self._first + PORTS_TRIED - 1:
                    raise
            else:
                self.port = int(self._runner.addresses[0][1])
                return

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, _: web.Request) -> web.Response:
        reasons = self._unready()
        body = {"status": "unready" if reasons else "ready", "reasons": reasons}
        return web.json_response(body, status=503 if reasons else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        body = generate_latest(self._registry).replace(metrics.FAMILY.encode(), self._family)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
