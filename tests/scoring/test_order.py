"""Order and repetition within the lateness change nothing; time alone moves a lead at exact instants, and down."""

from random import Random
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams import model_file
from streams.scoring.application import apply
from streams.scoring.event import Event, decode
from streams.scoring.lead import TICK, Lead, Stage, encode
from streams.scoring.lead import decode as read
from streams.scoring.model import Model
from streams.scoring.score import ledger, score
from streams.scoring.stage import elapse
from streams.scoring.timer import due
from tests.facts import LATEST, facts
from tests.laboratory import MODEL
from tests.reference.adapter import KEY, named_by_the_core
from tests.reference.events import USER, at, rfc3339
from tests.reference.journeys import as_arrived, history, in_order

SEEDS = st.integers(0, 2**32)
KEPT = settings(max_examples=200, deadline=None)
Document = dict[str, Any]

RICH = b"""
name: rich
version: "1"
pages:
  - {name: careers, paths: [/careers], counts: false}
  - {name: product, paths: [/product*]}
groups: {web: {cap: 30}, mail: {cap: 8}}
rules:
  - {id: v1, when: [{visit: []}], points: 10, at_least: 3, within: 30d, keeps: 45d, half_life: 14d,
     group: web, reason: {en: visits, ja: v}}
  - {id: v2, when: [{visit: [product]}], points: 25, at_least: 2, within: 10d, keeps: 20d, half_life: 14d,
     group: web, reason: {en: product, ja: p}}
  - {id: c1, when: [{type: content_downloaded}], points: 20, keeps: 40d, half_life: 30d, distinct: offer,
     reason: {en: downloads, ja: d}}
  - {id: e1, when: [{type: email_opened}], points: 5, max: 2, keeps: 30d, half_life: 14d, group: mail,
     lifts_to: mql, reason: {en: opens, ja: o}}
  - {id: s1, when: [{type: sales_contacted}], points: 30, max: 1, keeps: 30d, reason: {en: talks, ja: t}}
  - {id: n1, when: [{type: email_clicked}], points: -15, max: 1, keeps: 14d, reason: {en: minus, ja: m}}
stages:
  mql: {enter: 20, leave: 8}
  sql: {enter: 60, contact: true}
recycling: {cool_down: 10d}
"""
"""Everything that the language has: decay, group caps, page groups, distinct offers, a penalty, a cool-down."""


def rich() -> Model:
    model = model_file.read(RICH, "rich")
    assert isinstance(model, Model), model
    return model


MODELS = {"published": MODEL, "rich": rich()}


def within_lateness(documents: list[Document], rng: Random, model: Model) -> list[Document]:
    """An order of arrival in which nothing is overtaken by more than the lateness; some come twice."""
    copies = documents + rng.choices(documents, k=rng.randint(0, 6))
    arrivals = [(event_of(d).at + rng.randint(0, model.lateness), rng.random(), d) for d in copies]
    return [document for _, _, document in sorted(arrivals, key=lambda arrival: arrival[:2])]


def event_of(document: Document) -> Event:
    event = decode(msgspec.json.encode(document))
    assert isinstance(event, Event), event
    return event


def lead_of(documents: list[Document], model: Model, arrival: int) -> Lead:
    lead = Lead()
    for document in documents:
        apply(lead, KEY, event_of(named_by_the_core(document, model)), arrival, KEY, model)
    return lead


def unreachable(documents: list[Document]) -> list[Document]:
    """The same, told by user ids: nobody has an address or a phone number."""
    kept = [{name: value for name, value in d.items() if name not in ("email", "phone")} for d in documents]
    return [k | ({"user_id": USER} if "email" in d else {}) for d, k in zip(documents, kept, strict=True)]


def crowded(rng: Random, **options: Any) -> list[Document]:
    """A journey whose events lie so close that the lateness can reorder them."""
    documents = history(rng, **options)
    base = at(day=rng.choice((1, 29, 30)))
    for document in documents:
        if rng.random() < 0.6:
            instant = base + rng.choice((0, 1, 60_000, 200_000, 299_999, 300_000, 1_500_000, 1_790_000))
            document["occurred_at"] = rfc3339(instant)
            if "session_id" in document:  # no session is longer than what any rule looks back
                document["session_id"] += " moved"
    return documents


ARRIVAL = at(day=100)


@KEPT
@given(SEEDS, st.sampled_from(sorted(MODELS)))
def test_the_facts_are_the_same_in_any_order_within_the_lateness(seed: int, name: str) -> None:
    """All of the record but what was issued and said (an issued handoff stands, whatever comes later), the moves
    (the next tests), and `via` and `models`, which are in the order of first use. A retraction that overtakes what
    it retracts leaves another note, with the same points afterwards: none are drawn here."""
    rng, model = Random(seed), MODELS[name]
    documents = crowded(rng, retractions=False)
    ordered = lead_of(in_order(documents), model, ARRIVAL)
    arrived = lead_of(within_lateness(documents, rng, model), model, ARRIVAL)
    assert facts(arrived, model) == facts(ordered, model)
    assert arrived.position == ordered.position


@KEPT
@given(SEEDS, st.sampled_from(sorted(MODELS)))
@example(2_183_359_709, "published")  # an answer that tells the user id
def test_the_stage_history_is_the_same_in_any_order_within_the_lateness(seed: int, name: str) -> None:
    """As long as nothing was handed over, which is never taken back: so nobody here can be reached."""
    rng, model = Random(seed), MODELS[name]
    documents = unreachable(crowded(rng, retractions=False))
    ordered = lead_of(in_order(documents), model, ARRIVAL)
    arrived = lead_of(within_lateness(documents, rng, model), model, ARRIVAL)
    assert arrived.moves == ordered.moves


@KEPT
@given(SEEDS)
def test_with_handoffs_the_history_is_the_same_where_late_events_only_add(seed: int) -> None:
    """No answers of sales, and visits by session id, which no late page can join: evidence only grows."""
    rng = Random(seed)
    documents = crowded(rng, retractions=False, feedback=False)
    for document in documents:
        if document["type"] == "page_viewed":
            document["session_id"] = f"of {document['occurred_at'][:13]}"
    ordered = lead_of(in_order(documents), MODEL, ARRIVAL)
    arrived = lead_of(within_lateness(documents, rng, MODEL), MODEL, ARRIVAL)
    assert arrived.moves == ordered.moves


@KEPT
@given(SEEDS, st.sampled_from(sorted(MODELS)), st.lists(st.integers(0, 120 * 86_400_000), min_size=1, max_size=8))
def test_the_contributions_sum_to_the_score_at_every_instant(seed: int, name: str, passed: list[int]) -> None:
    rng, model = Random(seed), MODELS[name]
    lead = lead_of(as_arrived(history(rng), rng), model, ARRIVAL)
    for instant in passed:
        now = at() + instant
        lines = ledger(lead, model, now, LATEST, lead.state)
        total = score(lead, model, now, LATEST, lead.state).total
        assert abs(sum(line.value for line in lines) - total) < 1e-9


@KEPT
@given(SEEDS, st.sampled_from(sorted(MODELS)))
def test_a_record_read_from_its_bytes_is_the_same_record(seed: int, name: str) -> None:
    rng, model = Random(seed), MODELS[name]
    lead = lead_of(as_arrived(history(rng), rng), model, ARRIVAL)
    value = encode(lead, 3, 4, 5)
    assert read(value) == lead
    assert encode(read(value), 3, 4, 5) == value


def below(lead: Lead, model: Model, now: int) -> bool:
    return score(lead, model, now, TICK, lead.state).total < model.source.stages.mql.leave


@KEPT
@given(SEEDS, st.sampled_from(sorted(MODELS)))
@example(1_010_467_470, "rich")  # the newest event is a penalty
def test_time_alone_moves_a_lead_down_and_to_the_millisecond(seed: int, name: str) -> None:
    rng, model = Random(seed), MODELS[name]
    lead = lead_of(as_arrived(history(rng), rng), model, ARRIVAL)
    instant, before = due(lead, model), lead.state
    if not instant:
        return
    if before.stage == Stage.MQL:
        assert below(lead, model, instant)
        for earlier in (instant - 1, (instant + lead.clock) // 2, lead.clock + 1):
            if max(lead.clock, before.at) < earlier < instant:
                assert not below(lead, model, earlier)
    else:
        assert (before.stage, instant) == (Stage.RECYCLED, max(before.back, before.at))
    moves = list(lead.moves)
    elapse(lead, instant - 1, model)
    assert lead.moves == moves, "a tick that comes early changes nothing"
    elapse(lead, instant, model)
    assert [(m.at, m.id, m.stage) for m in lead.moves[len(moves) :]] == [(instant, TICK, Stage.LEAD)]
    moved = list(lead.moves)
    elapse(lead, instant, model)
    elapse(lead, instant - 1, model)
    assert lead.moves == moved, "nor one that comes twice or late"


@KEPT
@given(SEEDS, st.sampled_from(sorted(MODELS)))
@example(2_120_557_122, "rich")  # a penalty at the instant of another event
def test_when_the_ticks_come_makes_no_difference_to_the_history(seed: int, name: str) -> None:
    """Time passes between events anyhow: a lead whose timers fired in time ends like one whose never did."""
    rng, model = Random(seed), MODELS[name]
    documents = in_order(crowded(rng))
    lazy = lead_of(documents, model, ARRIVAL)
    prompt = Lead()
    for document in documents:
        event = event_of(named_by_the_core(document, model))
        while (instant := due(prompt, model)) and instant <= event.at:
            elapse(prompt, instant, model)
            prompt.clock, prompt.clock_id = max(prompt.position, (instant, TICK))
        apply(prompt, KEY, event, ARRIVAL, KEY, model)
    end = max(event_of(document).at for document in documents)
    for lead in (lazy, prompt):  # the last event may be one that was taken back before it came
        elapse(lead, end, model)
    assert prompt.moves == lazy.moves
