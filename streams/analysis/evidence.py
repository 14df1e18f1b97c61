"""What was known of people when they were handed over, or first answered: what points are learned from.

Leakage is kept out by construction: of each kin nothing after its first handoff or first answer of sales is taken,
whichever came first, and nothing that a CRM or a salesperson wrote. What is left goes through the core once more,
and the ledger at that instant says how much of each rule's evidence was alive.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from streams.analysis.outcome import Episode, Outcome, episodes, outcome
from streams.analysis.source import Event, kins
from streams.analysis.trial import LATEST, Passage, Trial
from streams.scoring.instant import milliseconds
from streams.scoring.score import Line, ledger
from streams.shard import Terms

SALES: Final = "crm"


class Example(NamedTuple):
    """One person at one instant: per rule how many contributions were alive, decayed; and whether it went well."""

    person: str
    at: int
    evidence: dict[str, float]
    good: bool


class _Head(msgspec.Struct, gc=False):
    source_kind: str | None = None


_head: Final = msgspec.json.Decoder(_Head).decode


def examples(events: Sequence[Event], done: Trial, terms: Terms, level: int, end: int) -> list[Example]:
    """One example of everybody who was handed over and whose outcome is known, in the order of time."""
    known = _known(done, level, end)
    cuts = _cuts(events, done, known)
    kept = [event for event in events if not event.answer and event.at <= cuts.get(event.kin, 0) and own(event)]
    found: list[Example] = []
    passage = Passage(terms, end, _ignore)
    for kin in kins(kept):
        passage.run(kin)
    passage.deliver()
    for person, (at, good) in known.items():
        lead = passage.shard.table.get(person)
        if lead is not None:
            lines = ledger(lead, terms.model, at, LATEST, lead.state)
            found.append(Example(person, at, of_ledger(lines), good))
    return sorted(found, key=lambda example: (example.at, example.person))


def _ignore(_: int) -> None:
    pass


def _known(done: Trial, level: int, end: int) -> dict[str, tuple[int, bool]]:
    """When each person was first handed over, and whether it came so far; only where that is settled."""
    rounds: dict[str, list[Episode]] = episodes(done.answers)
    found: dict[str, tuple[int, bool]] = {}
    seen: set[str] = set()
    for one in done.told:
        if one.handoff_id is None or one.lead_key in seen or one.lead_key in done.out:
            continue
        seen.add(one.lead_key)
        at = milliseconds(one.occurred_at)
        what: Outcome = outcome(at, rounds.get(one.lead_key, []), [at], end)
        reached = what.reached(level)
        if reached is not None:
            first = min((episode.start for episode in rounds.get(one.lead_key, [])), default=at)
            found[one.lead_key] = (min(at, first), reached)
    return found


def _cuts(events: Sequence[Event], done: Trial, known: dict[str, tuple[int, bool]]) -> dict[int, int]:
    """Up to when each kin's events count."""
    causes = {one.cause: known[one.lead_key][0] for one in done.told if one.lead_key in known}
    cuts: dict[int, int] = {}
    for event in events:
        if event.event_id in causes:
            cuts[event.kin] = max(cuts.get(event.kin, 0), causes[event.event_id])
    return cuts


def own(event: Event) -> bool:
    """Whether it is no word of sales or of a CRM."""
    return _head(event.raw).source_kind != SALES


def of_ledger(lines: Iterable[Line]) -> dict[str, float]:
    """Per rule how many contributions are alive, each as far as it has not decayed."""
    found: dict[str, float] = {}
    for line in lines:
        if line.points and not line.rule.startswith(("cap:", "fit:")):
            found[line.rule] = found.get(line.rule, 0.0) + line.value / line.points
    return found


def matrix(found: Sequence[Example], rules: Sequence[str]) -> Iterator[list[float]]:
    """The examples as rows of numbers, a column per rule."""
    for example in found:
        yield [example.evidence.get(rule, 0.0) for rule in rules]
