"""Two records of one lead: what differs first, in words, and never whose it is."""

import pytest

from streams.replay.difference import compare, settled
from streams.scoring import lead as records
from streams.scoring.lead import Contribution, Lead, Move, Owed, Stage, Version
from streams.table import ALIASED, OWED

KEY = "e1-" + "0" * 32


def opened(at: int) -> Contribution:
    return Contribution(at, "e1", 5.0, 0, None, 0, 0)


def lead(**fields: object) -> Lead:
    return Lead(**{"clock": 1_000, "clock_id": "e1", "evidence": {"email_open": [opened(1_000)]}, **fields})  # type: ignore[arg-type]


def stored(record: Lead, stage: int = Stage.LEAD, due: int = 0) -> bytes:
    return records.encode(record, stage, due, 0)


def words(ours: bytes, theirs: bytes) -> str:
    (found,) = compare({KEY: ours}, {KEY: theirs})
    assert (found.kind, found.about) == ("lead", KEY)
    return found.words


def test_equal_records_do_not_differ() -> None:
    assert compare({KEY: stored(lead())}, {KEY: stored(lead())}) == []


def test_a_lead_on_one_side_only_is_named() -> None:
    assert [d.words for d in compare({KEY: stored(lead())}, {})] == ["the live table has no such lead"]
    assert [d.words for d in compare({}, {KEY: stored(lead())})] == ["only the live table has this lead"]


def test_the_first_field_that_differs_is_told_with_both_values() -> None:
    assert words(stored(lead()), stored(lead(clock=999))) == "instant of the newest event: replay 1000, live 999"


def test_of_contributions_the_rule_is_told() -> None:
    said = words(stored(lead()), stored(lead(evidence={})))
    assert said.startswith("contributions: email_open: replay 1 of them")
    assert said.endswith("live nothing")


def test_a_stage_history_is_told_as_stages() -> None:
    move = Move(1_000, "e1", Stage.LEAD, 0, 0, 0, ())
    said = words(stored(lead(moves=[move])), stored(lead()))
    assert said == "stage history: replay lead, live none"


@pytest.mark.parametrize(
    "private",
    [{"emails": {"jane@example.com": (1, "e1")}}, {"attributes": {"phone": [Version(1, "e1", 4, "+81 3 1234")]}}],
)
def test_personal_data_is_not_told(private: dict[str, object]) -> None:
    said = words(stored(lead()), stored(lead(**private)))
    assert said.endswith("they differ (personal data, not shown)")


def test_a_header_that_differs_alone_is_told() -> None:
    assert words(stored(lead()), stored(lead(), due=5)) == "next timer in the header: replay 0, live 5"


def test_one_changed_byte_is_seen_wherever_it_is() -> None:
    whole = stored(lead())
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x01
        assert len(compare({KEY: whole}, {KEY: bytes(changed)})) == 1, place


@pytest.mark.parametrize("stage", [Stage.LEAD, Stage.SQL, ALIASED])
def test_what_at_least_once_delivery_owes_is_no_difference(stage: int) -> None:
    plain = stored(lead(), stage)
    owing = stored(lead(owed=[Owed("lead-transitions", 0, b"k", b"v", ())]), stage | OWED)
    assert settled(owing) == plain
    assert compare({KEY: plain}, {KEY: owing}) == []
