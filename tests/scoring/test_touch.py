"""The ways by which a lead came are a function of the set of its events."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from streams.scoring import touch
from streams.scoring.event import Event
from streams.scoring.lead import Lead

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def clicked(at: int, channel: str) -> Event:
    return Event(
        event_id=f"{at}-{channel}",
        type="page_viewed",
        occurred_at=NOON,
        anonymous_id="a",
        at=at,
        touch_channel=channel,
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc"))))
def test_of_any_order_of_touches_the_first_and_the_last_are_kept(came: list[tuple[int, str]]) -> None:
    lead = Lead()
    for at, channel in came:
        touch.note(lead, clicked(at, channel))
    found = sorted({(at, f"{at}-{channel}", channel) for at, channel in came})
    assert lead.touches == (tuple(found) if len(found) < 2 else (found[0], found[-1]))


def test_a_campaign_without_a_medium_is_named_by_its_source() -> None:
    lead = Lead()
    event = clicked(1, "")
    event.utm_source, event.utm_medium = " google ", None
    touch.note(lead, event)
    assert [channel for _, _, channel in lead.touches] == ["google"]
