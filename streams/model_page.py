"""A scoring model in words: a page that the heads of marketing and of sales can read and sign."""

from typing import Final

from schemas.model import ScoringModel
from schemas.rule import EventPattern, Rule, VisitPattern
from streams.scoring.instant import span
from streams.scoring.model import Model

EVENTS: Final = {
    "content_downloaded": "downloads content",
    "custom": "does something of your own",
    "email_clicked": "clicks in a mail",
    "email_complained": "complains about a mail as spam",
    "email_opened": "opens a mail",
    "email_subscribed": "subscribes",
    "email_unsubscribed": "unsubscribes",
    "event_attended": "comes to an event",
    "form_submitted": "sends a form",
    "link_clicked": "clicks a link",
    "sales_contacted": "is in contact with a salesperson",
    "social_engaged": "engages on a social network",
    "webinar_attended": "attends a webinar",
    "webinar_registered": "registers for a webinar",
}
MODES: Final = {
    "live": "Each handoff goes to sales at once.",
    "shadow": "Handoffs are recorded and not sent: shadow mode.",
    "off": "Nothing is handed to sales.",
}
UNITS: Final = {"d": "day", "h": "hour", "m": "minute", "s": "second"}


def page(model: Model) -> str:
    """The model as Markdown."""
    source = model.source
    sections = [_head(source), _points(source), _caps(source), _pages(source), _stages(source), _sales(source)]
    sections += [_not_scored(source), _signatures(model)]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _head(source: ScoringModel) -> list[str]:
    return [
        f"# Scoring model {source.name}, version {source.version}",
        "",
        "A lead's score is the sum of the points below that count at the moment.",
    ]


def _points(source: ScoringModel) -> list[str]:
    rows = [
        f"| {_signed(rule)} | {_cell(rule.reason.model_dump()[source.language])} | {_cell(_when(rule))} "
        f"| {_often(rule)} | {_life(rule)} | {rule.id} |"
        for rule in source.rules
    ]
    return [
        "## Points",
        "",
        "| points | for | when a lead | how often | how long | rule |",
        "|---:|---|---|---|---|---|",
        *rows,
    ]


def _signed(rule: Rule) -> str:
    given = {rule.points if p.points is None else p.points for p in rule.when if isinstance(p, EventPattern)}
    numbers = sorted(given or {rule.points}, reverse=True)
    return " or ".join(f"{number:+g}" for number in numbers)


def _when(rule: Rule) -> str:
    return "; or ".join(dict.fromkeys(map(_pattern, rule.when)))


def _pattern(pattern: EventPattern | VisitPattern) -> str:
    if isinstance(pattern, VisitPattern):
        return f"visits {' or '.join(pattern.visit)} pages" if pattern.visit else "visits the website"
    does = EVENTS.get(pattern.type, pattern.type)
    where = [f"{name} is {_values(value)}" for name, value in pattern.where.items()]
    return f"{does} ({', '.join(where)})" if where else does


def _values(value: object) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)


def _often(rule: Rule) -> str:
    if rule.at_least is not None and rule.within is not None:
        return f"once, for {rule.at_least} or more within {duration(rule.within)}"
    distinct = {"offer": "each offer once", "name": "each name once"}.get(rule.distinct or "", "")
    newest = "" if rule.max is None else "the newest one" if rule.max == 1 else f"the newest {rule.max}"
    return ", ".join(part for part in (distinct, newest) if part) or "every time"


def _life(rule: Rule) -> str:
    fades = f", halved every {duration(rule.half_life)}" if rule.half_life else ""
    lifts = ", lifts to MQL only" if rule.lifts_to == "mql" else ""
    return f"{duration(rule.keeps)}{fades}{lifts}"


def _caps(source: ScoringModel) -> list[str]:
    if not source.groups:
        return []
    lines = []
    for name, group in source.groups.items():
        members = ", ".join(rule.id for rule in source.rules if rule.group == name) or "no rule"
        lines.append(f"- {name}: at most {group.cap:g} points together ({members})")
    return ["## Limits", "", *lines]


def _pages(source: ScoringModel) -> list[str]:
    if not source.pages:
        return []
    return [
        "## Pages",
        "",
        *(
            f"- {page.name}: {', '.join(page.paths)}" + ("" if page.counts else " (does not make a visit count)")
            for page in source.pages
        ),
    ]


def _stages(source: ScoringModel) -> list[str]:
    mql, sql = source.stages.mql, source.stages.sql
    contact = ", if an email address or a phone number is known" if sql.contact else ""
    return [
        "## Stages",
        "",
        "- **Visitor** until an email address, a phone number or a user id is known; then **lead**.",
        f"- **MQL** (marketing-qualified) from {mql.enter:g} points; lead again below {mql.leave:g}.",
        f"- **SQL** (sales-qualified) from {sql.enter:g} points{contact}. Only what sales answers moves it on.",
        "- A lead moves up only when it does something that counts, never because time passes.",
    ]


def _sales(source: ScoringModel) -> list[str]:
    handoff, cool_down = source.handoff, source.recycling.cool_down
    lines = [f"- A lead is handed to sales when it becomes {handoff.stage.upper()}, once. {MODES[handoff.mode]}"]
    if handoff.max_age is not None:
        lines.append(f"- What arrives more than {duration(handoff.max_age)} after it happened is held, not sent.")
    lines.append("- Only what the lead does after sales gave it back counts towards the next handoff.")
    if cool_down:
        lines.append(f"- A lead that sales gave back rests for {duration(cool_down)}.")
    return ["## Sales", "", *lines]


def _not_scored(source: ScoringModel) -> list[str]:
    counted = {p.type for rule in source.rules for p in rule.when if isinstance(p, EventPattern)}
    others = [words for kind, words in EVENTS.items() if kind not in counted and kind != "custom"]
    lines = ["- What machines do: bots, link scanners, mail proxies."]
    if not any(isinstance(p, VisitPattern) for rule in source.rules for p in rule.when):
        others.insert(0, "visits the website")
    if others:
        lines.append(f"- That a lead {', '.join(others[:-1])}{' or ' if len(others) > 1 else ''}{others[-1]}.")
    if not any(rule.half_life for rule in source.rules):
        lines.append("- Age: points count whole until they end.")
    lines.append("- Who the lead is: title, company and the like give no points.")
    return ["## Not in the score", "", *lines]


def _signatures(model: Model) -> list[str]:
    source = model.source
    agreed = ", ".join(source.agreed_by) or "nobody yet"
    return [
        "## Agreement",
        "",
        f"Agreed by {agreed}{f' on {source.agreed_on}' if source.agreed_on else ''}."
        + (f" To be looked at again on {source.review_on}." if source.review_on else ""),
        "",
        f"Days are those of {source.timezone}; reasons are given in {source.language}. Events that come up to "
        f"{duration(source.lateness)} late are put in their place.",
        "",
        f"Identity of exactly this content: {model.hash}",
    ]


def duration(ms: int) -> str:
    """A span in words: `30 days`."""
    short = span(ms) if ms else "0s"
    unit = UNITS.get(short[-1])
    if unit is None or short.endswith("ms"):
        return short
    return f"{short[:-1]} {unit}{'s' * (short[:-1] != '1')}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
