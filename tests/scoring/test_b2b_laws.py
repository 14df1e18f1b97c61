"""What holds of the `b2b` model whatever a lead does: order, repetition, time, requests that must be answered."""

from copy import deepcopy
from random import Random
from typing import Any, Final

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.scoring.application import apply
from streams.scoring.event import Event, decode
from streams.scoring.instant import DAY, HOUR, MINUTE, NEVER, rfc3339
from streams.scoring.lead import START, TICK, Lead, Move, Stage
from streams.scoring.lift import RELATIONSHIP
from streams.scoring.model import Model
from streams.scoring.qualification import mql_lost
from streams.scoring.response import REVIEW
from streams.scoring.score import ledger, of_fit, score
from streams.scoring.stage import elapse
from streams.scoring.standing import Standing
from streams.scoring.timer import due, quiet_until
from streams.scoring.update import NEW_REQUEST
from tests.facts import LATEST, facts
from tests.reference.adapter import KEY, named_by_the_core
from tests.reference.b2b.adapter import b2b
from tests.reference.b2b.journeys import START as FIRST_DAY
from tests.reference.b2b.journeys import as_arrived, drawn, history, in_order
from tests.scoring.test_b2b import JOURNEYS

Document = dict[str, Any]
SEEDS = st.integers(0, 2**32)
KEPT = settings(max_examples=JOURNEYS // 4, deadline=None)
MODEL: Final = b2b()
RAISED_HANDS: Final = ("demo", "contact", "quote", "question")
WITH_SALES: Final = (Stage.SQL, Stage.ACCEPTED, Stage.OPPORTUNITY, Stage.CUSTOMER)


def event_of(document: Document) -> Event:
    event = decode(msgspec.json.encode(named_by_the_core(document, MODEL)))
    assert isinstance(event, Event), event
    return event


def lead_of(documents: list[Document], arrival: int | None = None, model: Model = MODEL) -> Lead:
    """One lead's record after its events in the order given; each arrives when it says, or all at one instant."""
    lead = Lead()
    for event in map(event_of, documents):
        apply(lead, KEY, event, arrival or event.received or event.at, KEY, model)
    return lead


# --- order


BASE: Final = FIRST_DAY + 30 * DAY
TOGETHER: Final = BASE + 6 * DAY
"""When all events of a crowd arrive: those of its week in time, imports from before it too late."""


def crowd(rng: Random, **options: Any) -> list[Document]:
    """A journey pressed into a week, and what is imported of the month before."""
    documents = history(rng, **options)
    for document in documents:
        spot = rng.choice((0, 1, MINUTE, HOUR, HOUR + 1, DAY, 2 * DAY, 3 * DAY, 5 * DAY, rng.randrange(5 * DAY)))
        before = 20 * DAY if rng.random() < 0.1 else 0
        document["occurred_at"] = rfc3339(BASE + spot - before)
        document.pop("received_at", None)
        if "session_id" in document:
            document["session_id"] += " pressed"
    return documents


@KEPT
@given(SEEDS)
def test_the_facts_are_the_same_in_any_order(seed: int) -> None:
    rng = Random(seed)
    documents = crowd(rng, retractions=False)
    ordered = lead_of(in_order(documents), TOGETHER)
    arrived = lead_of(as_arrived(documents, rng), TOGETHER)
    assert facts(arrived, MODEL) == facts(ordered, MODEL)
    assert arrived.position == ordered.position
    assert arrived.stale == ordered.stale


@KEPT
@given(SEEDS)
def test_the_history_with_its_notes_is_the_same_in_any_order(seed: int) -> None:
    """Nothing is issued here: what was, is never taken back."""
    rng = Random(seed)
    documents = crowd(rng, retractions=False)
    ordered = lead_of(in_order(documents), TOGETHER)
    arrived = lead_of(as_arrived(documents, rng), TOGETHER)
    assert arrived.moves == ordered.moves


# --- points


@KEPT
@given(SEEDS, st.lists(st.integers(0, 400), min_size=1, max_size=6))
def test_the_ledger_sums_to_the_score_and_its_two_parts(seed: int, days: list[int]) -> None:
    lead = lead_of(drawn(seed))
    for now in (lead.clock + day * DAY for day in days):
        lines, found = ledger(lead, MODEL, now, LATEST, lead.state), score(lead, MODEL, now, LATEST, lead.state)
        assert abs(sum(line.value for line in lines if of_fit(line)) - found.fit) < 1e-9
        assert abs(sum(line.value for line in lines if not of_fit(line)) - found.behaviour) < 1e-9


# --- requests


def request(event: Event, lead: Lead) -> bool:
    """A raised hand that a person made in time and did not take back."""
    taken_back = lead.retracted.get(event.event_id)
    return (
        (event.type, event.form_type in RAISED_HANDS, event.is_machine) == ("form_submitted", True, False)
        and (event.at, event.event_id) not in lead.stale
        and taken_back is None
    )


def stood(moves: list[Move], at: int, event_id: str) -> Move:
    """Where a lead stood once an event was dealt with."""
    return next((move for move in reversed(moves) if (move.at, move.id) <= (at, event_id)), START)


@KEPT
@given(SEEDS)
def test_nobody_who_raises_a_hand_is_left_without_an_answer(seed: int) -> None:
    """Sales has the lead, or somebody has to look at it, or the account's owner; else it is out."""
    documents = in_order(drawn(seed))
    lead = lead_of(documents)
    kept = (lead.moves[0].at, lead.moves[0].id) if lead.moves else (0, "")  # the newest checkpoints only
    for event in map(event_of, documents):
        if not request(event, lead) or (event.at, event.event_id) <= kept:
            continue
        told = {move.note for move in lead.moves if (move.at, move.id) == (event.at, event.event_id)}
        now = stood(lead.moves, event.at, event.event_id)
        assert told & {REVIEW, RELATIONSHIP, NEW_REQUEST} or now.stage in (*WITH_SALES, Stage.DISQUALIFIED)


@KEPT
@given(SEEDS)
def test_what_was_asked_of_sales_is_somebody_elses_when_sales_lets_the_lead_lie(seed: int) -> None:
    """The walk lets all time pass, so that each handoff which nobody works comes back."""
    documents = in_order(drawn(seed))
    lead = lead_of(documents)
    while at := due(lead, MODEL):
        elapse(lead, at, MODEL)
        lead.clock, lead.clock_id = max(lead.position, (at, TICK))
    for number, move in enumerate(lead.moves):
        if move.stage == Stage.RECYCLED and move.id == TICK and not move.note and number:
            asked = [
                m for m in lead.moves[:number] if m.note == NEW_REQUEST and m.at > lead.moves[number - 1].spent
            ]
            looked = {m.note for m in lead.moves[number:] if (m.at, m.id) == (move.at, TICK)}
            answered = {REVIEW, RELATIONSHIP} & looked or lead.retracted
            assert not asked or answered or Standing(lead, MODEL, move.at, TICK, move).blocked("hard")


# --- time


@KEPT
@given(SEEDS)
def test_time_alone_only_moves_down(seed: int) -> None:
    lead = lead_of(in_order(drawn(seed)))
    while at := due(lead, MODEL):
        elapse(lead, at, MODEL)
        lead.clock, lead.clock_id = max(lead.position, (at, TICK))
    for before, move in zip(lead.moves, lead.moves[1:], strict=False):
        if move.id == TICK and not move.note:
            assert (Stage(before.stage), Stage(move.stage)) in DOWN


DOWN: Final = {
    (Stage.MQL, Stage.LEAD),
    (Stage.RECYCLED, Stage.LEAD),
    (Stage.SQL, Stage.RECYCLED),
    (Stage.ACCEPTED, Stage.RECYCLED),
}


def brings(lead: Lead, at: int) -> bool:
    """Whether time alone brings something by this instant, looked at without any of the shortcuts."""
    state = lead.state
    if state.timers and state.timers[0][0] <= at:
        return True
    if state.stage == Stage.RECYCLED:
        return max(state.back, state.at) <= at
    return state.stage == Stage.MQL and not state.open and mql_lost(Standing(lead, MODEL, at, TICK, state))


@KEPT
@given(SEEDS)
def test_a_timer_is_never_late(seed: int) -> None:
    """Hour by hour for two months, nothing has come before the instant that the timer names."""
    lead = lead_of(in_order(drawn(seed)))
    instant, quiet = due(lead, MODEL), quiet_until(lead, MODEL, lead.clock)
    first = instant or lead.clock + 500 * DAY
    assert quiet == NEVER or quiet < first
    assert not instant or quiet != NEVER
    instants = [lead.clock + step for step in (1, *range(HOUR, 60 * DAY, HOUR + 1))]
    for at in (*instants, first - 1):
        if max(lead.clock, lead.state.at) < at < first:
            assert not brings(lead, at), at - lead.clock
    if instant:
        assert brings(lead, instant)
        early = deepcopy(lead)
        elapse(early, instant - 1, MODEL)
        assert early.moves == lead.moves
        elapse(early, instant, MODEL)
        assert early.moves != lead.moves


@KEPT
@given(SEEDS)
def test_a_lead_whose_timers_fire_in_time_ends_like_one_whose_never_do(seed: int) -> None:
    documents = in_order(drawn(seed))
    lazy, prompt = lead_of(documents), Lead()
    for event in map(event_of, documents):
        while (instant := due(prompt, MODEL)) and instant <= event.at:
            elapse(prompt, instant, MODEL)
            prompt.clock, prompt.clock_id = max(prompt.position, (instant, TICK))
        apply(prompt, KEY, event, event.received or event.at, KEY, MODEL)
    end = event_of(documents[-1]).at
    for lead in (lazy, prompt):
        elapse(lead, end, MODEL)
    assert prompt.moves == lazy.moves
