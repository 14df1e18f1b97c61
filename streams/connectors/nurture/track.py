"""A nurture track: for whom it is, and who is in it. Pure."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field

from schemas.transition import Grade, Stage
from streams.connectors.event import Event
from streams.connectors.mapping import Strict
from streams.connectors.nurture.passage import ERASED, MERGED, OPTED_OUT

UNKNOWN: Final = "unknown"

Words = tuple[str, ...] | None


class Condition(Strict):
    """All that is named must be so; of several words one. `unknown` stands for what is not known."""

    stage: tuple[Stage, ...] | None = None
    segment: Words = Field(None, description="as the model names it")
    relationship: Words = None
    fit_grade: tuple[Grade | Annotated[str, Field(pattern="^unknown$")], ...] | None = None
    industry: Words = None
    country: Words = None
    language: Words = None


class Track(Strict):
    """Who is in it. With `consent`, only who may get marketing mail."""

    when: Condition
    consent: bool = True


def meets(condition: Condition, event: Event) -> bool:
    """Whether a lead, as the event tells it, is meant."""
    named = ((name, getattr(condition, name)) for name in Condition.model_fields)
    return all(words is None or _word(event, name) in words for name, words in named)


def _word(event: Event, name: str) -> str:
    found = event.data.get(name)
    return UNKNOWN if found is None else str(found)


def memberships(event: Event, tracks: Mapping[str, Track]) -> dict[str, bool]:
    """For each track that the event says something about whether the lead belongs into it from now on."""
    if event.change in (ERASED, MERGED):
        return dict.fromkeys(tracks, False)
    if event.change == OPTED_OUT:
        return {name: False for name, track in tracks.items() if track.consent}
    may = event.data.get("may_email_marketing") is not False
    return {name: (may or not track.consent) and meets(track.when, event) for name, track in tracks.items()}
