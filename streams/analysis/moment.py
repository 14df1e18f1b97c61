"""Everybody at one instant of theirs, handed over or not: what was known, and whether they bought soon after.

Points learned from handoffs say little of leads that no rule ever lifted. Where outcomes do not hang on a handoff,
as in a shop, people can be compared at the same point of their way instead: so long after they came, or when they
gave their address. Nothing after that instant is looked at but the outcome.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from streams.analysis.evidence import Example, of_ledger, own
from streams.analysis.source import Event, kins
from streams.analysis.trial import LATEST, Passage, Persons
from streams.identity.keys import lead_keys
from streams.scoring.score import ledger
from streams.shard import Terms

WON: Final = "deal_won"


class Moment(NamedTuple):
    """When somebody's kin is judged (Unix ms), and whether it bought within the horizon after that."""

    at: int
    good: bool


class _Head(msgspec.Struct, gc=False):
    type: str
    email: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None


_head: Final = msgspec.json.Decoder(_Head).decode


def since_first(after: int) -> Callable[[Sequence[Event]], int | None]:
    """So many ms after the first event."""
    return lambda events: events[0].at + after


def at_address(events: Sequence[Event]) -> int | None:
    """When the first address was given; None if none was."""
    return next((event.at for event in events if not event.answer and _head(event.raw).email), None)


def moments(
    events: Sequence[Event], when: Callable[[Sequence[Event]], int | None], horizon: int, end: int
) -> dict[int, Moment]:
    """The moment of each kin that had not bought by then and whose horizon (ms) is over at the end of the log."""
    found: dict[int, Moment] = {}
    for kin in kins(list(events)):
        at = when(kin)
        if at is None or at + horizon > end:
            continue
        bought = [event.at for event in kin if event.answer and _head(event.raw).type == WON]
        if not any(instant <= at for instant in bought):
            found[kin[0].kin] = Moment(at, any(instant <= at + horizon for instant in bought))
    return found


def examples(events: Sequence[Event], at: dict[int, Moment], terms: Terms) -> tuple[list[Example], list[float]]:
    """An example and the model's score of each kin at its moment, in the order of time."""
    found: list[tuple[Example, float]] = []
    kept = (event for event in events if not event.answer and event.kin in at and event.at <= at[event.kin].at)
    passage = Passage(terms, max((moment.at for moment in at.values()), default=0), _ignore)
    persons = Persons(passage.shard)
    for kin in kins([event for event in kept if own(event)]):
        passage.run(kin)
        passage.deliver()
        moment, key = at[kin[0].kin], persons.of(_key(kin, terms))
        lead = passage.shard.table.get(key)
        if lead is not None:
            lines = ledger(lead, terms.model, moment.at, LATEST, lead.state)
            example = Example(key, moment.at, of_ledger(lines), moment.good)
            found.append((example, sum(line.value for line in lines)))
    found.sort(key=lambda one: (one[0].at, one[0].person))
    return [one for one, _ in found], [score for _, score in found]


def _key(kin: Iterable[Event], terms: Terms) -> str:
    """A key of the kin's strongest identity."""
    names = [_head(event.raw) for event in kin]
    keys = (lead_keys(name.email, name.user_id, name.anonymous_id, terms.secret) for name in names)
    return max((key[0] for key in keys if key), key=lambda key: "aue".index(key[0]))


def _ignore(_: int) -> None:
    pass
