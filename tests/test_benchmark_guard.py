"""The core has not become much slower, whatever machine this is."""

from typing import Final

from benchmarks import guard

AS_MEASURED: Final = 7.2
"""Loops that an event costs, by `python -m benchmarks.guard` on a quiet machine: to be lowered when the core gets
faster, and raised only on purpose."""
LOSS: Final = 0.4
"""What is let pass of the speed: the neighbours of a shared machine alone have cost a fifth."""


def test_an_event_costs_no_more_than_it_did() -> None:
    measured = guard.measure()
    assert measured.ratio < AS_MEASURED / (1 - LOSS), (
        f"an event costs {measured.ratio:.1f} loops, {AS_MEASURED} when it was last measured: the core has lost"
        f" more than {LOSS:.0%} of its speed"
    )
