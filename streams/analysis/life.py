"""Each person's way, once: when each stage was first reached, and what was handed over."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from streams.analysis.trial import Answer
from streams.scoring.instant import milliseconds
from streams.transition import Transition

CHAIN: Final = ("lead", "mql", "sql", "accepted", "meeting", "opportunity", "customer")
"""The way up. `meeting` is the sales-confirmed SQL; a later step implies the earlier ones."""
SAID: Final = {
    "handoff_accepted": "accepted",
    "contacted": "accepted",
    "meeting_booked": "meeting",
    "opportunity_created": "opportunity",
    "deal_won": "customer",
}


class Life(NamedTuple):
    """One person. `first`: when each step of the chain was reached first (Unix ms), in the order of the chain.
    `said`: all that sales said of them; `answers`: what it said since the first handoff.
    """

    person: str
    first: dict[str, int]
    told: tuple[Transition, ...]
    answers: tuple[Answer, ...]
    said: tuple[Answer, ...]

    @property
    def entered(self) -> int:
        return self.first["lead"]

    @property
    def handed(self) -> list[Transition]:
        """The handoffs, in order."""
        return [one for one in self.told if one.handoff_id is not None]

    def within(self, step: str, span: int) -> bool:
        """Whether a step was reached within so many ms of becoming a lead."""
        at = self.first.get(step)
        return at is not None and at < self.entered + span


def lives(told: Iterable[Transition], answers: Iterable[Answer], out: frozenset[str]) -> list[Life]:
    """Everybody who ever became a lead, in that order; not our own people, tests and competitors."""
    ways: dict[str, list[Transition]] = defaultdict(list)
    said: dict[str, list[Answer]] = defaultdict(list)
    for one in told:
        if one.lead_key not in out:
            ways[one.lead_key].append(one)
    for answer in answers:
        said[answer.person].append(answer)
    found = [_life(person, way, said.get(person, [])) for person, way in ways.items()]
    return sorted((life for life in found if "lead" in life.first), key=lambda life: (life.entered, life.person))


def _life(person: str, way: list[Transition], said: list[Answer]) -> Life:
    way.sort(key=lambda one: one.occurred_at)
    at: dict[str, int] = {}
    for one in way:
        if one.type == "stage_changed" and one.to_stage in CHAIN:
            at.setdefault(one.to_stage, milliseconds(one.occurred_at))
    handed = min((milliseconds(one.occurred_at) for one in way if one.handoff_id is not None), default=None)
    heard = [answer for answer in said if handed is not None and answer.at >= handed]
    for answer in heard:
        step = SAID.get(answer.kind)
        if step is not None:
            at[step] = min(answer.at, at.get(step, answer.at))
    return Life(person, _implied(at), tuple(way), tuple(heard), tuple(said))


def _implied(at: dict[str, int]) -> dict[str, int]:
    first: dict[str, int] = {}
    soonest: int | None = None
    for step in reversed(CHAIN):
        if step in at:
            soonest = at[step] if soonest is None else min(soonest, at[step])
        if soonest is not None:
            first[step] = soonest
    return {step: first[step] for step in CHAIN if step in first}
