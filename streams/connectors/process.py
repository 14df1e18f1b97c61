"""The process of one connector: start, stop within ten seconds, health and metrics."""

import asyncio
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Final

import uvloop
from aiokafka.errors import KafkaError

from streams import kafka_access, tracing
from streams.connectors import metrics
from streams.connectors.base import Base, Receiver
from streams.connectors.kafka_source import KafkaDeadLetters, KafkaSource
from streams.connectors.kafka_source import group as consumer_group
from streams.connectors.runner import Pace, Runner
from streams.health import HealthServer
from streams.kafka_client import unreadable
from streams.quiet import quieten_client_logs
from streams.settings import Settings

log = logging.getLogger(__name__)

LAST_RESORT_S: Final = 9.5
RETRY_S: Final = 1.0
GOODBYE_S: Final = 1.5


def run(settings: Settings, name: str, connector: Base, sink: Receiver, host: str, port: int) -> int:
    """Run one connector until SIGTERM or SIGINT; the exit code."""
    quieten_client_logs()
    if (unread := unreadable(settings)) is not None:
        log.error("%s", unread)
        return 1
    if settings.tracing and (missing := tracing.start(f"leadstreams-connect-{name}")) is not None:
        log.error("%s", missing)
        return 1
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(Process(settings, name, connector, sink).serve(host, port))
    tracing.stop()
    logging.shutdown()
    sys.stdout.flush()
    # A thread may still wait for a receiver; what it does is repeated by the next start.
    os._exit(code)


def pace(connector: Base) -> Pace:
    """How hard the receiver may be used."""
    return Pace(connector.concurrency, connector.per_second, connector.attempts)


class Denied(Exception):
    """Kafka does not let us in; one line."""


class Process:
    """One connector and its health server."""

    def __init__(self, settings: Settings, name: str, connector: Base, sink: Receiver) -> None:
        self._sink = sink
        self._source = KafkaSource(settings, name, sink.topic, connector.start)
        self._dead_letters = KafkaDeadLetters(settings, name, sink.topic)
        self._runner = Runner(name, sink, self._source, self._dead_letters, pace(connector))
        self._stopping = asyncio.Event()
        self._name = name
        self._settings = settings

    async def serve(self, host: str, port: int) -> int:
        """Serve until told to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_soon)
        health = HealthServer(host, port, self.unready, registry=metrics.REGISTRY)
        await health.start()
        log.info("connector %s serves http://%s:%s", self._name, host, health.port)
        try:
            await self._sink.open()
            if await self._join():
                await self._runner.run(self._stopping)
        except Denied as error:
            log.error("%s", error)
            return 1
        finally:
            await self._goodbye(health)
        return 0

    def unready(self) -> list[str]:
        """Why the connector is not ready; empty when it is."""
        if self._stopping.is_set():
            return ["stopping"]
        if not self._source.assigned:
            return ["no partitions assigned"]
        return [self._runner.trouble] if self._runner.trouble else []

    def _stop_soon(self) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            last_resort = threading.Timer(LAST_RESORT_S, os._exit, [0])
            last_resort.daemon = True
            last_resort.start()

    async def _join(self) -> bool:
        """Join the group as soon as the broker answers; False if told to stop before. Raises Denied."""
        group, warned = consumer_group(self._settings, self._name), False
        while not self._stopping.is_set():
            try:
                rights = kafka_access.of_connector(group, self._sink.topic)
                denied = await kafka_access.denied(self._settings, rights)
                if denied is not None:
                    raise Denied(denied)
                await self._source.start(self._runner.release)
                return True
            except (kafka_access.Away, KafkaError, OSError) as error:
                if not warned:
                    broker, why = self._settings.broker, type(error).__name__
                    log.warning("broker %s does not answer (%s); waiting", broker, why)
                warned = True
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self._stopping.wait()
        return False

    async def _goodbye(self, health: HealthServer) -> None:
        """Side by side, each for a moment only: a client whose broker is gone may wait, fail or cancel itself."""
        parting = (self._source.stop(), self._dead_letters.stop(), self._sink.close(), health.stop())
        tasks = [asyncio.ensure_future(one) for one in parting]
        await asyncio.wait(tasks, timeout=GOODBYE_S)
