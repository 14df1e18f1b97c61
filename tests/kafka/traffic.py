"""Seeded traffic of many people with all their identities: what a pipeline has to survive, and know afterwards.

People browse anonymously, give an address in a form, open mails, come back under a user id, are called and given
back by sales. Senders repeat themselves, mix up the order, send rubbish, and write to the wrong partition.
"""

import asyncio
import random
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer

from streams import topics
from streams.identity.keys import Secret, lead_keys, partition_of
from streams.scoring.instant import DAY, rfc3339

START: Final = 1_760_000_000_000
SPAN: Final = 40 * DAY
POISON: Final = (b"\xff\xfe", b"{", b"[1]", b'{"event_id":"x","type":"page_viewed"}', b'{"a":1e400}')

Fields = dict[str, Any]


class Written(NamedTuple):
    """What was sent."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes


def traffic(
    count: int, people: int, partitions: int, seed: int, secret: Secret, start: int = START
) -> Iterator[Written]:
    """`count` records over 40 days from `start` on (Unix ms), most of them to where their lead lives."""
    rng = random.Random(seed)
    recent: list[Written] = []
    for index in range(count):
        if recent and rng.random() < 0.03:
            yield rng.choice(recent)  # a retry
            continue
        if rng.random() < 0.002:
            yield Written(rng.choice(topics.INPUTS), rng.randrange(partitions), b"x", rng.choice(POISON))
            continue
        person = int(people * rng.random() ** 2)
        at = start + int(SPAN * index / count) - (rng.randrange(DAY) if rng.random() < 0.02 else 0)
        topic, fields = _event(person, rng)
        event = {"event_id": f"{seed}-{index}", "occurred_at": rfc3339(at), "received_at": rfc3339(at), **fields}
        keys = lead_keys(event.get("email"), event.get("user_id"), event.get("anonymous_id"), secret)
        wrong = rng.random() < 0.01
        partition = rng.randrange(partitions) if wrong else partition_of(keys[0], partitions)
        record = Written(topic, partition, None if wrong else keys[0].encode(), msgspec.json.encode(event))
        recent = [*recent[-200:], record]
        yield record


def _event(person: int, rng: random.Random) -> tuple[str, Fields]:
    device = {"anonymous_id": f"device-{person}-{rng.randrange(2)}"}
    address = {"email": f"Person{person}@Example.com"}
    user = {"user_id": f"user-{person}"}
    draw = rng.random()
    if draw < 0.45:
        return topics.WEB_VISITS, {"type": "page_viewed", "url": "https://x.example/pricing", **device}
    if draw < 0.55:
        return topics.WEB_VISITS, {"type": "page_viewed", "url": "https://x.example/docs", **device, **user}
    if draw < 0.75:
        return topics.EMAIL_ENGAGEMENT, {"type": "email_opened", **address, "is_machine": rng.random() < 0.2}
    if draw < 0.83:
        form = rng.choice(("whitepaper", "newsletter", "demo"))
        own = {"phone": "+81 3 1234", "company": f"Company {person % 97}"}
        return topics.FORM_SUBMISSIONS, {"type": "form_submitted", "form_type": form, **device, **address, **own}
    if draw < 0.88:
        return topics.LEAD_ACTIVITIES, {"type": "lead_identified", "first_name": "Kana", **user, **address}
    if draw < 0.90:  # a shared device
        other = {"email": f"person{person + 1}@example.com"}
        return topics.LEAD_ACTIVITIES, {"type": "lead_identified", **device, **other}
    if draw < 0.95:
        return topics.LEAD_ACTIVITIES, {"type": "sales_contacted", "outcome": "connected", **address}
    kind = rng.choice(
        ("handoff_accepted", "handoff_rejected", "handoff_rejected", "deal_won", "lead_disqualified")
    )
    if kind == "lead_disqualified" and rng.random() < 0.7:
        kind = "lead_reinstated"
    if rng.random() < 0.04:
        kind = "lead_erased"
    return topics.SALES_FEEDBACK, {"type": kind, **address, "reason": "timing", "source_kind": "crm"}


class Progress:
    """How many records have been acknowledged by now."""

    sent = 0


async def write(
    bootstrap: str, records: Iterator[Written], per_second: int, progress: Progress | None = None
) -> None:
    """Produce at about this rate."""
    progress = progress or Progress()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    await producer.start()
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        waiting = []
        for record in records:
            waiting.append(
                await producer.send(record.topic, record.value, key=record.key, partition=record.partition)
            )
            if len(waiting) >= 500:
                await asyncio.gather(*waiting)
                progress.sent += len(waiting)
                waiting = []
                ahead = progress.sent / per_second - (loop.time() - started)
                if ahead > 0:
                    await asyncio.sleep(ahead)
        await asyncio.gather(*waiting)
        progress.sent += len(waiting)
    finally:
        await producer.stop()
