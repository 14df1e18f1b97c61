"""The load: seeded traffic through producers of several kinds, and an account of what the broker acknowledged."""

import asyncio
import random
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.dead_letter import Reason
from streams import topics
from streams.identity.keys import Secret
from streams.scoring.instant import rfc3339
from tests.faults.failpoints import BUG
from tests.kafka.traffic import POISON as TRAFFIC_POISON
from tests.kafka.traffic import SPAN, Written, traffic

DEEP: Final = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
KNOWN_POISON: Final[dict[bytes | None, Reason]] = {
    b"\xff\xfe": Reason.BAD_UTF8,
    b"{": Reason.BAD_JSON,
    b"[1]": Reason.BAD_JSON,
    b'{"event_id":"x","type":"page_viewed"}': Reason.BAD_FIELD,
    b'{"a":1e400}': Reason.NOT_REPRESENTABLE,
    b'{"event_id":"nan","employees":NaN}': Reason.NOT_REPRESENTABLE,
    b'{"event_id":"big","n":1' + b"0" * 400 + b"}": Reason.NOT_REPRESENTABLE,
    DEEP: Reason.TOO_DEEP,
    None: Reason.NULL_VALUE,
}
"""Values that must become dead letters, and the reason of each."""
POISON: Final = tuple(KNOWN_POISON)

CHUNK: Final = 100
REQUEST_TIMEOUT_MS: Final = 5_000
RETRY_S: Final = 0.5
BIG_BYTES: Final = 1_000_000
LONG_KEY: Final = b"k" * 1_000_000
REPEATS_KEPT: Final = 20_000


class Mix(NamedTuple):
    """What the load is made of; shares are of all records."""

    per_second: int = 600
    people: int = 4_000
    crc32: float = 0.15
    unkeyed: float = 0.05
    hot: float = 0.0
    poison: float = 0.0
    repeats: float = 0.0
    bugs: float = 0.0
    far_future: float = 0.0
    big: float = 0.0
    erasures: float = 0.0
    shuffled: int = 1
    """Records among which the order is drawn."""


def stream(mix: Mix, count: int, partitions: int, seed: int, secret: Secret, now: int) -> Iterator[Written]:
    """`count` records that end about `now` (Unix ms)."""
    rng = random.Random(seed)
    plain = traffic(count, mix.people, partitions, seed, secret, now - SPAN)
    kept: list[Written] = []
    heap: list[Written] = []
    for index, record in enumerate(plain):
        written = _special(mix, index, partitions, rng, secret, now) or record
        if mix.repeats and kept and rng.random() < mix.repeats:
            written = rng.choice(kept)
        elif mix.repeats:
            _keep(kept, written, index, rng)
        heap.append(_addressed(written, mix, partitions, rng))
        if len(heap) >= mix.shuffled:
            yield heap.pop(rng.randrange(len(heap)))
    rng.shuffle(heap)
    yield from heap


def _keep(kept: list[Written], written: Written, index: int, rng: random.Random) -> None:
    """A sample of all that was ever sent."""
    if written.value in KNOWN_POISON:
        return
    if len(kept) < REPEATS_KEPT:
        kept.append(written)
    elif (place := rng.randrange(index)) < REPEATS_KEPT:
        kept[place] = written


def _addressed(written: Written, mix: Mix, partitions: int, rng: random.Random) -> Written:
    """As producers address: murmur2 as it comes, librdkafka's CRC32, or without a key."""
    draw = rng.random()
    if draw < mix.crc32 and written.key is not None:
        return written._replace(partition=zlib.crc32(written.key) % partitions)
    if written.value and draw < mix.crc32 + mix.unkeyed:
        return written._replace(key=None, partition=rng.randrange(partitions))
    return written


def _special(
    mix: Mix, index: int, partitions: int, rng: random.Random, secret: Secret, now: int
) -> Written | None:
    """Instead of a usual record, one of the kinds that the mix asks for."""
    draw = rng.random()
    partition = rng.randrange(partitions)
    kinds: tuple[tuple[float, Callable[[], Written]], ...] = (
        (mix.poison, lambda: Written(rng.choice(topics.INPUTS), partition, b"x", rng.choice(POISON) or b"")),
        (mix.hot, lambda: _event(topics.WEB_VISITS, f"hot-{index}", now, partition, anonymous_id="hot")),
        (mix.bugs, lambda: _bug(index, now, partition, rng)),
        (mix.far_future, lambda: _future(index, partition)),
        (mix.big, lambda: _big(index, now, partition, rng)),
        (mix.erasures, lambda: _erasure(index, now, partition, rng, mix.people)),
    )
    for share, make in kinds:
        if draw < share:
            return make()
        draw -= share
    return None


def _event(topic: str, event_id: str, at: int, partition: int, **fields: object) -> Written:
    event = {
        "event_id": event_id,
        "type": "page_viewed",
        "occurred_at": rfc3339(at),
        "received_at": rfc3339(at),
        "url": "https://x.example/pricing",
        **fields,
    }
    return Written(topic, partition, b"any", msgspec.json.encode(event))


def _bug(index: int, now: int, partition: int, rng: random.Random) -> Written:
    url = "https://x.example" + BUG.decode()
    who = f"device-{rng.randrange(400)}-0"
    return _event(topics.WEB_VISITS, f"bug-{index}", now, partition, url=url, anonymous_id=who)


def _future(index: int, partition: int) -> Written:
    at = 4_070_908_800_000  # 2099
    return _event(topics.WEB_VISITS, f"future-{index}", at, partition, anonymous_id=f"device-{index % 400}-0")


def _big(index: int, now: int, partition: int, rng: random.Random) -> Written:
    if rng.random() < 0.5:
        return _event(topics.WEB_VISITS, f"big-{index}", now, partition, user_id="big", more="x" * BIG_BYTES)
    return _event(topics.WEB_VISITS, f"key-{index}", now, partition, user_id="key")._replace(key=LONG_KEY)


def _erasure(index: int, now: int, partition: int, rng: random.Random, people: int) -> Written:
    fields = {"type": "lead_erased", "email": f"person{int(people * rng.random() ** 2)}@example.com"}
    return _event(topics.SALES_FEEDBACK, f"erase-{index}", now, partition, source_kind="crm", **fields)


def is_poison(value: bytes | None) -> Reason | None:
    """The reason for which a value must be refused, None if it need not be."""
    if value is None or len(value) < 500 or value is DEEP or value == DEEP:
        known = KNOWN_POISON.get(value)
        if known is not None:
            return known
    return Reason.FUTURE if value is not None and b'"event_id":"future-' in value else None


assert all(value in KNOWN_POISON for value in TRAFFIC_POISON)


def digest(key: bytes | None, value: bytes | None) -> bytes:
    """Eight bytes that tell what was sent from anything else."""
    state = blake2b(key if key is not None else b"\x00none", digest_size=8)
    state.update(b"\x01" + value if value is not None else b"\x00none")
    return state.digest()


class Load:
    """Sends a stream in a thread of its own. `acknowledged` holds digests by offset by (topic, partition)."""

    def __init__(self, bootstrap: str, records: Iterator[Written], per_second: int) -> None:
        self.acknowledged: dict[tuple[str, int], dict[int, bytes]] = defaultdict(dict)
        self.count = 0
        self.failures = 0
        self._bootstrap = bootstrap
        self._records = records
        self._per_second = per_second
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self, patience_s: float) -> None:
        """Take no new records; returns when all that were taken are acknowledged."""
        self._stopping.set()
        self.wait(patience_s)

    def wait(self, patience_s: float) -> None:
        self._thread.join(patience_s)
        assert not self._thread.is_alive(), "the load could not be delivered"
        if self._error is not None:
            raise self._error

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._send())
        except BaseException as error:
            self._error = error

    async def _send(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            linger_ms=5,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            max_request_size=2 << 20,
        )
        await producer.start()
        started = time.monotonic()
        try:
            while not self._stopping.is_set():
                chunk = [record for _, record in zip(range(CHUNK), self._records, strict=False)]
                if not chunk:
                    return
                await self._deliver(producer, chunk)
                ahead = self.count / self._per_second - (time.monotonic() - started)
                if ahead > 0:
                    await asyncio.sleep(ahead)
                elif ahead < -1:  # an outage is not made up for
                    started -= ahead
        finally:
            await producer.stop()

    async def _deliver(self, producer: AIOKafkaProducer, chunk: list[Written]) -> None:
        """Until every one is acknowledged: a repeat may stand in the log twice, as with any sender."""
        while chunk:
            answers = await asyncio.gather(*(_put(producer, record) for record in chunk), return_exceptions=True)
            left = []
            for record, answer in zip(chunk, answers, strict=True):
                if isinstance(answer, KafkaError | OSError | TimeoutError):
                    left.append(record)
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    place = (record.topic, record.partition)
                    self.acknowledged[place][answer] = digest(record.key, _value(record))
                    self.count += 1
            chunk = left
            if left:
                self.failures += len(left)
                await asyncio.sleep(RETRY_S)


def _value(record: Written) -> bytes | None:
    return record.value or None  # an empty value stands for none: a tombstone


async def _put(producer: AIOKafkaProducer, record: Written) -> int:
    future = await producer.send(record.topic, _value(record), key=record.key, partition=record.partition)
    return int((await future).offset)
