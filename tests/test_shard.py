"""A partition dies at any moment and its next owner goes on as if nothing had happened."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letter import Headers, Reason
from streams import model_file, order, progress, topics, transition
from streams.changes import Effect, Halted, Refused
from streams.identity import forward
from streams.identity.keys import Secret, partition_of
from streams.lane.record import UNDECODABLE, Record
from streams.replay import difference
from streams.scoring.instant import DAY
from streams.scoring.lead import FORMAT
from streams.scoring.model import Model
from streams.shard import FREQUENT, Shard
from tests.facts import facts, ids, remembered, together
from tests.laboratory import MODEL, SECRET, Crash, Laboratory, key_of, terms_of, wire
from tests.persons import acts, topic_of
from tests.reference.events import at, event, met, view, whitepaper
from tests.scoring.event_documents import documents as awkward_documents
from tests.test_identity_journeys import LATER, MAIL, PATHS, Document, handoff_ids, journey

IMPORTED = at(day=1) + 600 * DAY + 1
SEEDS = st.integers(0, 2**32)
PARTITIONS = st.sampled_from([1, 3, 7])
KEPT = settings(max_examples=60, deadline=None)


def person(rng: Random) -> list[Document]:
    """What somebody with several identities does, in some order of arrival."""
    documents = journey(rng, rng.choice(list(PATHS)), size=10)
    rng.shuffle(documents)
    return documents


def feed(lab: Laboratory, documents: list[Document]) -> None:
    for document in documents:
        lab.send(document, topic_of(document), at=LATER)


def same_state(one: Shard, other: Shard) -> bool:
    return one.table.dump() == other.table.dump() and one.offsets == other.offsets


@KEPT
@given(SEEDS, PARTITIONS, st.booleans())
def test_a_restored_partition_goes_on_like_the_one_that_died(
    seed: int, partitions: int, exactly_once: bool
) -> None:
    rng = Random(seed)
    lab = Laboratory(terms_of(exactly_once=exactly_once), partitions, rng)
    feed(lab, person(rng))
    for _ in range(rng.randint(1, 30)):
        if unread := lab.unread():
            lab.step(*rng.choice(unread))
    number = rng.randrange(partitions)
    lab.flush(number)
    if not exactly_once:
        lab.flush(number)  # what was delivered is cleared
    live, restored = lab.shards[number], lab.restored(number)
    assert same_state(live, restored)
    assert Counter(restored.population) == Counter(live.population)
    assert restored.next_due == live.next_due
    for topic in topics.SCORED:
        records = lab.logs.get((topic, number), [])[live.offsets.get(topic, 0) :]
        if records:
            live.apply(topic, records)
            restored.apply(topic, records)
    assert live.take() == restored.take()


def run_with_crashes(lab: Laboratory, rng: Random, crashes: int) -> None:
    """Random steps, and now and then the owner of a partition dies: between flushes, or somewhere in one."""
    while unread := lab.unread():
        lab.step(*rng.choice(unread))
        if crashes and rng.random() < 0.3:
            crashes -= 1
            number = rng.randrange(lab.partitions)
            left = rng.randint(0, 8)

            def survives(step: str, countdown: list[int] = [left]) -> bool:  # noqa: B006  one list a crash
                countdown[0] -= 1
                return countdown[0] >= 0

            try:
                if rng.random() < 0.7:
                    lab.flush(number, survives)
            except Crash:
                pass
            lab.restart(number)
    lab.run()


@KEPT
@given(SEEDS, PARTITIONS)
def test_exactly_once_a_lost_transaction_leaves_no_trace(seed: int, partitions: int) -> None:
    rng = Random(seed)
    documents = person(rng)
    lab = Laboratory(terms_of(), partitions, rng)
    feed(lab, documents)
    run_with_crashes(lab, rng, crashes=6)
    key = key_of(email=MAIL["email"])
    assert facts(lab.lead(key), MODEL) == facts(together(documents, key, MODEL, LATER), MODEL)
    for topic in (topics.LEAD_TRANSITIONS, topics.SALES_HANDOFFS):
        assert len(lab.values(topic)) == len(set(lab.values(topic)))
    issued = handoff_ids(lab)
    assert len(issued) == len(set(issued))
    assert not lab.values(topics.DEAD_LETTERS)
    for number, shard in enumerate(lab.shards):
        assert same_state(shard, lab.restored(number))


def by_id(values: list[bytes], name: str) -> dict[str, set[bytes]]:
    found: dict[str, set[bytes]] = defaultdict(set)
    for value in values:
        found[json.loads(value)[name]].add(value)
    return found


@KEPT
@given(SEEDS, PARTITIONS)
def test_at_least_once_what_is_repeated_is_repeated_byte_for_byte(seed: int, partitions: int) -> None:
    rng = Random(seed)
    documents = person(rng)
    lab = Laboratory(terms_of(exactly_once=False), partitions, rng)
    feed(lab, documents)
    run_with_crashes(lab, rng, crashes=6)
    key = key_of(email=MAIL["email"])
    assert facts(lab.lead(key), MODEL) == facts(together(documents, key, MODEL, LATER), MODEL)
    told = by_id(lab.values(topics.LEAD_TRANSITIONS), "id")
    sold = by_id(lab.values(topics.SALES_HANDOFFS), "id")
    assert all(len(copies) == 1 for copies in (*told.values(), *sold.values()))
    assert set(handoff_ids(lab)) == set(sold)


SHARED: list[Document] = [
    {"anonymous_id": "device-1"},
    {"anonymous_id": "device-1", "email": "kana@example.com"},
    {"anonymous_id": "device-1", "email": "ren@example.com"},
]


def replayed(lab: Laboratory, number: int) -> dict[str, bytes]:
    """A partition's records by the recorded order, each record of its log once, no crash in between."""
    shard = Shard(number, lab.partitions, terms_of())
    for run in (run for value in lab.orders[number] for run in order.decode(value)):
        first = shard.offsets.get(run.topic, 0)
        if first < run.following:
            shard.apply(run.topic, lab.logs[run.topic, number][first : run.following])
    shard.take()
    return shard.table.dump()


@KEPT
@given(SEEDS, PARTITIONS)
def test_at_least_once_replay_equals_live_though_a_device_turned_out_to_be_shared(
    seed: int, partitions: int
) -> None:
    """What was passed on before that must not be counted at the device when it is applied again after it."""
    rng = Random(seed)
    lab = Laboratory(terms_of(exactly_once=False), partitions, rng, batch=12)
    feed(lab, acts(rng, SHARED, 40))
    run_with_crashes(lab, rng, crashes=20)
    for number, shard in enumerate(lab.shards):
        assert difference.compare(replayed(lab, number), shard.table.dump()) == []


BUYER = [
    *(view(f"d{n}", at(day=1, hour=n)) for n in (1, 2)),
    *(view(f"v{n}", at(day=n), **MAIL) for n in (1, 2, 3)),
    whitepaper("w", at(day=4), **MAIL),
    met("m", at(day=5), **MAIL),
    event("handoff_rejected", "r", at(day=6), **MAIL),
    whitepaper("w2", at(day=7), **MAIL),
    met("m2", at(day=8), **MAIL),
]


def sell(exactly_once: bool, survives: Callable[[str], bool]) -> Laboratory:
    """A buyer sold twice, in one partition and one order; its owner may die over a flush."""
    lab = Laboratory(terms_of(exactly_once=exactly_once), 1, Random(0))
    for document in BUYER:
        returned = document["type"] == "handoff_rejected"
        lab.send(document, topics.SALES_FEEDBACK if returned else topic_of(document), at=LATER)
        while unread := lab.unread():
            topic = unread[-1][1]
            first = lab.shards[0].offsets.get(topic, 0)
            lab.shards[0].apply(topic, lab.logs[topic, 0][first : first + 1])
            try:
                lab.flush(0, survives)
            except Crash:
                lab.restart(0)
    lab.run()
    return lab


@pytest.mark.parametrize("exactly_once", [True, False])
def test_whichever_write_is_the_last_the_same_handoffs_reach_sales(exactly_once: bool) -> None:
    steps: list[str] = []

    def count(step: str) -> bool:
        steps.append(step)
        return True

    undisturbed = by_id(sell(exactly_once, count).values(topics.SALES_HANDOFFS), "id")
    assert len(undisturbed) == 2
    assert {"commit"} if exactly_once else {"order", "state", "effects", "meta"} == set(steps)
    for fatal in range(len(steps)):
        written = iter(range(1_000_000))

        def dies(step: str, fatal: int = fatal, written: Any = written) -> bool:
            return bool(next(written) != fatal)

        assert by_id(sell(exactly_once, dies).values(topics.SALES_HANDOFFS), "id") == undisturbed, steps[fatal]


# --- what sales waits for


def for_sales(effect: Effect) -> bool:
    """A handoff or news of one, a transition that becomes one, or an event on its way that may."""
    if effect.topic == topics.LEAD_TRANSITIONS:
        told = transition.decode(effect.value or b"")
        return told is not None and told.handoff_id is not None
    if effect.topic == topics.LEAD_FORWARDS:
        passed = forward.decode(effect.value)
        return isinstance(passed, forward.EventForward) and passed.topic not in FREQUENT
    return effect.topic == topics.SALES_HANDOFFS


class Observed(Laboratory):
    """Holds each flush that was called urgent against what it sent."""

    seen: set[bool]

    def flush(self, number: int, survives: Callable[[str], bool] = lambda step: True) -> None:
        shard = self.shards[number]
        urgent = shard.urgent
        sent = {key: len(log) for key, log in self.logs.items()}
        super().flush(number, survives)
        fresh = [
            Effect(topic, partition, one.key, one.value)
            for (topic, partition), log in self.logs.items()
            for one in log[sent.get((topic, partition), 0) :]
        ]
        assert urgent == any(map(for_sales, fresh))
        assert not shard.urgent
        self.seen.add(urgent)


@KEPT
@given(SEEDS, PARTITIONS)
def test_urgent_is_what_brings_a_handoff_further_and_nothing_else(seed: int, partitions: int) -> None:
    lab = Observed(terms_of(), partitions, Random(seed))
    lab.seen = set()
    for document in (*person(lab.rng), *BUYER):
        returned = document["type"] == "handoff_rejected"
        lab.send(document, topics.SALES_FEEDBACK if returned else topic_of(document), at=LATER)
        lab.run()
    assert lab.seen == {True, False}


# --- refusals


def record(
    value: bytes | None,
    topic: str = topics.WEB_VISITS,
    offset: int = 0,
    key: bytes = b"k",
    headers: Sequence[tuple[str, bytes]] = (),
    timestamp: int = LATER,
) -> Record:
    return Record(topic, 0, offset, timestamp, key, value, list(headers))


GOOD = wire(view("good", at(day=1), **MAIL))
POISON: dict[Reason, Record] = {
    Reason.BAD_UTF8: record(b'{"event_id": "\xff"}'),
    Reason.BAD_JSON: record(b"{"),
    Reason.TOO_DEEP: record(b'{"a":' * 70 + b"1" + b"}" * 70),
    Reason.NOT_REPRESENTABLE: record(GOOD.replace(b'"source":"test"', b'"source":1e400')),
    Reason.BAD_FIELD: record(wire(view("", at(day=1)))),
    Reason.MISSING_IDENTITY: record(wire(view("x", at(day=1), anonymous_id=None))),
    Reason.UNKNOWN_TYPE: record(GOOD.replace(b"page_viewed", b"page_eaten")),
    Reason.WRONG_TOPIC: record(GOOD, topics.SALES_FEEDBACK),
    Reason.FUTURE: record(wire(view("x", LATER + 3_600_001))),
    Reason.NULL_VALUE: record(None),
    Reason.UNDECODABLE_BATCH: record(None, headers=[(UNDECODABLE, b"0-41")]),
    Reason.BAD_FORWARD: record(b"\x01nonsense", topics.LEAD_FORWARDS),
    Reason.FORBIDDEN_LINK: record(
        wire(event("lead_erased", "x", at(day=1), source_kind="browser", **MAIL)), topics.SALES_FEEDBACK
    ),
}


@pytest.mark.parametrize("reason", POISON)
def test_a_poisonous_record_becomes_a_dead_letter_and_the_next_event_is_scored(reason: Reason) -> None:
    shard = Shard(0, 1, terms_of())
    poison = POISON[reason]
    assert shard.apply(poison.topic, [poison]) is None
    [letter] = shard.take().effects
    found = Headers.decode(letter.headers)
    assert found is not None
    assert (letter.topic, letter.key, letter.value) == (topics.DEAD_LETTERS, b"k", poison.value)
    assert found.reason == reason
    assert found[2:] == (poison.topic, 0, 0, LATER)
    assert "kana" not in found.detail
    shard.apply(topics.WEB_VISITS, [record(GOOD, offset=1)])
    shard.take()
    lead = shard.table.get(key_of(email=MAIL["email"]))
    assert lead is not None
    assert remembered(lead) == ids("good")


def test_an_event_passed_on_too_often_is_a_dead_letter() -> None:
    owner, alias = key_of(email=MAIL["email"]), key_of(device="device-1")
    shard = Shard(0, 1, terms_of())
    link = forward.Link(owner, at(day=1), "l", True, LATER)
    shard.apply(topics.LEAD_FORWARDS, [record(forward.encode(link), topics.LEAD_FORWARDS, key=alias.encode())])
    shard.take()
    for offset, hops in ((1, forward.MOST_HOPS - 1), (2, forward.MOST_HOPS)):
        raw = wire(view(f"e{offset}", at(day=1)))
        tired = forward.EventForward(topics.WEB_VISITS, 0, offset, LATER, hops, raw, alias)
        shard.apply(
            topics.LEAD_FORWARDS,
            [record(forward.encode(tired), topics.LEAD_FORWARDS, offset, key=alias.encode())],
        )
    [letter] = shard.take().effects
    found = Headers.decode(letter.headers)
    assert found is not None
    assert (found.reason, found.source_offset) == (Reason.TOO_MANY_HOPS, 2)
    lead = shard.table.get(owner)
    assert lead is not None
    assert remembered(lead) == ids("e1")


@settings(max_examples=300, deadline=None)
@given(st.lists(awkward_documents(), min_size=1, max_size=4), st.sampled_from(topics.INPUTS))
def test_no_event_whatsoever_stops_a_partition(batch: list[dict[str, Any]], topic: str) -> None:
    """Each is scored, passed on or a dead letter, and what it leaves can be written and read again."""
    lab = Laboratory(terms_of(), 2, Random(0))
    for document in batch:
        lab.put(topic, 0, json.dumps(document).encode(), at=LATER)
    lab.run()
    for number, shard in enumerate(lab.shards):
        assert same_state(shard, lab.restored(number))


def test_the_breaker_stops_a_topic_before_anything_of_the_batch_is_applied() -> None:
    shard = Shard(0, 1, terms_of(reject_share=0.5))
    good = [record(wire(view(f"v{n}", at(day=1), **MAIL)), offset=n) for n in range(60)]
    assert shard.apply(topics.WEB_VISITS, good) is None
    bad = [record(b"{", offset=60 + n) for n in range(100)]
    before = shard.take()
    halted = shard.apply(topics.WEB_VISITS, [*bad, record(GOOD, offset=160)])
    assert isinstance(halted, Halted)
    assert (halted.topic, halted.offset) == (topics.WEB_VISITS, 60)
    assert "62%" in halted.message
    assert "bad_json" in halted.message
    assert shard.pending == 0
    assert shard.offsets == before.offsets
    again = shard.apply(topics.WEB_VISITS, [*bad, record(GOOD, offset=160)])
    assert isinstance(again, Halted), "asking again does not wear the breaker out"
    assert shard.apply(topics.LEAD_ACTIVITIES, [record(GOOD, topics.LEAD_ACTIVITIES)]) is None


def test_a_few_refusals_among_good_events_do_not_stop_a_topic() -> None:
    shard = Shard(0, 1, terms_of(reject_share=0.5))
    for n in range(400):
        value = b"{" if n % 3 == 0 else GOOD
        assert shard.apply(topics.WEB_VISITS, [record(value, offset=n)]) is None


def other_pipeline() -> Model:
    model = model_file.load("published", "another")
    assert isinstance(model, Model)
    return model


OTHERS: dict[str, tuple[Shard, str]] = {
    "partition count": (Shard(0, 4, terms_of()), "had 3 partitions and have 4"),
    "delivery mode": (Shard(0, 3, terms_of(exactly_once=False)), "LEADSTREAMS_DELIVERY says at-least-once"),
    "secret": (Shard(0, 3, terms_of()._replace(secret=Secret(b"x" * 32))), "another identity secret"),
    "pipeline": (Shard(0, 3, terms_of(other_pipeline())), "LEADSTREAMS_PIPELINE says 'another'"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_partition_written_under_other_terms_is_refused(what: str) -> None:
    found, message = OTHERS[what]
    before = Shard(0, 3, terms_of())
    found.restore(*before.take().meta)
    refused = found.restored()
    assert isinstance(refused, Refused)
    assert message in refused.message
    assert "\n" not in refused.message
    assert SECRET.value.decode() not in refused.message


def test_a_partition_written_by_a_later_version_is_refused() -> None:
    writer = Shard(0, 1, terms_of())
    writer.apply(topics.WEB_VISITS, [record(GOOD)])
    changes = writer.take()
    [(key, value)] = [entry for entry in changes.table if entry[0] not in progress.OWN]
    assert value is not None
    later_record = [(key, bytes([FORMAT + 1]) + value[1:])]
    later_meta = [(changes.meta[0], bytes([progress.FORMAT + 1]) + changes.meta[1][1:])]
    later_core = [(progress.KEY, progress.encode(progress.Progress(**{
        **{name: getattr(writer.progress, name) for name in writer.progress.__struct_fields__},
        "core": progress.CORE + 1,
    })))]  # fmt: skip
    for entries in (later_record, later_meta, later_core):
        shard = Shard(0, 1, terms_of())
        for entry in entries:
            shard.restore(*entry)
        refused = shard.restored()
        assert isinstance(refused, Refused)
        assert "upgrade" in refused.message


@KEPT
@given(SEEDS, PARTITIONS)
def test_whatever_partition_an_event_is_put_on_its_lead_lives_where_murmur2_says(
    seed: int, partitions: int
) -> None:
    rng = Random(seed)
    lab = Laboratory(terms_of(), partitions, rng)
    feed(lab, acts(rng, [{"email": f"p{n}@example.com"} for n in range(6)], 12))
    lab.run()
    for number, shard in enumerate(lab.shards):
        assert all(partition_of(key, partitions) == number for key in shard.table.dump())


def test_history_that_is_imported_on_the_first_day_is_not_swept_before_it_is_whole() -> None:
    """A visitor's old visits wait for the address that comes later in the same file."""
    shard = Shard(0, 1, terms_of())
    device = key_of(device="device-1")
    shard.apply(topics.WEB_VISITS, [record(wire(view("old", at(day=1))), timestamp=IMPORTED)])
    shard.take()
    tomorrow = (IMPORTED // DAY + 1) * DAY
    assert shard.next_due == tomorrow
    shard.issue_ticks(tomorrow - 1)
    assert not shard.take().effects
    shard.issue_ticks(tomorrow)
    [sweep] = shard.take().effects
    shard.apply(topics.LEAD_FORWARDS, [record(sweep.value, topics.LEAD_FORWARDS, timestamp=tomorrow - 1)])
    assert (device.encode(), None) not in shard.take().table, "a clock that runs ahead sweeps nobody"
    shard.apply(topics.LEAD_FORWARDS, [record(sweep.value, topics.LEAD_FORWARDS, timestamp=tomorrow)])
    assert (device.encode(), None) in shard.take().table
