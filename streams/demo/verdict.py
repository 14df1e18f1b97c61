"""What the demo must have shown: each journey ended where the model puts it, every event is accounted for."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from streams.demo.story import Journey
from streams.demo.watch import Handoff, Watch
from streams.identity.keys import Secret, lead_keys

FUNNEL: Final = ("visitor", "lead", "mql", "sql")


def expected(journeys: Iterable[Journey], secret: Secret) -> dict[str, tuple[str, str]]:
    """For each lead key the stage that its story must end in, and the story."""
    return {
        lead_keys(lead.email, lead.user_id, lead.anonymous_id, secret)[0]: (lead.stage, journey.story)
        for journey in journeys
        for lead in journey.leads
    }


def ended(watch: Watch, key: str) -> str:
    """The stage told last; a lead of which nothing was told is a visitor."""
    return watch.stages.get(key, ["visitor"])[-1]


def funnel(watch: Watch, keys: Iterable[str]) -> dict[str, int]:
    """How many of these leads came at least so far."""
    furthest = Counter(
        max((FUNNEL.index(stage) for stage in watch.stages.get(key, ()) if stage in FUNNEL), default=0)
        for key in keys
    )
    return {stage: sum(furthest[place] for place in range(turn, len(FUNNEL))) for turn, stage in enumerate(FUNNEL)}


def wrong(journeys: list[Journey], truth: dict[str, tuple[str, str]], watch: Watch) -> list[str]:
    """One line per lead or handoff that is not as the model says; empty if all is well."""
    found = [
        f"{story!r} must end as {stage}, and ended as {got}"
        for key, (stage, story) in truth.items()
        if (got := ended(watch, key)) != stage
    ]
    handed = Counter(handoff.lead_key for handoff in watch.handoffs)
    for key, (stage, story) in truth.items():
        if handed[key] != (stage == "sql"):
            found.append(f"{story!r} ends as {stage}, and was handed over {handed[key]} times")
    found += [f"a handoff of a lead that is none of ours: {key}" for key in handed if key not in truth]
    found += [f"the handoff of {h.lead_key} is short: {h.score:g} points" for h in watch.handoffs if _short(h)]
    reasons = Counter(letter.reason for letter in watch.dead)
    wanted = Counter({"future": sum(journey.dead for journey in journeys)})
    if reasons != wanted:
        found.append(f"dead letters: expected {dict(wanted)}, found {dict(reasons)}")
    return found


SQL_FROM: Final = 40.0


def _short(handoff: Handoff) -> bool:
    return handoff.score < SQL_FROM or not handoff.reason


def unaccounted(sent: int, outcomes: Counter[str], dead: int, journeys: list[Journey]) -> list[str]:
    """Whether every event sent is scored, a known repeat, or a dead letter with its reason."""
    repeats = sum(journey.duplicates for journey in journeys)
    found = []
    if outcomes["duplicate"] != repeats:
        found.append(f"{repeats} repeats were sent, and {outcomes['duplicate']} were recognised")
    if outcomes["scored"] + outcomes["duplicate"] + dead != sent:
        found.append(f"{sent} events were sent, {dict(outcomes)} are accounted for, and {dead} dead letters")
    return found
