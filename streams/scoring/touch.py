"""The ways by which a lead came: the first and the last one, as functions of the set of its events."""

from functools import lru_cache
from typing import Final

from streams.scoring.event import Event
from streams.scoring.lead import Lead

Touch = tuple[int, str, str]
"""Instant, event id, channel."""

OF_TYPE: Final = {
    "webinar_registered": "webinar",
    "webinar_attended": "webinar",
    "event_attended": "event",
    "social_engaged": "social",
    "email_clicked": "email",
}
"""Types of events that are a way to come by themselves."""
LONGEST: Final = 80
"""Characters kept of a channel's name."""
MOST_CAMPAIGNS: Final = 1_000
"""Pairs of source and medium whose channel is remembered."""


def channel(event: Event) -> str | None:
    """By which channel the event says that somebody came; None for one that does not say, and for a machine's."""
    if event.is_machine:
        return None
    told = (event.touch_channel or "").strip() or OF_TYPE.get(event.type)
    told = told or _campaign(event.utm_source, event.utm_medium)
    return told[:LONGEST] if told else None


@lru_cache(maxsize=MOST_CAMPAIGNS)
def _campaign(source: str | None, medium: str | None) -> str | None:
    """Without the collector's enrichment: source and medium of the campaign, as web analytics write them."""
    parts = (part.strip() for part in (source, medium) if part)
    return " / ".join(part for part in parts if part) or None


def note(lead: Lead, event: Event) -> None:
    """Keep it if it is the first or the last."""
    told = channel(event)
    if told is None:
        return
    touch, touches = (event.at, event.event_id, told), lead.touches
    if len(touches) > 1 and touches[0] < touch:  # the usual case: after the first
        if touch > touches[1]:
            lead.touches = (touches[0], touch)
    else:
        lead.touches = unite(touches, (touch,))


def unite(touches: tuple[Touch, ...], more: tuple[Touch, ...]) -> tuple[Touch, ...]:
    """The first and the last of both."""
    found = sorted({*touches, *more})
    return (found[0], found[-1]) if len(found) > 1 else tuple(found)


def at(lead: Lead, instant: int, upto: str) -> tuple[str | None, str | None]:
    """The first and the last channel by a point of the history, as far as they are kept."""
    known = [told for when, event_id, told in lead.touches if (when, event_id) <= (instant, upto)]
    return (known[0], known[-1]) if known else (None, None)
