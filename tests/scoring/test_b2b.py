"""The `b2b` model gives on random journeys exactly what an independent and slow implementation gives."""

import os
from collections import defaultdict
from functools import cache
from typing import Final

import pytest

from streams.scoring.instant import DAY
from tests.reference.b2b import reference
from tests.reference.b2b.adapter import run_engine
from tests.reference.b2b.journeys import drawn, in_order
from tests.reference.b2b.outcome import Event, Notice, Outcome
from tests.reference.journeys import smallest

JOURNEYS: Final = int(os.environ.get("LEADSTREAMS_TEST_JOURNEYS", "300"))
"""Random journeys compared; thousands take minutes."""
KNOWN_UNTIL: Final = "2027-11"
"""The reference knows no holidays after 2027."""
A_TEST: Final = 50
EACH = pytest.mark.parametrize("first", range(0, JOURNEYS, A_TEST))

LATER: Final = (0, 9 * DAY, 33 * DAY)
"""So long after the newest event the points are compared: a record promises them from there on."""
CLOSE: Final = 1e-6

DIMENSIONS: Final = {"employees": "size", "revenue": "size"} | dict.fromkeys(
    ("budget", "ad_spend", "pain_points", "software", "persona"), "needs"
)
"""The reference's name of what a fit is made of, where the core tells the attribute."""
CODES: Final = {"personal_mail": "private_mail", "role_mailbox": "private_mail", "unreachable": "no_contact"}
"""The reference's word for what the core says holds a lead back, where it is another."""


@cache
def compared(seed: int) -> str:
    """The two on a journey in order of time: empty, or the smallest part of it that they differ in."""
    events = in_order(drawn(seed))
    if events[-1]["occurred_at"] >= KNOWN_UNTIL or not differences(events):
        return ""
    least = smallest(events, lambda some: bool(differences(some)))
    return f"seed {seed}: {least}\n" + "\n".join(differences(least))


def differences(events: list[Event]) -> list[str]:
    """Where the two do not agree, in words."""
    distinct = {event["event_id"]: event for event in events}.values()
    core, expected = run_engine(distinct), reference.outcome(distinct)
    found = [
        f"{name}: core {one}, reference {other}"
        for name, one, other in (
            ("moves", [m[:4] for m in core.moves], [m[:4] for m in expected.moves]),
            ("handoffs", list(core.handoffs), list(expected.handoffs)),
            ("notices", _notices(core), _notices(expected)),
        )
        if one != other
    ]
    newest = max(fact.at for fact in expected.facts)
    instants = {newest + later for later in LATER} | {m.at for m in expected.moves if m.at > newest}
    for now in sorted(instants):
        found += [f"at {now - newest:+}: {one}" for one in _apart(core, expected, now)]
    return found


def _notices(outcome: Outcome) -> list[Notice]:
    """Who is told of a delay follows from the handoff's queue, which is compared."""
    return [told._replace(queue="") if told.kind == "handoff_overdue" else told for told in outcome.notices]


def _apart(core: Outcome, expected: Outcome, now: int) -> list[str]:
    """Score, ledger, and what holds an MQL back."""
    found = []
    one, other = core.score_at(now), expected.score_at(now)
    if abs(one.total - other.total) > CLOSE or abs(one.fit - other.fit) > CLOSE or one.grade != other.grade:
        found.append(f"core {one}, reference {other}")
    lines, others = ledger(core, now), ledger(expected, now)
    apart = {name for name in lines.keys() | others.keys() if abs(lines[name] - others[name]) > CLOSE}
    found += [f"{name}: core {lines[name]}, reference {others[name]}" for name in sorted(apart)]
    held, why = {CODES.get(code, code) for code in core.held_at(now)}, expected.held_at(now)
    if held != why:
        found.append(f"held: core {sorted(held)}, reference {sorted(why)}")
    return found


def ledger(outcome: Outcome, now: int) -> defaultdict[tuple[str, str], float]:
    """Points by rule and event; those of the fit by dimension, since one may be told by several events."""
    lines: defaultdict[tuple[str, str], float] = defaultdict(float)
    for line in outcome.ledger_at(now):
        kind, _, name = line.rule.partition(":")
        if kind == "fit" and not name.startswith("cap:"):
            lines[f"fit:{DIMENSIONS.get(name, name)}", ""] += line.points
        else:
            lines[name if kind == "fit" else line.rule, line.event_id] += line.points
    return lines


@EACH
def test_the_core_agrees_with_the_reference_on_random_journeys(first: int) -> None:
    """Moves, handoffs with lane, deadline and queue, notices, points, every line of the ledger, what is held."""
    for seed in range(first, min(first + A_TEST, JOURNEYS)):
        assert not (found := compared(seed)), found
