"""The laws that the reference of the `b2b` model obeys, on random journeys."""

import json
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings

from schemas.dead_letter import Rejected
from schemas.event import parse
from tests.reference.b2b.attributes import private
from tests.reference.b2b.blocks import existing, hard, no_mail_since
from tests.reference.b2b.facts import DAY, SALES_STAGES, Fact, Past, position
from tests.reference.b2b.follow_up import route
from tests.reference.b2b.journeys import drawn, in_order, journeys
from tests.reference.b2b.lanes import RAISED_HANDS, no_longer_mql
from tests.reference.b2b.outcome import TICK, Event, stage_at
from tests.reference.b2b.reference import Reference, outcome
from tests.reference.b2b.stages import MAX_AGE
from tests.scoring.b2b_journeys import COLLEAGUES, day

SEEDS = range(250)
EACH = pytest.mark.parametrize("first", range(0, len(SEEDS), 50))
"""Fifty journeys a test, so that a failure names its neighbourhood; each failure names its seed."""


@cache
def played(seed: int) -> Reference:
    return outcome(drawn(seed))


def some(first: int) -> Iterator[tuple[int, Reference]]:
    for seed in range(first, first + 50):
        yield seed, played(seed)


def just_before(reference: Reference, fact: Fact) -> Past:
    """What was known when the event was looked at, before it moved anything."""
    facts = [one for one in reference.facts if one.position <= fact.position]
    return Past(facts, fact.at, [move for move in reference.moves if position(move) < fact.position])


def instants(reference: Reference) -> set[int]:
    at = [fact.at for fact in reference.facts] + [move.at for move in reference.moves]
    return {instant + later for instant in at[::3] for later in (0, 3 * DAY, 31 * DAY)}


@EACH
def test_the_random_events_are_of_the_contract(first: int) -> None:
    for seed, _ in some(first):
        read = [parse(json.dumps(event).encode()) for event in drawn(seed)]
        assert [answer for answer in read if isinstance(answer, Rejected)] == [], seed


@EACH
def test_the_ledger_sums_to_the_score(first: int) -> None:
    for seed, reference in some(first):
        for now in instants(reference):
            score, lines = reference.score_at(now), reference.ledger_at(now)
            assert sum(line.points for line in lines) == pytest.approx(score.total, abs=1e-9), seed
            fit = sum(line.points for line in lines if line.rule.startswith(("fit:", "cap:fit", "cap:needs")))
            assert fit == pytest.approx(score.fit, abs=1e-9), seed


@EACH
def test_no_raised_hand_goes_unanswered(first: int) -> None:
    for seed, reference in some(first):
        for fact in reference.facts:
            past = just_before(reference, fact)
            if not (fact.form(*RAISED_HANDS) and fact.human and fact.id not in past.retractions):
                continue
            told = {n.kind for n in reference.notices if n.cause == fact.id}
            stages = [m.entered for m in reference.moves if position(m) <= fact.position]
            answered = (
                stages[-1:] in [[stage] for stage in SALES_STAGES]
                or told & {"review_requested", "existing_relationship"}
                or stages[-1:] == ["disqualified"]
                or fact.arrival - fact.at > MAX_AGE
            )
            assert answered, (seed, fact)


@EACH
def test_time_alone_only_moves_down(first: int) -> None:
    down = {("mql", "lead"), ("sql", "recycled"), ("accepted", "recycled"), ("recycled", "lead")}
    for seed, reference in some(first):
        moves = {(move.left, move.entered) for move in reference.moves if move.cause == TICK}
        assert moves <= down, seed


@EACH
def test_only_events_of_the_lead_or_a_person_lift_it(first: int) -> None:
    up = {"lead_promoted", "form_submitted", "lead_identified", "company_identified", "page_viewed"}
    up |= {"content_downloaded", "email_subscribed", "webinar_registered", "webinar_attended", "event_attended"}
    up |= {"sales_contacted"}
    for seed, reference in some(first):
        types = {fact.id: fact.type for fact in reference.facts}
        for move in reference.moves:
            if move.entered == "sql":
                assert types[move.cause] in up, seed
            if move.entered == "mql":
                assert types[move.cause] in up | {"email_opened", "email_clicked", "social_engaged"}, seed


@EACH
def test_an_mql_is_left_at_the_first_millisecond(first: int) -> None:
    for seed, reference in some(first):
        for number, move in enumerate(reference.moves):
            if move.cause == TICK and move.left == "mql":
                facts = [fact for fact in reference.facts if fact.at < move.at]
                before = reference.moves[:number]
                assert no_longer_mql(Past(facts, move.at, before)), seed
                assert not no_longer_mql(Past(facts, move.at - 1, before)), seed


@EACH
def test_each_cycle_has_one_handoff(first: int) -> None:
    for seed, reference in some(first):
        assert [handoff.cycle for handoff in reference.handoffs] == [
            move.cycle for move in reference.moves if move.entered == "sql"
        ], seed
        cycles = [handoff.cycle for handoff in reference.handoffs]
        assert cycles == list(range(1, len(cycles) + 1)), seed


@EACH
def test_blocks_bar_their_handoffs(first: int) -> None:
    for seed, reference in some(first):
        lanes = {move.cause: move.why for move in reference.moves if move.entered == "sql"}
        for fact in reference.facts:
            lane, past = lanes.get(fact.id), just_before(reference, fact)
            if lane is None:
                continue
            assert hard(past) is None, seed
            assert lane == "promoted" or existing(past) is None, seed
            assert lane != "score" or (no_mail_since(past) is None and not private(past)), seed


@EACH
def test_nobody_under_a_hard_block_has_another_stage_than_disqualified(first: int) -> None:
    for seed, reference in some(first):
        for fact in reference.facts:
            if hard(reference.past(fact.at)):
                assert stage_at(reference, fact.at) == "disqualified", seed


@EACH
def test_each_mql_says_what_holds_it(first: int) -> None:
    for seed, reference in some(first):
        for now in instants(reference):
            assert bool(reference.held_at(now)) == (stage_at(reference, now) == "mql"), seed


@EACH
def test_each_move_begins_where_the_last_one_ended(first: int) -> None:
    for seed, reference in some(first):
        moves = reference.moves
        assert [move.left for move in moves] == ["visitor", *(move.entered for move in moves)][: len(moves)], seed
        assert [position(move) for move in moves] == sorted(position(move) for move in moves), seed


def test_colleagues_share_an_account() -> None:
    accounts = {route(outcome(events).past(day(1))).account for events in COLLEAGUES}
    assert accounts == {"aozora.example"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(journeys(scenes=5))
def test_neither_order_nor_repetition_means_anything(events: list[Event]) -> None:
    arrived, ordered = outcome(events), outcome(in_order(events))
    assert arrived == ordered
