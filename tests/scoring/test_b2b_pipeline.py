"""The `b2b` model through whole partitions: people who turn out to be one, the scans of a fair, the replay."""

import json
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import order, topics, transition
from streams.local import Local
from streams.replay import difference
from streams.scoring.instant import DAY, rfc3339
from streams.scoring.lead import Lead, Stage
from streams.scoring.lift import RELATIONSHIP
from streams.scoring.response import REVIEW
from streams.shard import Shard
from streams.transition import Transition
from tests.facts import facts, points, together
from tests.laboratory import Laboratory, key_of, terms_of, wire
from tests.reference.b2b.adapter import b2b
from tests.reference.b2b.facts import milliseconds
from tests.reference.b2b.journeys import history
from tests.reference.events import at
from tests.scoring.b2b_journeys import SCAN, VP, day, form, sales
from tests.test_identity_journeys import LATER, MAIL, PATHS, handoff_ids, journey

Document = dict[str, Any]
MODEL = b2b()
SEEDS = st.integers(0, 2**32)
PARTITIONS = st.sampled_from([1, 3, 7])
KEPT = settings(max_examples=25, deadline=None)
FEEDBACK = frozenset(
    {"relationship_set", "owner_changed", "contacted", "meeting_booked", "opportunity_created", "deal_won"}
    | {
        "deal_lost",
        "handoff_accepted",
        "handoff_rejected",
        "lead_promoted",
        "lead_disqualified",
        "lead_reinstated",
    }
)
TOLD = frozenset({REVIEW, RELATIONSHIP, "lead_updated"})


def topic_of(document: Document) -> str:
    return topics.SALES_FEEDBACK if document["type"] in FEEDBACK else topics.LEAD_ACTIVITIES


def told(values: list[bytes]) -> list[Transition]:
    return [one for value in values if (one := transition.decode(value)) is not None]


# --- identities


@pytest.mark.parametrize("path", PATHS)
@KEPT
@given(SEEDS, PARTITIONS)
def test_a_person_merged_is_as_if_never_apart(path: str, seed: int, partitions: int) -> None:
    """Attributes, active days, requests, points."""
    rng = Random(seed)
    documents = journey(rng, path)
    lab = Laboratory(terms_of(MODEL), partitions, rng)
    for document in rng.sample(documents, len(documents)):
        lab.send(document, topic_of(document), at=LATER)
        while rng.random() < 0.5 and (unread := lab.unread()):
            lab.step(*rng.choice(unread))
    lab.run()
    key = key_of(email=MAIL["email"])
    lead, whole = lab.lead(key), together(documents, key, MODEL, LATER)
    assert facts(lead, MODEL) == facts(whole, MODEL)
    for now in (LATER, at(day=31), at(day=45), at(day=100)):
        assert points(lead, MODEL, now) == pytest.approx(points(whole, MODEL, now))
    issued = handoff_ids(lab)
    assert len(issued) == len(set(issued))


# --- requests


def lived(rng: Random) -> list[Document]:
    """What a lead does, as it arrives: mostly in time, some of it hours late or weeks."""
    documents = history(rng)
    for document in documents:
        document.setdefault("received_at", document["occurred_at"])
    return sorted(documents, key=lambda d: d["received_at"])


def played(documents: list[Document], partitions: int, ticks: bool = True) -> Local:
    local = Local(terms_of(MODEL), partitions)
    for number, document in enumerate(documents):
        arrival = milliseconds(document["received_at"])
        if ticks:
            local.pass_time(arrival)
        halted = local.feed(topic_of(document), wire(document), arrival, number % partitions)
        assert halted is None
    return local


@KEPT
@given(SEEDS, st.sampled_from([1, 2]), st.booleans())
def test_each_request_that_arrives_in_time_is_answered_whatever_came_late(
    seed: int, partitions: int, ticks: bool
) -> None:
    """Handed over, to be reviewed, the account owner's, news for who has the lead; else the lead is out."""
    documents = lived(Random(seed))
    local = played(documents, partitions, ticks)
    taken_back = {d["retracts"] for d in documents if d["type"] == "activity_retracted"}
    values = [effect.value or b"" for effect in local.outputs.get(topics.LEAD_TRANSITIONS, [])]
    heard = {t.cause for t in told(values) if t.type in TOLD or t.handoff_id is not None}
    for document in documents:
        form_type = document.get("form_type") if document["type"] == "form_submitted" else None
        age = milliseconds(document["received_at"]) - milliseconds(document["occurred_at"])
        if (
            form_type not in ("demo", "contact", "quote", "question")
            or document.get("is_machine")
            or age > 7 * DAY
        ):
            continue
        if document["event_id"] in heard | taken_back:
            continue
        assert with_sales_or_out(local, document), document


def with_sales_or_out(local: Local, document: Document) -> bool:
    """Where the lead stood after the request, by its own history."""
    position = milliseconds(document["occurred_at"]), document["event_id"]
    for _, lead in local.leads():
        before = [move for move in lead.moves if (move.at, move.id) <= position]
        if before and (before[-1].stage >= Stage.DISQUALIFIED or before[-1].open):
            return True
    return False


# --- journey 12


SCANNED = [f"vp{n}@{'aozora' if n < 2 else f'company{n}'}.example" for n in range(200)]


def imported(kind: Document, who: str, arrival: int) -> Document:
    return kind | {"email": who, "event_id": f"{kind['event_id']}-{who}", "received_at": rfc3339(arrival)}


def fair() -> Local:
    """D0: the scans of a fair, with attributes; D1: two colleagues ask for a demo; D2: an old request comes in."""
    local = Local(terms_of(MODEL), 2)
    for who in SCANNED:
        vp = sales("lead_identified", "crm", day(), **VP | {"company_domain": who.partition("@")[2]})
        for number, document in enumerate((vp, SCAN)):
            one = imported(document, who, day()) | {"source_kind": "import"}
            local.feed(topics.LEAD_ACTIVITIES, wire(one), day(), number)
    for number, who in enumerate(SCANNED[:2]):
        local.feed(topics.FORM_SUBMISSIONS, wire(form(f"d-{who}", day(1), "demo", email=who)), day(1), number)
    old = form("old", day(-20), "demo", email=SCANNED[7], source_kind="import", received_at=rfc3339(day(2)))
    local.feed(topics.FORM_SUBMISSIONS, wire(old), day(2))
    return local


def test_of_two_hundred_badge_scans_only_the_two_colleagues_who_ask_are_handed_over_to_one_place() -> None:
    local = fair()
    stages = Counter(lead.stage for _, lead in local.leads())
    assert stages == {Stage.MQL: 198, Stage.SQL: 2}
    sold = [json.loads(effect.value or b"") for effect in local.outputs[topics.SALES_HANDOFFS]]
    assert [one["data"]["email"] for one in sold] == SCANNED[:2]
    for name in ("account_key", "owner_queue", "respond_by"):
        assert len({one["data"][name] for one in sold}) == 1
        assert sold[0]["data"][name] is not None
    handed = [t for t in told([e.value or b"" for e in local.outputs[topics.LEAD_TRANSITIONS]]) if t.handoff_id]
    assert len({t.sales["rep_slot"] for t in handed}) == 1
    assert handed[0].sales["rep_slot"] is not None


def test_a_request_of_three_weeks_ago_is_held_as_too_old_and_handed_to_nobody() -> None:
    local = fair()
    lead = local.find(key_of(email=SCANNED[7]))
    assert isinstance(lead, Lead)
    assert lead.stage == Stage.MQL
    assert not lead.issued
    assert len(local.outputs[topics.SALES_HANDOFFS]) == 2


# --- replay


@KEPT
@given(SEEDS, PARTITIONS, st.booleans())
def test_a_replay_in_the_recorded_order_gives_the_live_table(
    seed: int, partitions: int, exactly_once: bool
) -> None:
    """Three leads, two of whom share a device; ticks, and owners of partitions that are replaced."""
    rng = Random(seed)
    lab = Laboratory(terms_of(MODEL, exactly_once=exactly_once), partitions, rng)
    documents: list[Document] = []
    for person in range(3):
        for document in history(rng, scenes=4):
            named = {"event_id": f"{document['event_id']}-{person}", "anonymous_id": f"device-{person // 2}"}
            if "email" in document:
                named["email"] = f"{person}{document['email']}"
            if "retracts" in document:
                named["retracts"] = f"{document['retracts']}-{person}"
            documents.append({"received_at": document["occurred_at"]} | document | named)
    for document in sorted(documents, key=lambda d: d["received_at"]):
        arrival = milliseconds(document["received_at"])
        lab.send(document, topic_of(document), at=arrival)
        if rng.random() < 0.3:
            lab.pass_time(arrival)
        if rng.random() < 0.05:
            lab.restart(rng.randrange(partitions))
    lab.run()
    for number, live in enumerate(lab.shards):
        assert difference.compare(again(lab, number), live.table.dump()) == []


def again(lab: Laboratory, number: int) -> dict[str, bytes]:
    """A partition's records by the recorded order, each record of its log once."""
    shard = Shard(number, lab.partitions, terms_of(MODEL))
    for run in (run for value in lab.orders[number] for run in order.decode(value)):
        first = shard.offsets.get(run.topic, 0)
        if first < run.following:
            shard.apply(run.topic, lab.logs[run.topic, number][first : run.following])
    shard.take()
    return shard.table.dump()
