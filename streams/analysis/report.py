"""The report of a pipeline: everything that its page shows, as numbers. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from streams.analysis.cohort import SOURCES_SHARE, Cohort, Conversion, Premature, cohorts, conversions, premature
from streams.analysis.comparison import Precision, compare
from streams.analysis.drift import Drift, drift
from streams.analysis.handover import Judged, Speed, Value, judged, rejections, speeds, values
from streams.analysis.leak import Account, Change, Leaks, accounts, changes, leaks
from streams.analysis.life import lives
from streams.analysis.revenue import Touch, Won, won
from streams.analysis.trial import Answer, Held
from streams.scoring.instant import milliseconds, rfc3339
from streams.scoring.model import Model
from streams.transition import Transition

MOST_ACCOUNTS: Final = 20


class Journal(NamedTuple):
    """What is known of a pipeline's time: what it told, what sales answered, how it stands. `out`: persons who are
    in no report; `delivered`: ids of the handoffs in sales' topic, None where only a file was read; `shadow`: what
    a second model would have told."""

    told: list[Transition]
    answers: list[Answer]
    held: list[Held]
    out: frozenset[str]
    delivered: frozenset[str] | None
    touches: Mapping[str, Touch]
    refused: Mapping[str, int]
    types: Mapping[str, int]
    duplicates: int
    first: int
    end: int
    shadow: list[Transition] | None = None


class Quality(NamedTuple):
    """What came in, what was refused and why, what came twice, and what the fit of MQLs and SQLs lacks."""

    events: int
    refused: dict[str, int]
    duplicates: int
    judged: int
    fit_unknown: dict[str, int]


class Beside(NamedTuple):
    """What a shadow model would have done since its first word (Unix ms); pairs are the live model and the shadow.
    `counts`: handoffs at the same instant, at another, `gained` and `lost`."""

    model: str
    since: int
    counts: dict[str, int]
    reached: dict[str, tuple[int, int]]
    precision: list[Precision]
    unknown: tuple[int, int]


class Report(NamedTuple):
    """All of it. `span` (ms): how long a lead has to get on before it is judged."""

    model: str
    first: int
    end: int
    span: int
    persons: int
    out: int
    cohorts: list[Cohort]
    conversions: list[Conversion]
    premature: Premature
    handoffs: int
    confirmed: int
    outcomes: dict[str, int]
    speeds: list[Speed]
    rejections: dict[str, dict[str, int]]
    lanes: list[Value]
    rules: list[Value]
    rule_words: dict[str, str]
    won: Won
    leaks: Leaks
    accounts: list[Account]
    quality: Quality
    changes: list[Change]
    drift: Drift
    shadow: Beside | None


def report(journal: Journal, model: Model, span: int) -> Report:
    """The report of a journal, as of its end, in the words and the time zone of the model in force."""
    people = lives(journal.told, journal.answers, journal.out)
    handed = judged(people, journal.end)
    zone, end = model.source.timezone, journal.end
    lanes, rules = values(handed)
    return Report(
        f"{model.source.name} {model.source.version}",
        journal.first,
        end,
        span,
        len(people),
        len(journal.out),
        cohorts(people, span, zone, end),
        conversions(people, span, end),
        premature(people, span, end),
        len(handed),
        sum("meeting" in life.first for life in people),
        dict(Counter(one.outcome.word for one in handed).most_common()),
        speeds(handed, model.follow_up),
        rejections(handed),
        lanes,
        rules,
        {rule.id: getattr(rule.reason, model.source.language) for rule in model.source.rules},
        won(journal.answers, journal.touches, model, journal.out),
        leaks(people, journal.held, model.source.stages.sql.enter, journal.delivered, end),
        accounts(people, end)[:MOST_ACCOUNTS],
        _quality(journal, handed),
        changes(journal.told, zone),
        drift(people, model, end),
        _shadow(journal, zone),
    )


def _shadow(journal: Journal, zone: str) -> Beside | None:
    """The shadow beside the live model, since the shadow's first word."""
    told = [one for one in journal.shadow or [] if one.lead_key not in journal.out]
    if not told:
        return None
    since = told[0].occurred_at
    live = [one for one in journal.told if one.lead_key not in journal.out and one.occurred_at >= since]
    found = compare(live, told, journal.answers, live, zone, journal.end)
    name = f"{told[-1].model_name} {told[-1].model_version}"
    return Beside(name, milliseconds(since), found.counts, found.reached, found.precision, found.unknown)


def _quality(journal: Journal, handed: list[Judged]) -> Quality:
    unknown: Counter[str] = Counter()
    for one in handed:
        unknown.update(filter(None, str(one.told.sales.get("fit_unknown") or "").split(", ")))
    events = sum(journal.types.values())
    return Quality(events, dict(journal.refused), journal.duplicates, len(handed), dict(unknown.most_common()))


def as_json(found: Report) -> dict[str, Any]:
    """Everything, for scripts; tuples by their names."""
    plain: dict[str, Any] = _plain(found)
    plain |= {"first": rfc3339(found.first), "end": rfc3339(found.end), "span_days": found.span / 86_400_000}
    del plain["span"]
    if found.shadow is not None:
        plain["shadow"]["since"] = rfc3339(found.shadow.since)
    plain["premature"]["sources_share"] = SOURCES_SHARE
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return round(value, 6) if isinstance(value, float) else value
