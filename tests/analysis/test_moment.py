"""Everybody at one instant: what was known then, and who bought soon after."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.analysis.moment import at_address, examples, moments, since_first
from streams.analysis.source import Source
from streams.scoring.instant import DAY
from streams.shard import Terms
from tests.analysis.test_backtest import START, event
from tests.analysis.test_trial import read
from tests.laboratory import SECRET
from tests.reference.b2b.adapter import b2b

TERMS = Terms(b2b(), SECRET)


def source(*documents: dict[str, Any]) -> Source:
    return read([*documents, event("page_viewed", "zoe", 60)])


def judged(found: Source, after: int = DAY, horizon: int = 3 * DAY) -> dict[int, bool]:
    """By the day on which somebody is judged."""
    at = moments(found.events, since_first(after), horizon, found.end)
    return {(one.at - START) // DAY: one.good for one in at.values()}


def test_good_is_who_bought_within_the_horizon_and_who_had_bought_is_not_asked() -> None:
    found = source(
        event("page_viewed", "soon", 0), event("deal_won", "soon", 3),
        event("page_viewed", "late", 10), event("deal_won", "late", 15),
        event("page_viewed", "had", 20), event("deal_won", "had", 20.5),
        event("page_viewed", "never", 30),
        event("page_viewed", "young", 58),
    )  # fmt: skip
    assert judged(found) == {1: True, 11: False, 31: False}


def test_nothing_after_the_moment_and_nothing_that_sales_wrote_is_evidence() -> None:
    paper = {"offer_type": "whitepaper", "offer_id": "x"}
    found = source(
        event("content_downloaded", "ann", 0, **paper),
        event("email_opened", "ann", 0.9),
        event("sales_contacted", "ann", 0.5, direction="inbound", source_kind="crm"),
        event("content_downloaded", "ann", 1.1, offer_type="ebook", offer_id="y"),
        event("deal_won", "ann", 1.5),
    )
    at = moments(found.events, since_first(DAY), 3 * DAY, found.end)
    (one,), (score,) = examples(found.events, at, TERMS)
    assert one.evidence.keys() == {"C1", "E1"}
    assert one.good
    assert score > 20


def test_people_can_be_judged_when_they_give_an_address() -> None:
    device = {"anonymous_id": "d1"}
    found = read([
        {**event("page_viewed", "x", 0), **device, "email": None},
        {**event("form_submitted", "ann", 2, form_type="newsletter"), **device},
        {**event("page_viewed", "x", 3), "anonymous_id": "d2", "email": None},
        event("page_viewed", "zoe", 60),
    ])  # fmt: skip
    at = moments(found.events, at_address, 3 * DAY, found.end)
    assert [(one.at - START) / DAY for one in at.values()] == [2.0]


@given(st.lists(st.tuples(st.integers(0, 6), st.floats(0, 50), st.booleans()), max_size=25), st.integers(0, 20))
def test_nobody_is_judged_twice_or_before_the_log_can_tell(way: list[tuple[int, float, bool]], days: int) -> None:
    found = source(*(event("deal_won" if won else "page_viewed", f"p{who}", day) for who, day, won in way))
    at = moments(found.events, since_first(DAY), days * DAY, found.end)
    assert all(one.at + days * DAY <= found.end for one in at.values())
    assert len(examples(found.events, at, TERMS)[0]) <= len(at) <= len({who for who, _, _ in way}) + 1
