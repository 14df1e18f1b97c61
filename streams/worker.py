"""The worker's process: start, stop, and what the outside sees of it (`python -m streams.worker`)."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import uvloop
from aiohttp import web
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams import kafka_access, live_record, metrics, topics, tracing
from streams.app import App, create_app
from streams.changes import Own
from streams.health import HealthServer
from streams.identity.keys import partition_of
from streams.json_log import JsonFormatter
from streams.kafka_access import Rights
from streams.kafka_client import client_options
from streams.lane.assignor import UnequalPartitions, partition_count
from streams.lane.lane import Lane, MakePartition
from streams.quiet import quieten_client_logs
from streams.seal import Seal
from streams.settings import Settings
from streams.shard import Shard

log = logging.getLogger(__name__)

STOP_S: Final = 8.0
LAST_RESORT_S: Final = 9.5
RETRY_FIRST_S: Final = 0.2
RETRY_MOST_S: Final = 5.0
REMIND_S: Final = 60.0
ASK_TIMEOUT_S: Final = 10.0

FAILED: Final = 1


class CannotStart(Exception):
    """One line that says why and what to do."""


class Role(NamedTuple):
    """What sets one kind of worker apart: its own topics, its rights, and how the names of its metrics begin."""

    own: Own = Own()
    rights: Callable[[Settings], Rights] = kafka_access.of_worker
    family: str = metrics.FAMILY


SCORING: Final = Role()


def run(
    settings: Settings,
    make_partition: MakePartition,
    sources: Iterable[str] = topics.SOURCES,
    role: Role = SCORING,
) -> int:
    """Run one worker until SIGTERM or SIGINT; the exit code: 0, or 1 when an operator is needed."""
    quieten_client_logs()
    if settings.tracing and (missing := tracing.start("leadstreams-worker")) is not None:
        log.error("%s", missing)
        return FAILED
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(Worker(settings, make_partition, tuple(sources), role).serve())
    tracing.stop()
    return code


class Worker:
    """One Faust worker and its health server."""

    def __init__(
        self, settings: Settings, make_partition: MakePartition, sources: tuple[str, ...], role: Role = SCORING
    ) -> None:
        self._settings = settings
        self._role = role
        self._make_partition = make_partition
        self._sources = sources
        self._stopping = asyncio.Event()
        self._lane: Lane | None = None

    async def serve(self) -> int:
        """Serve until told to stop."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop_soon)
        host, port = self._settings.worker_host, self._settings.worker_port
        health = HealthServer(host, port, self.unready, self._role.family, more=self._records())
        await health.start()
        log.info("worker serves http://%s:%s", host, health.port)
        try:
            partitions = await self._partitions()
            return 0 if partitions is None else await self._run_app(partitions)
        except CannotStart as error:
            log.error("%s", error)
            return FAILED
        finally:
            await health.stop()

    def unready(self) -> list[str]:
        """Why the worker is not ready; empty when it is."""
        if self._stopping.is_set():
            return ["stopping"]
        return ["waiting for the broker"] if self._lane is None else self._lane.unready()

    def _records(self) -> list[web.RouteDef]:
        """Where the console asks for a lead's record; a shadow's are nobody's."""
        secret = self._settings.require_secret()
        if self._role is not SCORING or isinstance(secret, str):
            return []
        return [live_record.route(Seal(secret, self._settings.pipeline), self._shard)]

    def _shard(self, key: str) -> Shard | None:
        lane = self._lane
        found = None if lane is None else lane.open_partition(partition_of(key, lane.partitions))
        return found if isinstance(found, Shard) else None

    def _stop_soon(self) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            # The broker may be gone and a client wait for it: what is committed is safe whatever happens now.
            last_resort = threading.Timer(LAST_RESORT_S, os._exit, [0])
            last_resort.daemon = True
            last_resort.start()

    # --- before the start

    async def _partitions(self) -> int | None:
        """The number of partitions, once the broker answers; None if told to stop before. Raises CannotStart."""
        loop = asyncio.get_running_loop()
        delay, reminder = RETRY_FIRST_S, loop.time()
        while not self._stopping.is_set():
            try:
                denied = await kafka_access.denied(self._settings, self._role.rights(self._settings))
                if denied is not None:
                    raise CannotStart(denied)
                return partition_count(await self._topic_partitions())
            except UnequalPartitions as error:
                raise CannotStart(str(error)) from error
            except (kafka_access.Away, KafkaError, OSError, TimeoutError) as error:
                if loop.time() >= reminder:
                    log.warning(
                        "broker %s does not answer (%s); waiting", self._settings.broker, type(error).__name__
                    )
                    reminder = loop.time() + REMIND_S
            await self._sleep(delay)
            delay = min(delay * 2, RETRY_MOST_S)
        return None

    async def _topic_partitions(self) -> dict[str, int]:
        """The number of partitions of each topic that the lane needs; 0 where there is none."""
        needed = (*self._sources, *self._role.own)
        client = AIOKafkaAdminClient(
            **client_options(self._settings), request_timeout_ms=int(ASK_TIMEOUT_S * 1000)
        )
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                await client.start()
                found = await client.describe_topics(list(needed))
        finally:
            await client.close()
        counts = {topic["topic"]: len(topic["partitions"]) for topic in found}
        return {topic: counts.get(topic, 0) for topic in needed}

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    # --- running

    async def _run_app(self, partitions: int) -> int:
        lane = self._lane = Lane(self._settings, self._make_partition, self._sources, partitions)
        app = create_app(lane)
        starting = asyncio.create_task(app.start())
        looking = asyncio.create_task(lane.look_after())
        gc.collect()
        gc.freeze()  # what is alive now stays: no need to look at it again
        ended = await self._until_the_end(app, lane, starting, looking)
        self._stop_soon()
        try:
            async with asyncio.timeout(STOP_S):
                await lane.stop()
                looking.cancel()
                starting.cancel()
                await asyncio.gather(starting, looking, return_exceptions=True)
                await app.stop()
        except TimeoutError:
            log.warning("not all of the clients could say goodbye")
            _leave_now(FAILED if ended else 0)
        return FAILED if ended else 0

    async def _until_the_end(self, app: App, lane: Lane, *tasks: asyncio.Task[Any]) -> str:
        """Returns why the worker failed; empty if it was told to stop."""
        events = [self._stopping.wait(), lane.failed.wait(), app._crashed.wait()]
        waiting = [asyncio.ensure_future(event) for event in events]
        while True:
            done, _ = await asyncio.wait([*waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
            broken = next((t for t in tasks if t in done and not t.cancelled() and t.exception()), None)
            tasks = tuple(task for task in tasks if task not in done)
            if broken is not None or any(event in done for event in waiting):
                break
        for event in waiting:
            event.cancel()
        if broken is not None or app.crash_reason is not None:
            reason = broken.exception() if broken is not None else app.crash_reason
            lane.fail(f"the worker broke: {type(reason).__name__}: {reason}")
        return lane.failure


def _leave_now(code: int) -> None:
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def speak(log_format: str = "text") -> None:
    """What the worker has to say goes to standard error: without this, errors only, and without their level."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if log_format == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter())


def main() -> int:
    """One worker by the settings; what `leadstreams worker` does, without its options."""
    from streams import pipeline  # needs what only a whole pipeline has

    settings = Settings()
    speak(settings.log_format)
    try:
        agreed = pipeline.terms(settings)
    except pipeline.Unusable as error:
        log.error("%s", error)
        return FAILED
    return run(settings, pipeline.maker(agreed))


if __name__ == "__main__":
    sys.exit(main())
