"""Apache Kafka goes away under a loaded collector and comes back: nothing that was answered 200 is missing.

LEADSTREAMS_LONG=1 keeps it away for 30 s instead of 7.
"""

import asyncio
import json
import os
import signal
import subprocess
import time
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from benchmarks.machine import resident
from streams import admin, log, topics
from streams.broker import free_port
from streams.collector.budget import IN_FLIGHT_LIMIT
from streams.settings import Settings
from tests.kafka.broker import KafkaBroker
from tests.kafka.conftest import NewBroker
from tests.kafka.pipeline import PROGRAM

AWAY_S: Final = 30.0 if os.environ.get("LEADSTREAMS_LONG") == "1" else 7.0
SECRET: Final = "a-secret-for-tests-only"
PARTITIONS: Final = 4
SINGLE, BATCHES, OF_A_BATCH = 50, 100, 1000
"""Senders of single calls and of batches, and events in one of those: more than the collector may hold at once."""
PATIENCE_S: Final = 60.0
LOADED_S: Final = 3.0
GROWTH: Final = 3 * IN_FLIGHT_LIMIT
"""Of resident memory: what is counted are bytes of bodies and records, and Python needs more for them."""


class Load:
    """Senders that send as fast as they are answered, and again at once after a 503."""

    def __init__(self, url: str) -> None:
        self.accepted: set[str] = set()
        self.answers: Counter[int] = Counter()
        self.without_delay = 0
        self.newest_accepted = 0.0
        """When the newest request began that was answered 200; monotonic seconds."""
        self._url = url
        self._numbers = count()
        self._tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Until it is left; then what is still open is answered first."""
        ending = asyncio.Event()
        limits = aiohttp.TCPConnector(limit=0)
        key = {"Authorization": f"Basic {b64encode(b'dev:').decode()}"}
        async with aiohttp.ClientSession(connector=limits, headers=key) as http, asyncio.TaskGroup() as senders:
            for size in (*[1] * SINGLE, *[OF_A_BATCH] * BATCHES):
                senders.create_task(self._send(http, size, ending))
            try:
                yield
            finally:
                ending.set()

    async def _send(self, http: aiohttp.ClientSession, size: int, ending: asyncio.Event) -> None:
        while not ending.is_set():
            ids = [f"m-{next(self._numbers)}" for _ in range(size)]
            messages = [{"type": "page", "messageId": name, "anonymousId": f"a-{name[-3:]}"} for name in ids]
            path, body = ("p", messages[0]) if size == 1 else ("b", {"batch": messages})
            began = time.monotonic()
            async with http.post(f"{self._url}/v1/{path}", data=json.dumps(body)) as answer:
                self.answers[answer.status] += 1
                if answer.status == 200:
                    self.accepted.update(ids)
                    self.newest_accepted = max(self.newest_accepted, began)
                elif answer.headers.get("Retry-After", "") < "1":
                    self.without_delay += 1
            await asyncio.sleep(0.01 if answer.status == 503 else 0)


@contextmanager
def collector(broker: str, printed: Path) -> Iterator[tuple[int, str]]:
    """A collector as a process of its own: its process id and its address."""
    port = free_port()
    own = {"LEADSTREAMS_BROKER": broker, "LEADSTREAMS_SECRET": SECRET, "LEADSTREAMS_COLLECTOR_PORT": str(port)}
    with printed.open("wb") as output:
        process = subprocess.Popen(
            [PROGRAM, "collector", "--dev"],
            env=os.environ | own,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process.pid, f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


async def until_ready(url: str) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE_S):
        while True:
            try:
                async with http.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def events_in(settings: Settings) -> set[str]:
    """The ids of all events in the input topics."""
    found: set[str] = set()
    async with log.opened(settings) as reader:
        for topic in topics.INPUTS:
            for number in range(PARTITIONS):
                async for batch in reader.read(topic, number):
                    found.update(json.loads(record.value or b"")["event_id"] for record in batch)
    return found


async def sampled(pid: int, sizes: list[int]) -> None:
    while True:
        sizes.append(resident(pid))
        await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("go", "come"),
    [(KafkaBroker.kill, KafkaBroker.start), (KafkaBroker.freeze, KafkaBroker.thaw)],
    ids=["killed", "frozen"],
)
async def test_what_was_answered_200_is_there_after_an_outage_and_memory_stayed_bounded(
    new_broker: NewBroker,
    tmp_path: Path,
    go: Callable[[KafkaBroker], object],
    come: Callable[[KafkaBroker], object],
) -> None:
    broker = new_broker()
    settings = Settings(broker=broker.bootstrap, partitions=PARTITIONS, secret=SECRET)
    with admin.connect(settings) as client:
        admin.create(client, settings)
    sizes: list[int] = []
    with collector(broker.bootstrap, tmp_path / "collector.log") as (pid, url):
        await until_ready(url)
        load, idle = Load(url), resident(pid)
        async with load.running():
            sampling = asyncio.create_task(sampled(pid, sizes))
            await asyncio.sleep(LOADED_S)
            before = Counter(load.answers)
            go(broker)
            gone = time.monotonic()
            await asyncio.sleep(AWAY_S)
            assert load.newest_accepted < gone, "a 200 without a broker"
            away = load.answers - before
            await asyncio.to_thread(come, broker)
            await until_ready(url)
            again = load.answers[200]
            await asyncio.sleep(LOADED_S)
            sampling.cancel()
        assert load.answers[200] > again, "never accepted anything again"
    assert before[200] > 0
    assert set(load.answers) == {200, 503}
    assert away[503] > 0
    assert load.without_delay == 0
    assert max(sizes) - idle < GROWTH
    missing = load.accepted - await events_in(settings)
    assert not missing
    print(f"{load.answers}, away {away}, {len(load.accepted)} accepted, {idle >> 20} to {max(sizes) >> 20} MB")
