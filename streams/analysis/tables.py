"""The report as titled tables of text: what the terminal and the page both show."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from streams.analysis.cohort import SOURCES_SHARE
from streams.analysis.handover import Value
from streams.analysis.interval import FEWEST, Share
from streams.analysis.life import CHAIN
from streams.analysis.report import Beside, Report
from streams.scoring.instant import DAY, rfc3339

NOTHING: Final = "-"
STEPS: Final = {**{step: step for step in CHAIN}, "mql": "MQL", "sql": "SQL"}


class Grid(NamedTuple):
    """A table: the first column names the row, the others are figures."""

    titles: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


class Section(NamedTuple):
    """A part of the report."""

    title: str
    note: str
    grids: list[Grid]


def sections(found: Report) -> list[Section]:
    """Everything, in the order in which it is read on a Monday."""
    return [
        _summary(found),
        _cohorts(found),
        _conversions(found),
        _premature(found),
        _speeds(found),
        _rejections(found),
        _values(
            "Lanes",
            "Handoffs by what met the criteria, and those of them that came to a meeting.",
            found.lanes,
            found,
        ),
        _values(
            "Rules", "Handoffs at which a rule counted; a handoff stands at each of its rules.", found.rules, found
        ),
        _won(found),
        _leaks(found),
        _quality(found),
        _changes(found),
        _drift(found),
        *([] if found.shadow is None else [_shadow(found.shadow)]),
    ]


def named(name: str, found: Report) -> str:
    """A rule with what it says to sales; anything else as it is."""
    return f"{name}: {found.rule_words[name]}" if name in found.rule_words else name


def share(found: Share) -> str:
    """A share in words: with few cases only the count."""
    if found.share is None or found.low is None or found.high is None:
        return f"{found.good:,} of {found.of:,}"
    return f"{found.share:.1%} ({found.low:.0%}-{found.high:.0%}) of {found.of:,}"


def _summary(found: Report) -> Section:
    days = (found.end - found.first) / DAY
    rows = [
        ("people who became leads", f"{found.persons:,}"),
        ("handed to sales", f"{found.handoffs:,}"),
        ("sales-confirmed: a meeting was booked", f"{found.confirmed:,}"),
        ("deals won", f"{found.won.deals:,}"),
        ("promoted too early, of matured MQLs", share(found.premature.share)),
        ("own, test and competitor records, left out", f"{found.out:,}"),
    ]
    note = (
        f"{rfc3339(found.first)[:10]} to {rfc3339(found.end)[:10]} ({days:,.0f} days), model {found.model}. "
        f"A lead is judged {found.span // DAY} days after; under {FEWEST} cases only counts are shown."
    )
    return Section("Summary", note, [Grid(("", "number"), rows)])


def _cohorts(found: Report) -> Section:
    titles = ("week of", *(STEPS[step] for step in CHAIN), "")
    rows = [
        (one.week, *(f"{one.reached[step]:,}" for step in CHAIN), "" if one.matured else "too young")
        for one in found.cohorts
    ]
    note = f"People by the week in which they became leads, and how far they came within {found.span // DAY} days."
    return Section("Cohorts", note, [Grid(titles, rows)])


def _conversions(found: Report) -> Section:
    rows = [(f"{STEPS[one.step]} to {STEPS[one.to]}", share(one.share)) for one in found.conversions]
    note = (
        f"Of those who reached a step at least {found.span // DAY} days ago, who took the next within that time."
    )
    return Section("Conversion", note, [Grid(("step", "share (95 % interval)"), rows)])


def _premature(found: Report) -> Section:
    one = found.premature
    rows = [
        ("never sales-qualified", f"{one.never_sql:,}"),
        ("given back by sales", f"{one.rejected:,}"),
        ("not worked by sales", f"{one.unworked:,}"),
        ("together", share(one.share)),
    ]
    rules = [(named(rule, found), share(early)) for rule, early in one.rules.items()]
    note = f"MQLs that came to nothing; the articles that this follows speak of {SOURCES_SHARE:.0%}."
    return Section(
        "Promoted too early", note, [Grid(("", "MQLs"), rows), Grid(("lifted to MQL by", "too early"), rules)]
    )


def _speeds(found: Report) -> Section:
    rows = [
        (s.queue, f"{s.handoffs:,}", f"{s.contacted:,}", _hours(s.median), _hours(s.p90), share(s.in_time))
        for s in found.speeds
    ]
    titles = ("queue", "handoffs", "contacted", "median", "p90", "in time")
    return Section("Speed", "Business hours of the queue from arrival to the first contact.", [Grid(titles, rows)])


def _hours(hours: float | None) -> str:
    return NOTHING if hours is None else f"{hours:,.1f} h"


def _rejections(found: Report) -> Section:
    grids = [Grid((f"by {name}", "given back"), _counts(counts)) for name, counts in found.rejections.items()]
    return Section("Given back by sales", "", grids)


def _counts(counts: Mapping[str, int]) -> list[tuple[str, ...]]:
    return [(name.replace("_", " "), f"{number:,}") for name, number in counts.items()]


def _values(title: str, note: str, values: Iterable[Value], found: Report) -> Section:
    rows = [(named(one.name, found), f"{one.handoffs:,}", share(one.meetings)) for one in values]
    return Section(title, note, [Grid(("", "handoffs", "came to a meeting (known)"), rows)])


def _won(found: Report) -> Section:
    one = found.won
    grids = [
        Grid(
            (f"by {name} touch", one.currency),
            [(channel, f"{amount:,.0f}") for channel, amount in amounts.items()],
        )
        for name, amounts in (("first", one.first), ("last", one.last))
    ]
    note = f"{one.deals:,} deals, {one.amount:,.0f} {one.currency}; {one.unpriced:,} without a known amount."
    return Section("Won", note, grids)


def _leaks(found: Report) -> Section:
    one = found.leaks
    sent = NOTHING if one.undelivered is None else f"{one.undelivered:,}"
    rows = [
        ("high score and held", f"{one.high:,}"),
        ("raised hands", f"{one.hands:,}"),
        ("raised hands past their deadline, unanswered", f"{one.unanswered:,}"),
        ("handoffs not delivered", sent),
    ]
    people = [(account.account, f"{account.people:,}", f"{account.handed:,}") for account in found.accounts]
    grids = [
        Grid(("", "number"), rows),
        Grid(("high score, held by", "leads"), _counts(one.held)),
        Grid(("account with several active people", "people", "handed over"), people),
    ]
    return Section("Leaks", "", grids)


def _quality(found: Report) -> Section:
    one = found.quality
    rows = [("events", f"{one.events:,}"), ("sent twice", f"{one.duplicates:,}")]
    grids = [
        Grid(("", "number"), rows),
        Grid(("refused", "events"), _counts(one.refused)),
        Grid((f"unknown at handoff, of {one.judged:,}", "handoffs"), _counts(one.fit_unknown)),
    ]
    return Section("The data", "", grids)


def _changes(found: Report) -> Section:
    rows = [(one.week, f"{one.name} {one.version}", one.id) for one in found.changes]
    return Section(
        "Models", "By the week in which a model first moved a lead.", [Grid(("week of", "model", "id"), rows)]
    )


def _drift(found: Report) -> Section:
    one = found.drift
    alarms = [(named(alarm.about, found), alarm.words) for alarm in one.alarms]
    grids = [Grid(("look at", "why"), alarms)]
    for title, shifts in (
        ("score at the change", one.scores),
        ("to stage", one.stages),
        ("rule", one.rules),
    ):
        rows = [(named(shift.name, found), share(shift.now), share(shift.before)) for shift in shifts]
        grids.append(Grid((title, "this week", "four weeks before"), rows))
    note = "Changes of stage in the last seven days against the four weeks before; a rule counts where it is new."
    if one.models > 1:
        note += " The model changed meanwhile."
    return Section("Drift", note, grids)


def _shadow(one: Beside) -> Section:
    words = {"same": "at the same instant", "moved": "at another time", "gained": "only by the shadow",
             "lost": "only by the live model"}  # fmt: skip
    handed = [(words[kind], f"{number:,}") for kind, number in one.counts.items()]
    stages = [(STEPS[stage], f"{live:,}", f"{shadow:,}") for stage, (live, shadow) in one.reached.items()]
    known = [(f"came to {p.level}", share(p.a), share(p.b)) for p in one.precision]
    grids = [
        Grid(("handed over", "handoffs"), handed),
        Grid(("people who became", "live", "shadow"), stages),
        Grid(("of handoffs with a known outcome", "live", "shadow"), known),
    ]
    note = f"What {one.model} would have done since {rfc3339(one.since)[:10]}; sales heard nothing of it."
    return Section("Shadow model", note, grids)
