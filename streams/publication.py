"""Putting a model in force: its document on `lead-models`, and one activation for each partition's log.

Where the broker has transactions, all of it appears at once, and two who publish at the same time come one after
the other. Elsewhere a publication that broke off is made whole by publishing the same model again.
"""

import zlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer

from streams import log, model_document, topics
from streams.admin import Refused, connect, describe
from streams.changes import Refused as CannotRun
from streams.identity import forward
from streams.identity.forward import ModelActivated
from streams.kafka_client import client_options
from streams.model_document import Document
from streams.scoring.model import Model, canonical
from streams.settings import Settings

PLAIN_BYTES: Final = 64 << 10
"""A larger value is compressed: JSON begins with a brace, zlib does not."""
ENVELOPE_BYTES: Final = 512
"""Key and framing of a record, to be on the safe side of a topic's limit."""
REQUEST_BYTES: Final = 8 << 20
MOST_TOLD: Final = 50
TIMEOUT_MS: Final = 10_000


class Told(msgspec.Struct, frozen=True):
    """That a model was published: when (RFC 3339, UTC), and by whom if they said so."""

    at: str
    by: str | None = None


class Published(msgspec.Struct, frozen=True):
    """A record of `lead-models`: a model that was or is in force, its newest publications, the whole of it."""

    hash: str
    name: str
    version: str
    published: list[Told]
    model: msgspec.Raw

    @property
    def document(self) -> Document:
        return Document(self.hash, self.name, self.version, zlib.compress(bytes(self.model), 9))


class Records(NamedTuple):
    """What a publication writes: the value for `lead-models` and the one for each partition's forwards."""

    published: bytes
    activation: bytes


def encode(published: Published) -> bytes:
    value = msgspec.json.encode(published)
    return value if len(value) <= PLAIN_BYTES else zlib.compress(value, 9)


def decode(value: bytes) -> Published | None:
    """None for a record that this version cannot read."""
    try:
        if value[:1] != b"{":
            value = zlib.decompressobj().decompress(value, model_document.MOST_BYTES)
        return msgspec.json.decode(value, type=Published)
    except (zlib.error, msgspec.MsgspecError):
        return None


def records(model: Model, before: Published | None, told: Told) -> Records:
    """The records that put a model in force. Raises Refused for one that could not be read again."""
    document = model_document.document(model)
    unfit = model_document.compiled(document, model.pipeline, 0)
    if isinstance(unfit, CannotRun):
        raise Refused(unfit.message)
    history = [*(before.published if before else ()), told][-MOST_TOLD:]
    content = msgspec.Raw(canonical(model.source))
    published = Published(document.hash, document.name, document.version, history, content)
    return Records(encode(published), forward.encode(ModelActivated(document)))


# --- what was published


async def read(settings: Settings) -> dict[str, Published]:
    """Every model that was ever published, by hash, the newest last. Raises as `log.opened`."""
    found: dict[str, Published] = {}
    async with log.opened(settings) as reader:
        async for batch in reader.read(topics.LEAD_MODELS, 0):
            for record in batch:
                published = decode(record.value or b"")
                if published is not None:
                    found.pop(published.hash, None)
                    found[published.hash] = published
    return found


def choose(found: Mapping[str, Published], name: str) -> Published | None:
    """The model of a hash, of the beginning of one, or the newest of a name."""
    named = [published for published in found.values() if published.name == name]
    hashed = [published for published in found.values() if len(name) >= 4 and published.hash.startswith(name)]
    return next(reversed(named or hashed), None)


async def in_force(settings: Settings) -> dict[int, str]:
    """The hash of the model in force in each partition that has one. Raises as `log.opened`."""
    return {number: progress.model for number, progress in (await log.newest_progress(settings)).items()}


async def find(settings: Settings, name: str) -> Model | None:
    """The published model of this hash. Raises Refused if this version cannot run it, and as `log.opened`."""
    published = (await read(settings)).get(name)
    if published is None:
        return None
    model = model_document.compiled(published.document, settings.pipeline, 0)
    if isinstance(model, CannotRun):
        raise Refused(model.message)
    return model


# --- publishing


def check(settings: Settings, made: Records) -> None:
    """Whether every topic takes its record: before anything is written. Raises Refused, Unreachable."""
    with connect(settings) as client:
        there = describe(client, [topics.LEAD_MODELS, topics.LEAD_FORWARDS, topics.LEAD_SCORES])
    sizes = {
        topics.LEAD_MODELS: len(made.published),
        topics.LEAD_FORWARDS: len(made.activation),
        topics.LEAD_SCORES: len(made.activation),
    }
    for topic, size in sizes.items():
        if topic not in there:
            raise Refused(f"no topic {topic}: run leadstreams topics create")
        limit = int(there[topic].config.get("max.message.bytes") or topics.MAX_EVENT_BYTES)
        if size + ENVELOPE_BYTES > limit:
            raise Refused(
                f"the model takes {size:,} bytes compressed, and {topic} takes {limit:,} a record: shorten its"
                " lists (nothing was published)"
            )


async def publish(settings: Settings, count: int, name: str, made: Records) -> None:
    """Write the records of the model of this hash for all partitions. Raises as `log.opened`."""
    exactly_once = settings.delivery == "exactly-once"
    options: dict[str, Any] = {"acks": "all"}
    if exactly_once:
        options = {"transactional_id": f"{settings.pipeline}-models", "transaction_timeout_ms": TIMEOUT_MS}
    async with log.failing_in_words(settings):
        producer = AIOKafkaProducer(
            **client_options(settings),
            client_id=f"{settings.pipeline}-models",
            max_request_size=REQUEST_BYTES,
            max_batch_size=REQUEST_BYTES,
            request_timeout_ms=TIMEOUT_MS,
            **options,
        )
        await producer.start()
        try:
            if exactly_once:
                async with producer.transaction():
                    await _send(producer, count, name, made)
            else:
                await _send(producer, count, name, made)
        finally:
            await producer.stop()


async def _send(producer: AIOKafkaProducer, count: int, name: str, made: Records) -> None:
    """The document first: whoever sees an activation finds its model."""
    await producer.send_and_wait(topics.LEAD_MODELS, made.published, key=name.encode(), partition=0)
    sent = [
        await producer.send(topics.LEAD_FORWARDS, made.activation, key=forward.MODEL_KEY, partition=number)
        for number in range(count)
    ]
    for future in sent:
        await future
