"""Two records of one person made one."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import msgspec

from streams.identity import stub
from streams.identity.merge import content, merge
from streams.scoring.application import apply
from streams.scoring.event import Event, decode
from streams.scoring.instant import DAY
from streams.scoring.lead import TICK, Lead, Stage
from streams.scoring.model import Model
from streams.scoring.timer import due
from tests.facts import facts, points
from tests.laboratory import MODEL, key_of
from tests.reference.events import EMAIL, USER, at, event, identified, met, opened, whitepaper

KEY = key_of(email=EMAIL)
DEVICE = key_of(device="device-1")
ACCOUNT = key_of(user=USER)
LINK = (at(day=5), "link")


def lead_of(*documents: dict[str, Any], key: str = KEY, model: Model = MODEL) -> Lead:
    lead = Lead()
    for document in documents:
        one = decode(msgspec.json.encode(document))
        assert isinstance(one, Event), one
        apply(lead, key, one, one.at, key, model)
    return lead


def test_each_of_several_records_linked_by_one_event_is_judged() -> None:
    lead = lead_of(identified("i", at(day=1), email=EMAIL))
    tablet = key_of(device="device-2")
    merge(lead, KEY, lead_of(opened("o", at(day=2)), key=tablet), tablet, LINK, LINK[0], MODEL)
    merge(lead, KEY, lead_of(whitepaper("w", at(day=2)), key=DEVICE), DEVICE, LINK, LINK[0], MODEL)
    assert [move.stage for move in lead.moves] == [Stage.LEAD, Stage.MQL]


def test_taking_a_record_twice_changes_nothing() -> None:
    other = lead_of(whitepaper("w", at(day=2)), opened("o", at(day=2)), key=DEVICE)
    lead = lead_of(identified("i", at(day=1), email=EMAIL))
    merge(lead, KEY, other, DEVICE, LINK, LINK[0], MODEL)
    once = msgspec.structs.asdict(deepcopy(lead))
    merge(lead, KEY, other, DEVICE, LINK, LINK[0], MODEL)
    assert msgspec.structs.asdict(lead) | {"quiet": 0} == once | {"quiet": 0}  # what was computed and not said


def test_an_event_that_both_records_know_counts_once_and_in_its_place() -> None:
    lead = lead_of(*(opened(f"o{n}", at(day=n)) for n in (1, 3)), identified("i", at(day=1), email=EMAIL))
    other = lead_of(*(opened(f"o{n}", at(day=n)) for n in (1, 2, 4)), key=DEVICE)
    merge(lead, KEY, other, DEVICE, LINK, LINK[0], MODEL)
    assert [c.id for c in lead.evidence["email_open"]] == ["o1", "o2", "o3", "o4"]
    assert points(lead, MODEL, at(day=5)) == 10


def test_the_past_is_not_judged_again() -> None:
    lead = lead_of(identified("i", at(day=1), email=EMAIL), met("m", at(day=2)))
    merge(lead, KEY, lead_of(whitepaper("w", at(day=1)), key=DEVICE), DEVICE, LINK, LINK[0], MODEL)
    assert [(move.at, move.stage) for move in lead.moves[-1:]] == [(LINK[0], Stage.SQL)]


def sold(key: str, user: str) -> Lead:
    who = identified("i" + user, at(day=1), email=f"{user}@example.com")
    return lead_of(who, whitepaper("w" + user, at(day=2)), met("m" + user, at(day=3)), key=key)


def test_an_open_handoff_of_the_other_suppresses_a_new_one_until_it_is_answered() -> None:
    lead = lead_of(identified("i", at(day=1), email=EMAIL), opened("o", at(day=2)))
    other = sold(DEVICE, "b")
    merge(lead, KEY, other, DEVICE, LINK, LINK[0], MODEL)
    assert (lead.stage, lead.state.cycle, lead.state.open) == (Stage.SQL, 0, other.state.open)


def test_when_one_of_two_handoffs_is_answered_the_history_before_it_stays_as_it_was() -> None:
    lead = sold(KEY, "a")
    merge(lead, KEY, sold(DEVICE, "b"), DEVICE, LINK, LINK[0], MODEL)
    mine, hers = MODEL.handoff_id(KEY, 1), MODEL.handoff_id(DEVICE, 1)
    before = list(lead.moves)
    answer = decode(msgspec.json.encode(event("handoff_rejected", "r", at(day=6), email=EMAIL, handoff_id=mine)))
    assert isinstance(answer, Event)
    apply(lead, KEY, answer, answer.at, KEY, MODEL)
    assert lead.moves[:-1] == before
    assert (lead.stage, lead.state.open) == (Stage.SQL, (hers,))


def test_a_cool_down_of_the_other_goes_on() -> None:
    recycling = MODEL.source.recycling.model_copy(update={"cool_down": 10 * DAY})
    patient = replace(MODEL, source=MODEL.source.model_copy(update={"recycling": recycling}))
    other = lead_of(
        identified("i", at(day=1), email="b@example.com"),
        *(whitepaper("w", at(day=1)), met("m", at(day=2))),
        event("handoff_rejected", "r", at(day=3), email="b@example.com"),
        key=DEVICE,
        model=patient,
    )
    lead = lead_of(identified("j", at(day=1), email=EMAIL), model=patient)
    merge(lead, KEY, other, DEVICE, LINK, LINK[0], patient)
    assert lead.stage == Stage.RECYCLED
    assert due(lead, patient) == at(day=13)


def test_a_key_keeps_its_last_cycle_when_its_record_moves_or_is_erased() -> None:
    lead = sold(KEY, "a")
    for rest in (stub.moved(lead), stub.erased(lead, at(day=9), at(day=9))):
        assert not content(rest)
        again = lead_of(identified("x", at(day=10), email=EMAIL))
        assert again.state.cycle == 0
        for number, document in enumerate((whitepaper("w9", at(day=11)), met("m9", at(day=12)))):
            one = decode(msgspec.json.encode(document | {"email": EMAIL}))
            assert isinstance(one, Event)
            apply(rest, KEY, one, one.at + number, KEY, MODEL)
        assert rest.state.cycle == 2
        assert rest.moves[0].id == TICK


def test_what_is_dated_up_to_an_erasure_is_taken_out_and_the_rest_stays() -> None:
    whole = lead_of(whitepaper("w", at(day=1), email=EMAIL), opened("o", at(day=3)), key=DEVICE)
    stub.deny(whole, at(day=2))
    assert facts(whole, MODEL)["evidence"].keys() == {"email_open"}
    assert not whole.known
    assert whole.stage == Stage.VISITOR
