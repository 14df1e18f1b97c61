"""`python -m benchmarks.collector`: the collector against a bare aiohttp handler that only produces.

Both run on core 0 and are loaded in turn, by a client on core 1 that shares it with Apache Kafka; every answer
waits for `acks=all`. Two figures each: per second of the wall clock, and per second of the server's processor
time, which other programs disturb less. The collector runs as in production: with a file of write keys and rates.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any, Final, NamedTuple

import uvloop

from streams import admin, topics
from streams.broker import free_port
from streams.settings import Settings
from tests.kafka.broker import KafkaBroker

SECRET: Final = "a-secret-for-benchmarks-only"
KEY: Final = "server-key"
KEYS: Final = f"""
requests_per_second_of_a_source = 1000000
[[sources]]
name = "website"
kind = "browser"
key = "public-key"
[[sources]]
name = "backend"
kind = "server"
sha256 = "{sha256(KEY.encode()).hexdigest()}"
"""
TICKS: Final = os.sysconf("SC_CLK_TCK")
READY_S: Final = 30.0


class Round(NamedTuple):
    """What one spell of load showed. Latencies in seconds."""

    requests: int
    wall_s: float
    processor_s: float
    latencies: list[float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one spell of load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--batch", type=int, default=100, help="events of a request on the batch path")
    parser.add_argument("--profile", type=Path, help="a file for py-spy's raw samples of the collector")
    parser.add_argument("--only", choices=["single", "batch"], help="one of the two paths")
    options = parser.parse_args()
    os.sched_setaffinity(0, {1})
    with tempfile.TemporaryDirectory() as directory, KafkaBroker(Path(directory)) as broker:
        settings = Settings(broker=broker.bootstrap, secret=SECRET)
        with admin.connect(settings) as client:
            admin.create(client, settings)
        keys = Path(directory, "keys.toml")
        keys.write_text(KEYS)
        bare_program = [sys.executable, "-m", "benchmarks.bare", broker.bootstrap, topics.WEB_VISITS]
        own_program = [str(Path(sys.executable).with_name("leadstreams")), "collector"]
        environment = {"LEADSTREAMS_BROKER": broker.bootstrap, "LEADSTREAMS_WRITE_KEYS": str(keys)}
        with _server(bare_program, environment) as bare, _server(own_program, environment) as collector:
            print(json.dumps(measure(bare, collector, options), indent=2))
    return 0


class Server(NamedTuple):
    """A server under load."""

    process: subprocess.Popen[bytes]
    port: int

    def processor_s(self) -> float:
        """Processor time that it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def measure(bare: Server, collector: Server, options: argparse.Namespace) -> dict[str, Any]:
    """Load both in turn, then the batch path alone."""
    shown: dict[str, Any] = {}
    singles, batches = list(_singles(2000)), list(_batches(40, options.batch))
    profiler = _profiler(collector, options)
    if options.only != "batch":
        found: dict[str, list[Round]] = {"bare": [], "collector": []}
        for _ in range(options.rounds):
            for name, server in (("bare", bare), ("collector", collector)):
                found[name].append(uvloop.run(load(server, singles, options.connections, options.seconds)))
        shown["single"] = {name: _figures(rounds, 1) for name, rounds in found.items()}
        for figure in ("per_s", "per_processor_s"):
            pairs = zip(found["collector"], found["bare"], strict=True)
            shown["single"][f"ratio_{figure}"] = round(
                median(_rate(a, figure) / _rate(b, figure) for a, b in pairs), 2
            )
    if options.only != "single":
        rounds = [uvloop.run(load(collector, batches, 8, options.seconds)) for _ in range(options.rounds)]
        shown["batch"] = _figures(rounds, options.batch)
    if profiler is not None:
        profiler.send_signal(signal.SIGINT)
        profiler.wait(20)
    return shown


def _rate(found: Round, figure: str) -> float:
    return found.requests / (found.wall_s if figure == "per_s" else found.processor_s)


def _figures(rounds: list[Round], events: int) -> dict[str, float]:
    latencies = sorted(latency for found in rounds for latency in found.latencies)
    return {
        "events_per_s": round(median(_rate(found, "per_s") for found in rounds) * events),
        "events_per_processor_s": round(median(_rate(found, "per_processor_s") for found in rounds) * events),
        "p50_ms": round(median(latencies) * 1000, 1),
        "p99_ms": round(quantiles(latencies, n=100)[98] * 1000, 1),
    }


async def load(server: Server, requests: list[bytes], connections: int, seconds: float) -> Round:
    """Send over so many connections, each as soon as it has its answer, for so many seconds."""
    loop = asyncio.get_running_loop()
    supply = cycle(requests)
    latencies: list[float] = []
    ends = time.monotonic() + seconds
    clients = [
        (await loop.create_connection(lambda: _Client(supply, latencies, ends), "127.0.0.1", server.port))[1]
        for _ in range(connections)
    ]
    began, used = time.monotonic(), server.processor_s()
    for client in clients:
        client.send()
    await asyncio.gather(*(client.done for client in clients))
    return Round(len(latencies), time.monotonic() - began, server.processor_s() - used, latencies)


class _Client(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, supply: Iterator[bytes], latencies: list[float], ends: float) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._supply, self._latencies, self._ends = supply, latencies, ends
        self._sent, self._transport = 0.0, None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self) -> None:
        self._sent = time.monotonic()
        self._transport.write(next(self._supply))  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 200"):  # both answer in one segment
            self._end(RuntimeError(data[:200].decode()))
            return
        now = time.monotonic()
        self._latencies.append(now - self._sent)
        if now < self._ends:
            self.send()
            return
        self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or ConnectionError("the server hung up"))

    def _end(self, problem: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(problem) if problem else self.done.set_result(None)
        self._transport.close()  # type: ignore[attr-defined]


def _singles(count: int) -> Iterator[bytes]:
    for message in _messages(count, 3):
        kind = "page" if message["type"] == "page" else "track"
        yield _request(f"/v1/{kind}", message)


def _batches(count: int, size: int) -> Iterator[bytes]:
    messages = list(_messages(count * size, 5))
    for start in range(0, len(messages), size):
        yield _request("/v1/batch", {"batch": messages[start : start + size]})


def _request(path: str, body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    key = b64encode(f"{KEY}:".encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: collector\r\nAuthorization: Basic {key}\r\n"
        "User-Agent: analytics-python/2.4\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def _messages(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """What a tracker sends: four page views for each call that asks for something. About 480 bytes."""
    random = Random(seed)
    for number in range(count):
        visitor = random.randrange(5_000)
        common = {
            "messageId": f"m-{seed}-{number}-{random.getrandbits(64):x}",
            "anonymousId": f"0f1e2d3c-4b5a-6978-8796-{visitor:012x}",
            "timestamp": "2026-11-20T08:15:30.123Z",
            "context": {
                "library": {"name": "analytics-python", "version": "2.4.0"},
                "locale": "ja-JP",
                "timezone": "Asia/Tokyo",
                "campaign": {"source": "newsletter", "medium": "email", "name": "november"},
            },
        }
        if number % 5:
            page = {"url": f"https://example.test/products/{number % 300}", "title": "Products", "referrer": ""}
            yield {"type": "page", "name": "Products", "properties": page, **common}
        else:
            asked = {"email": f"person{visitor}@firm{visitor % 700}.test", "company": "Firm", "form_id": "demo"}
            yield {"type": "track", "event": "Demo Requested", "properties": asked, **common}


@contextmanager
def _server(program: list[str], environment: dict[str, str]) -> Iterator[Server]:
    port = free_port()
    own = {"LEADSTREAMS_SECRET": SECRET, "LEADSTREAMS_COLLECTOR_PORT": str(port)}
    process = subprocess.Popen(
        ["taskset", "-c", "0", *program], env=os.environ | environment | own, stdout=subprocess.DEVNULL
    )
    server = Server(process, port)
    try:
        _await_ready(server)
        yield server
    finally:
        process.terminate()
        process.wait(15)


def _await_ready(server: Server) -> None:
    """Returns when a first request was confirmed."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        assert server.process.poll() is None, "the server ended"
        try:
            uvloop.run(load(server, list(_singles(1)), 1, 0))
        except (OSError, RuntimeError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server did not get ready")


def _profiler(server: Server, options: argparse.Namespace) -> subprocess.Popen[bytes] | None:
    if options.profile is None:
        return None
    command = ["py-spy", "record", "-d", "600", "-r", "200", "-f", "raw", "-o", str(options.profile)]
    return subprocess.Popen([*command, "-p", str(server.process.pid)])


if __name__ == "__main__":
    sys.exit(main())
