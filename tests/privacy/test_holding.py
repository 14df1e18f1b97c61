"""What is looked through for a person's data, and what is shown of it."""

from collections.abc import AsyncIterator
from typing import Any

from streams import topics
from streams.identity import forward
from streams.identity.keys import Kind, Secret, lead_key
from streams.lane.record import Record
from streams.privacy import holding
from streams.privacy.person import Person
from streams.scoring import lead as records
from streams.scoring.instant import NEVER
from streams.scoring.lead import Lead

SECRET = Secret(b"a-secret-for-tests-only")
JANE = lead_key(Kind.EMAIL, "jane@example.com", SECRET)
OTHER = lead_key(Kind.EMAIL, "joe@example.com", SECRET)
NOBODYS = {topics.LEAD_MODELS, topics.LEAD_ORDER, topics.LEAD_ORDER_SHADOW}
"""Hold models and offsets."""
READ_APART = {topics.LEAD_SCORES}


class Log:
    """A reader of these records."""

    def __init__(self, *held: Record) -> None:
        self._held = held

    async def read(self, topic: str, number: int) -> AsyncIterator[list[Record]]:
        yield [record for record in self._held if (record.topic, record.partition) == (topic, number)]


def record(topic: str, key: str, value: bytes | None) -> Record:
    return Record(topic, 0, 7, 0, key.encode(), value, [])


async def held(*found: Record) -> dict[str, list[dict[str, Any]]]:
    matcher = holding.Matcher(Person((JANE,), Lead(), ("jane@example.com",)), SECRET)
    counts = dict.fromkeys(holding.SEARCHED, 1)
    return await holding.search(Log(*found), counts, matcher, lambda done: None)  # type: ignore[arg-type]


def test_every_topic_is_searched_that_may_hold_personal_data() -> None:
    every = {topic.name for topic in (*topics.ALL, *topics.SHADOW)}
    assert set(holding.SEARCHED) == every - NOBODYS - READ_APART


async def test_what_a_shadow_model_holds_of_a_person_is_shown_by_the_names_of_its_fields() -> None:
    known = records.encode(Lead(clock=5, emails={"jane@example.com": (5, "e1")}), 1, NEVER, NEVER)
    passed = forward.encode(forward.Link(OTHER, 5, "e1", True, 6))
    found = await held(
        record(topics.LEAD_SCORES_SHADOW, JANE, known),
        record(topics.LEAD_SCORES_SHADOW, JANE, None),
        record(topics.LEAD_SCORES_SHADOW, OTHER, records.encode(Lead(clock=5), 1, NEVER, NEVER)),
        record(topics.LEAD_FORWARDS_SHADOW, JANE, passed),
    )
    first, gone = found[topics.LEAD_SCORES_SHADOW]
    assert first["value"]["emails"] == {"jane@example.com": [5, "e1"]}
    assert gone["value"] == ""
    assert [told["value"]["message"] for told in found[topics.LEAD_FORWARDS_SHADOW]] == ["Link"]
