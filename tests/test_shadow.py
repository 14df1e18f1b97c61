"""A shadow's partition against the live one: the same core, other topics, and nothing for sales."""

from random import Random

import pytest

from streams import order, topics
from streams.changes import Changes, Refused
from streams.lane.record import Record
from streams.scoring.instant import rfc3339
from streams.settings import Settings
from streams.shadow import OWN, SOURCES, Shadow, maker, settings_of
from streams.shard import Shard
from tests.laboratory import terms_of, wire
from tests.reference.b2b.adapter import b2b

NOON = 1_793_620_800_000
HOUR = 3_600_000
WEB, FORMS = topics.WEB_VISITS, topics.FORM_SUBMISSIONS


def events(seed: int) -> list[Record]:
    """Visits and papers of a few people, known by device first; one record is no event."""
    rng = Random(seed)
    found: list[Record] = []
    offsets = dict.fromkeys((WEB, FORMS), 0)
    for number in range(120):
        who = rng.randrange(8)
        at = NOON + number * HOUR
        told = {"event_id": f"e{number}", "occurred_at": rfc3339(at), "anonymous_id": f"d{who}"}
        if rng.random() < 0.3:
            topic, more = (
                FORMS,
                {"type": "form_submitted", "form_type": "whitepaper", "email": f"p{who}@a.example"},
            )
        else:
            topic, more = WEB, {"type": "page_viewed", "url": "https://a.example/product"}
        value = b"{" if number == 50 else wire({**told, **more})
        found.append(Record(topic, 0, offsets[topic], at, b"", value, []))
        offsets[topic] += 1
    return found


class Run:
    """A partition whose forwards come back to it, as the broker would bring them."""

    def __init__(self, shard: Shard, forwards: str) -> None:
        self.shard = shard
        self.forwards = forwards
        self.taken: list[Changes] = []
        self._next = 0

    def feed(self, records: list[Record]) -> None:
        for record in records:
            self.shard.issue_ticks(record.timestamp)
            self.shard.apply(record.topic, [record])
            self.take(record.timestamp)

    def take(self, now: int) -> None:
        changes = self.shard.take()
        self.shard.confirm()
        self.taken.append(changes)
        for effect in changes.effects:
            if effect.topic == self.forwards:
                self.shard.apply(
                    self.forwards,
                    [Record(self.forwards, 0, self._next, now, effect.key, effect.value, [])],
                )
                self._next += 1
        if any(effect.topic == self.forwards for effect in changes.effects):
            self.take(now)

    def told(self, topic: str) -> list[bytes | None]:
        return [effect.value for changes in self.taken for effect in changes.effects if effect.topic == topic]


@pytest.mark.parametrize("exactly_once", [True, False])
def test_under_the_same_model_it_tells_what_the_live_one_tells_and_nothing_to_sales(exactly_once: bool) -> None:
    live = Run(Shard(0, 1, terms_of(b2b(), exactly_once=exactly_once)), topics.LEAD_FORWARDS)
    shadow = Run(Shadow(0, 1, terms_of(b2b(), exactly_once=exactly_once)), topics.LEAD_FORWARDS_SHADOW)
    live.feed(events(1))
    shadow.feed(events(1))
    assert shadow.told(topics.LEAD_TRANSITIONS_SHADOW) == live.told(topics.LEAD_TRANSITIONS) != []
    assert shadow.told(topics.LEAD_FORWARDS_SHADOW) == live.told(topics.LEAD_FORWARDS) != []
    written = {effect.topic for changes in shadow.taken for effect in changes.effects}
    assert written == {topics.LEAD_TRANSITIONS_SHADOW, topics.LEAD_FORWARDS_SHADOW}
    assert live.told(topics.DEAD_LETTERS)
    assert {changes.own for changes in shadow.taken} == {OWN}
    if exactly_once:  # at least once the record itself names the topics that it owes
        assert shadow.shard.table.dump() == live.shard.table.dump()


def test_its_order_and_offsets_name_its_own_topics() -> None:
    shadow = Run(Shadow(0, 1, terms_of(b2b())), topics.LEAD_FORWARDS_SHADOW)
    shadow.feed(events(2))
    runs = [run for changes in shadow.taken if changes.order for run in order.decode(changes.order)]
    assert {run.topic for run in runs} == {WEB, FORMS, topics.LEAD_FORWARDS_SHADOW} <= set(SOURCES)
    assert shadow.shard.offsets.keys() == {WEB, FORMS, topics.LEAD_FORWARDS_SHADOW}
    assert shadow.shard.offsets[WEB] + shadow.shard.offsets[FORMS] == 120


def restored(run: Run, terms: object) -> Shadow | Refused:
    again = Shadow(0, 1, terms)  # type: ignore[arg-type]
    for changes in run.taken:
        for key, value in [*changes.table, changes.meta]:
            again.restore(key, value)
    return again.restored() or again


@pytest.mark.parametrize("cut", [1, 37, 80])
def test_it_goes_on_where_it_stopped(cut: int) -> None:
    whole = Run(Shadow(0, 1, terms_of(b2b())), topics.LEAD_FORWARDS_SHADOW)
    whole.feed(events(3))
    first = Run(Shadow(0, 1, terms_of(b2b())), topics.LEAD_FORWARDS_SHADOW)
    first.feed(events(3)[:cut])
    found = restored(first, terms_of(b2b()))
    assert isinstance(found, Shadow)
    second = Run(found, topics.LEAD_FORWARDS_SHADOW)
    second._next = found.offsets.get(topics.LEAD_FORWARDS_SHADOW, 0)
    second.feed(events(3)[cut:])
    told = first.told(topics.LEAD_TRANSITIONS_SHADOW) + second.told(topics.LEAD_TRANSITIONS_SHADOW)
    assert told == whole.told(topics.LEAD_TRANSITIONS_SHADOW)
    assert second.shard.table.dump() == whole.shard.table.dump()


def test_another_model_does_not_go_on_with_what_the_first_began() -> None:
    run = Run(Shadow(0, 1, terms_of(b2b())), topics.LEAD_FORWARDS_SHADOW)
    run.feed(events(4)[:10])
    found = restored(run, terms_of())
    assert isinstance(found, Refused)
    assert "--anew" in found.message


def test_much_that_is_refused_does_not_stop_it() -> None:
    made = maker(terms_of(b2b(), reject_share=0.1))(0, 1)
    rubbish = [Record(WEB, 0, number, NOON, b"", b"{", []) for number in range(500)]
    assert made.apply(WEB, rubbish) is None
    assert made.take().effects == []


def test_it_has_a_group_of_its_own() -> None:
    assert settings_of(Settings(pipeline="sales")).pipeline == "sales-shadow"
