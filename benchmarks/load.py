"""The load: events of about 450 bytes over leads with a Zipf spread, written as the collector would write them."""

import asyncio
import random
import time
from bisect import bisect
from collections import deque
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaProducer

from streams import topics
from streams.identity.keys import Secret, lead_keys, partition_of
from streams.scoring.instant import rfc3339

START: Final = 1_760_000_000_000
STEP_MS: Final = 200
PAGES: Final = ("/pricing", "/product/a", "/blog/x", "/docs", "/service/b", "/")
SPREAD: Final = 1.0
"""Zipf exponent: the most active lead has twice the events of the second."""
BATCH_BYTES: Final = 900 * 1024
TOGETHER: Final = 2_000
"""Events between two flushes of the producer: about 20 ms at full load."""


def lead_numbers(leads: int, rng: random.Random) -> Iterator[int]:
    """An endless draw of leads with a Zipf spread."""
    weights = list(accumulate(1 / (rank**SPREAD) for rank in range(1, leads + 1)))
    while True:
        yield bisect(weights, rng.random() * weights[-1])


REPEAT_WITHIN: Final = 500
"""A producer that sends an event twice does so within that many events."""

Line = tuple[str, int, dict[str, object]]
"""Topic, lead number, event."""


def until_now(count: int) -> int:
    """When a log has to begin (Unix ms) whose last event is of this moment.

    Of an older one every window is over: an engine with timers would do nothing but let points expire.
    """
    return int(time.time() * 1000) - count * STEP_MS


def events(count: int, leads: int, seed: int, start: int = START) -> Iterator[Line]:
    """80 % page views, 14 % opens, 4 % forms, 2 % contacts with sales: one each 200 ms from `start` (Unix ms)."""
    rng = random.Random(seed)
    numbers = lead_numbers(leads, rng)
    for index in range(count):
        lead = next(numbers)
        at = rfc3339(start + index * STEP_MS)
        event: dict[str, object] = {
            "event_id": f"{seed:04x}{index:028x}",
            "occurred_at": at,
            "received_at": at,
            "source": "benchmark",
            "user_id": f"user-{lead:08d}",
            "utm_source": "google",
            "utm_medium": "cpc",
            "utm_campaign": "spring",
            "is_machine": False,
            "schema_version": 1,
        }
        draw = rng.random()
        if draw < 0.80:
            topic = topics.WEB_VISITS
            event |= {
                "type": "page_viewed",
                "url": "https://example.com" + rng.choice(PAGES),
                "referrer": "https://www.google.com/search",
                "title": "A page of the example company",
            }
        elif draw < 0.94:
            topic = topics.EMAIL_ENGAGEMENT
            event |= {"type": "email_opened", "message_id": f"{index:016x}", "campaign": "spring-2026"}
        elif draw < 0.98:
            topic = topics.FORM_SUBMISSIONS
            event |= {
                "type": "form_submitted",
                "form_id": "f-1",
                "form_type": rng.choice(("whitepaper", "newsletter", "information")),
                "phone": "+81 3 0000 0000",
                "company": f"Company {lead % 997}",
            }
        else:
            topic = topics.LEAD_ACTIVITIES
            contact = {"channel": "phone", "outcome": "connected", "direction": "outbound"}
            event |= {"type": "sales_contacted", **contact}
        yield topic, lead, event


def repeated(lines: Iterator[Line], share: float, seed: int) -> Iterator[Line]:
    """The same number of lines, of which a share is a repeat of an earlier one: what producers do that retry."""
    rng = random.Random(seed)
    recent: deque[Line] = deque(maxlen=REPEAT_WITHIN)
    for line in lines:
        again = recent and rng.random() < share
        yield rng.choice(recent) if again else line
        if not again:
            recent.append(line)


async def write(
    bootstrap: str, count: int, leads: int, seed: int, partitions: int, secret: Secret, repeats: float = 0.0
) -> int:
    """Produce the events, each to its lead's partition; the bytes of their values.

    All topics are flushed together every few thousand events, as producers that wait some milliseconds do: the
    log's own times then tell in which order things happened, also across topics.
    """
    lines = events(count, leads, seed, until_now(count))
    if repeats:
        lines = repeated(lines, repeats, seed)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=BATCH_BYTES)
    await producer.start()
    encode = msgspec.json.Encoder().encode
    keys: dict[int, tuple[bytes, int]] = {}
    batches: dict[tuple[str, int], Any] = {}
    total = 0
    try:
        for index, (topic, lead, event) in enumerate(lines):
            if lead not in keys:
                key = lead_keys(None, f"user-{lead:08d}", None, secret)[0]
                keys[lead] = key.encode(), partition_of(key, partitions)
            key_bytes, partition = keys[lead]
            value = encode(event)
            total += len(value)
            batch = batches.get((topic, partition))
            if batch is None:
                batch = batches[topic, partition] = producer.create_batch()
            batch.append(key=key_bytes, value=value, timestamp=None)
            if index % TOGETHER == TOGETHER - 1:
                await _send(producer, batches)
        await _send(producer, batches)
    finally:
        await producer.stop()
    return total


async def _send(producer: AIOKafkaProducer, batches: dict[tuple[str, int], Any]) -> None:
    for batch in batches.values():
        batch.close()
    sent = [await producer.send_batch(batch, topic, partition=p) for (topic, p), batch in batches.items()]
    await asyncio.gather(*sent)
    batches.clear()
