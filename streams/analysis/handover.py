"""What sales did with what it got: speed, rejections, and which lanes and rules bring meetings."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import ceil
from statistics import median
from typing import Final, NamedTuple

from streams.analysis.interval import Share, share
from streams.analysis.life import Life
from streams.analysis.outcome import Episode, Outcome, episodes, outcome
from streams.follow_up.calendar import Calendar, hours_between
from streams.follow_up.model import FollowUp
from streams.scoring.instant import milliseconds
from streams.transition import Transition

CONTACT: Final = ("contacted", "meeting_booked", "opportunity_created", "deal_won")
"""Answers that mean that somebody spoke with the lead; accepting it is no contact."""
NONE: Final = "-"


class Judged(NamedTuple):
    """A handoff and what became of it."""

    told: Transition
    outcome: Outcome


class Speed(NamedTuple):
    """Hours of the queue's calendar from the arrival of what tipped it to the first contact."""

    queue: str
    handoffs: int
    contacted: int
    median: float | None
    p90: float | None
    in_time: Share


class Value(NamedTuple):
    """Of handoffs with something in common, those that came to a meeting, as far as that is known."""

    name: str
    handoffs: int
    meetings: Share


def judged(lives: Sequence[Life], end: int) -> list[Judged]:
    """Every handoff with its outcome."""
    found: list[Judged] = []
    for life in lives:
        rounds = episodes(life.answers).get(life.person, [])
        handed = life.handed
        instants = [milliseconds(one.occurred_at) for one in handed]
        found += [
            Judged(one, outcome(at, _of(rounds, at, instants), [at], end))
            for one, at in zip(handed, instants, strict=True)
        ]
    return sorted(found, key=lambda one: (one.told.occurred_at, one.told.lead_key))


def _of(rounds: list[Episode], at: int, handed: list[int]) -> list[Episode]:
    """The episodes that can be about a handoff: those that began before the next one."""
    following = min((instant for instant in handed if instant > at), default=None)
    return [episode for episode in rounds if following is None or episode.start < following]


def speeds(handed: Sequence[Judged], follow_up: FollowUp | None) -> list[Speed]:
    """By queue. Without calendars in the model every hour is one."""
    queues: dict[str, list[Judged]] = defaultdict(list)
    for one in handed:
        queues[str(one.told.sales.get("owner_queue") or NONE)].append(one)
    return [_speed(queue, members, _calendar(queue, follow_up)) for queue, members in sorted(queues.items())]


def _calendar(queue: str, follow_up: FollowUp | None) -> Calendar | None:
    known = (
        follow_up.routing.queues.get(queue) if follow_up is not None and follow_up.routing is not None else None
    )
    return None if known is None else known.calendar


def _speed(queue: str, handed: list[Judged], calendar: Calendar | None) -> Speed:
    took: list[float] = []
    kept = due = 0
    for one in handed:
        contact = one.outcome.episode.when(CONTACT) if one.outcome.episode is not None else None
        respond_by = one.told.sales.get("respond_by")
        if contact is not None:
            took.append(_hours(calendar, milliseconds(one.told.arrived_at), contact))
        if respond_by is not None and (contact is not None or one.outcome.final):
            due += 1
            kept += contact is not None and contact <= milliseconds(str(respond_by))
    took.sort()
    return Speed(
        queue,
        len(handed),
        len(took),
        round(median(took), 2) if took else None,
        round(took[ceil(0.9 * len(took)) - 1], 2) if took else None,
        share(kept, due),
    )


def _hours(calendar: Calendar | None, start: int, end: int) -> float:
    return (end - start) / 3_600_000 if calendar is None else hours_between(calendar, start, end)


def rejections(handed: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """Handoffs that sales gave back, by reason, lane, channel and segment."""
    back = [one for one in handed if one.outcome.final and one.outcome.why is not None]
    return {
        "reason": _counted(str(one.outcome.why) for one in back),
        "lane": _counted(lane(one.told) for one in back),
        "channel": _counted(channel(one.told) for one in back),
        "segment": _counted(str(one.told.sales.get("segment") or NONE) for one in back),
    }


def _counted(names: object) -> dict[str, int]:
    return dict(Counter(names).most_common())  # type: ignore[call-overload]


def lane(told: Transition) -> str:
    """The kind of criteria: the request, or the score."""
    request, criteria = told.sales.get("request_type"), str(told.sales.get("criteria") or NONE)
    if request is not None:
        return str(request)
    return "score" if criteria[:1] in "sスS-" else "promoted"


def channel(told: Transition) -> str:
    return str(told.lead.get("referral_channel") or NONE)


def values(handed: Sequence[Judged]) -> tuple[list[Value], list[Value]]:
    """By lane, and by rule that counted at the handoff."""
    lanes: dict[str, list[Judged]] = defaultdict(list)
    rules: dict[str, list[Judged]] = defaultdict(list)
    for one in handed:
        lanes[lane(one.told)].append(one)
        for rule in {line.rule for line in one.told.contributions if line.value > 0}:
            rules[rule].append(one)
    return _values(lanes), _values(rules)


def _values(groups: dict[str, list[Judged]]) -> list[Value]:
    found: list[Value] = []
    for name, members in sorted(groups.items()):
        known = [reached for one in members if (reached := one.outcome.reached(MEETING)) is not None]
        found.append(Value(name, len(members), share(sum(known), len(known))))
    return found


MEETING: Final = 2
