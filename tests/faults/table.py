"""Prints what runs came to."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.faults.schedule import Outcome


def rows(outcome: Outcome) -> list[str]:
    """One run: a line per fault, then the totals of the run."""
    counts = outcome.counts
    out = [f"## {outcome.schedule} (seed {outcome.seed}, {outcome.took_s:.0f} s)"]
    out.append(f"{'fault':34} {'times':>5}  recovery: median, longest")
    for fault, times in sorted(outcome.injected.items()):
        known = sorted(found for found in outcome.recovery[fault] if found is not None)
        text = f"{known[len(known) // 2]:.1f} s, {known[-1]:.1f} s" if known else "-"
        if len(known) < times:
            text += f" ({times - len(known)} covered by a later fault)"
        out.append(f"{fault:34} {times:5}  {text}")
    calm = "never" if outcome.quiet is None else f"{outcome.quiet:.0f} s"
    out.append(
        f"events {counts.events:,}  lost {counts.lost}  applied twice {counts.twice}  "
        f"handoffs {counts.handoffs:,}  handoffs lost {counts.handoffs_lost}  "
        f"handoffs twice {counts.handoffs_twice}  dead letters {counts.dead_letters:,}  lag 0 after {calm}  "
        f"worker kills {outcome.worker_kills}  broker kills {outcome.broker_kills}  "
        f"memory {outcome.most_memory >> 20} MB"
    )
    if outcome.answers:
        out.append(f"collector answers {dict(sorted(outcome.answers.items()))}")
    out += [f"VIOLATION {violation}" for violation in outcome.violations] or ["I1 to I7 hold"]
    return out


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """A Markdown table, a line per run, and one of their sums; then how often each fault was injected."""
    out = [
        "| schedule | seed | faults | worker kills | broker kills | events | lost | applied twice | handoffs "
        "| handoffs lost | handoffs twice | dead letters | longest recovery | |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    total: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        figures = _figures(outcome)
        found = [each for times in outcome.recovery.values() for each in times if each is not None]
        words = "; ".join(sorted({violation.invariant for violation in outcome.violations})) or "holds"
        longest = f"{max(found):.1f} s" if found else "-"
        out.append(_row(outcome.schedule, outcome.seed, figures, longest, words))
        total.update(figures)
        faults.update(outcome.injected)
    out.append(_row("all", "", total, "", ""))
    return [*out, "", ", ".join(f"{fault} x {times}" for fault, times in sorted(faults.items()))]


def _figures(outcome: Outcome) -> dict[str, int]:
    counts = outcome.counts
    return {
        "faults": sum(outcome.injected.values()),
        "worker kills": outcome.worker_kills,
        "broker kills": outcome.broker_kills,
        "events": counts.events,
        "lost": counts.lost,
        "twice": counts.twice,
        "handoffs": counts.handoffs,
        "handoffs lost": counts.handoffs_lost,
        "handoffs twice": counts.handoffs_twice,
        "dead letters": counts.dead_letters,
    }


def _row(name: str, seed: int | str, figures: Mapping[str, int], longest: str, words: str) -> str:
    cells = [name, str(seed), *(f"{figure:,}" for figure in figures.values()), longest, words]
    return "| " + " | ".join(cells) + " |"
