"""What the demo must have shown: each journey ended where the model puts it, every event is accounted for."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from streams.demo.story import End, Journey
from streams.demo.watch import Handoff, Watch
from streams.identity.keys import Secret, lead_keys

FUNNEL: Final = ("visitor", "lead", "mql", "sql")
ONWARD: Final = {"accepted": "sql", "opportunity": "sql", "customer": "sql"}
"""Stages beyond the funnel's last."""


class Expected(NamedTuple):
    """How a story must end, and the story."""

    end: End
    story: str


def expected(journeys: Iterable[Journey], secret: Secret) -> dict[str, Expected]:
    """For each lead key what must have become of it."""
    return {
        lead_keys(lead.email, lead.user_id, lead.anonymous_id, secret)[0]: Expected(lead.end, journey.story)
        for journey in journeys
        for lead in journey.leads
    }


def funnel(watch: Watch, keys: Iterable[str]) -> dict[str, int]:
    """How many of these leads came at least so far."""
    furthest = Counter(_furthest(watch.stages.get(key, [])) for key in keys)
    return {stage: sum(furthest[place] for place in range(turn, len(FUNNEL))) for turn, stage in enumerate(FUNNEL)}


def _furthest(stages: list[str]) -> int:
    known = (ONWARD.get(stage, stage) for stage in stages)
    return max((FUNNEL.index(stage) for stage in known if stage in FUNNEL), default=0)


def wrong(journeys: list[Journey], truth: dict[str, Expected], watch: Watch) -> list[str]:
    """One line per lead or handoff that is not as the model says; empty if all is well."""
    found = [
        f"{told.story!r} {line}" for key, told in truth.items() for line in _differences(key, told.end, watch)
    ]
    strangers = {handoff.lead_key for handoff in watch.handoffs} - truth.keys()
    found += [f"a handoff of a lead that is none of ours: {key}" for key in sorted(strangers)]
    found += [f"the handoff of {h.lead_key} says too little" for h in watch.handoffs if _short(h)]
    reasons = Counter(letter.reason for letter in watch.dead)
    wanted = Counter({"future": sum(journey.dead for journey in journeys)})
    if reasons != wanted:
        found.append(f"dead letters: expected {dict(wanted)}, found {dict(reasons)}")
    return found


def _differences(key: str, end: End, watch: Watch) -> Iterator[str]:
    stages = watch.stages.get(key, ["visitor"])
    if stages[-1] != end.stage:
        yield f"must end as {end.stage}, and ended as {stages[-1]}"
    if end.passes and end.passes not in stages:
        yield f"must have been {end.passes} on its way, and was {', '.join(stages)}"
    lanes = tuple(handoff.lane for handoff in watch.handoffs if handoff.lead_key == key)
    if lanes != end.lanes:
        yield f"must be handed over {_listed(end.lanes)}, and was {_listed(lanes)}"
    notes = tuple(note.kind for note in watch.notes if note.lead_key == key)
    if notes != end.notes:
        yield f"must raise {_listed(end.notes)}, and raised {_listed(notes)}"
    held = watch.leads[key].held if key in watch.leads else ""
    if end.held not in held:
        yield f"must wait for {end.held!r}, and waits for {held!r}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"


def _short(handoff: Handoff) -> bool:
    """Whether sales would not know why, how or by when."""
    promoted = handoff.lane == "promoted"
    return not ((handoff.reason or promoted) and handoff.approach and handoff.queue and handoff.respond_by)


def unaccounted(sent: int, outcomes: Counter[str], dead: int, journeys: list[Journey]) -> list[str]:
    """Whether every event, sent or added by the collector, is scored, a known repeat, or a dead letter."""
    repeats = sum(journey.duplicates for journey in journeys)
    found = []
    if outcomes["duplicate"] != repeats:
        found.append(f"{repeats} repeats were sent, and {outcomes['duplicate']} were recognised")
    added = sum(journey.retractions for journey in journeys)
    if outcomes["scored"] + outcomes["duplicate"] + dead != sent + added:
        known = f"{dict(outcomes)} are accounted for, and {dead} dead letters"
        found.append(f"{sent} events were sent, {added} added, {known}")
    return found
