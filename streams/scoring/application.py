"""Applying one event to a lead's record: what it adds to the facts, and what that does to the stage history.

The facts (contributions, visits, attributes, feedback) are a function of the set of events, in whatever order
and however often they come; the stage history is folded from them.
"""

from enum import StrEnum
from typing import Final

from schemas.identity import address
from streams.scoring import memory, touch
from streams.scoring.answer import MOVING
from streams.scoring.attribute import CARRIERS, HEEDED, SAID, heed, learn, note, plain
from streams.scoring.consent import granted
from streams.scoring.event import Event
from streams.scoring.instant import NEVER, local_day, moment
from streams.scoring.lead import Contribution, Feedback, Lead, Mark, Origin, Position
from streams.scoring.model import DAYS, Model
from streams.scoring.rule import EVERY_PAGE, Matcher, Rule
from streams.scoring.stage import elapse, fold_in, settled, take
from streams.scoring.step import Step
from streams.scoring.visit import goes_on, page

MOST_FACTS: Final = 24
"""Occasions and answers of sales kept per lead, the newest."""
MOST_STALE: Final = 64
MOST_RETRACTED: Final = 200
MOST_EMAILS: Final = 8
LAST: Final = (2**63, "")
"""Later than every event."""

OCCASIONS: Final = frozenset({*CARRIERS, "identities_linked"})
"""Events that may lift a lead whatever they score: they tell who it is."""
RETRACTION: Final = "activity_retracted"
VIEW: Final = "page_viewed"
TELLING: Final = OCCASIONS | MOVING | HEEDED | {RETRACTION}


class Outcome(StrEnum):
    """What became of an event; the label of the metric."""

    SCORED = "scored"
    DUPLICATE = "duplicate"
    RETRACTED = "retracted"
    ERASED = "erased"
    FORWARDED = "forwarded"
    REJECTED = "rejected"
    NOBODY = "nobody"


def apply(lead: Lead, key: str, event: Event, arrival: int, via: str, model: Model) -> Outcome:
    """Apply an event of the lead `key` that arrived at `arrival`; `via`: the key by which it came.

    Unless the outcome is SCORED, nothing of the record has changed.
    """
    mark = memory.digest(event.event_id)
    if memory.has(lead.seen, mark):
        return Outcome.DUPLICATE
    at, event_id = event.at, event.event_id
    if lead.erased and at <= lead.erased:
        return Outcome.ERASED
    if lead.retracted and event_id in lead.retracted:
        return Outcome.RETRACTED
    memory.note(lead.seen, mark, arrival)
    if arrival > lead.arrival:
        lead.arrival = arrival
    if event.touch_channel is not None or event.utm_source is not None or event.type in touch.OF_TYPE:
        touch.note(lead, event)
    place = 0 if via == key else _via(lead, via)
    stale = arrival - at > model.max_age
    if stale:
        lead.stale = tuple(sorted({*lead.stale, (at, event_id)})[-MOST_STALE:])
    clock = lead.clock
    if at > clock or (at == clock and event_id >= lead.clock_id):
        elapse(lead, at, model)  # before new evidence pushes out what counted until now
        step = _add(lead, event, place, arrival, model)
        if step is not None:
            take(lead, key, step._replace(stale=True) if stale else step, model)
        lead.clock, lead.clock_id = at, event_id
    else:
        step = _add(lead, event, place, arrival, model)
        if step is not None and not settled(lead, step, model):
            fold_in(lead, key, step._replace(stale=True) if stale else step, model)
    return Outcome.SCORED


def _via(lead: Lead, key: str) -> int:
    """The place of an identity among those that a lead's events came by."""
    if key not in lead.via:
        lead.via = (*lead.via, key)
    return lead.via.index(key) + 1


def _add(lead: Lead, event: Event, via: int, arrival: int, model: Model) -> Step | None:
    """Put what an event says into the record; the step that the fold has to take for it, if any."""
    kind = event.type
    rules: tuple[Rule, ...] = ()
    if not event.is_machine:
        if kind == VIEW:
            rules = _view(lead, event, via, model)
        matchers = model.by_type.get(kind)
        if matchers is not None:
            rules += _count(lead, event, via, model, matchers)
        if kind in model.active:
            _note_day(lead, event, via, model)
    told = (event.email is not None or event.user_id is not None) and _know(lead, event)
    if kind in TELLING:
        return _tell(lead, event, rules, told, arrival, model)
    if rules or told:
        verdict = (told and model.judges) or (model.lowering and _lowers(rules))
        return Step(event.at, event.event_id, rules, False, None, verdict, False, arrival)
    return None


def _tell(lead: Lead, event: Event, rules: tuple[Rule, ...], told: bool, arrival: int, model: Model) -> Step:
    """The part of events that tell who the lead is or what sales did, or take another event back."""
    at, event_id, kind = event.at, event.event_id, event.type
    news = False
    if kind in CARRIERS:
        news = learn(lead, event)
        if event.consent_communication is not None:
            _agree(lead, event)
        if plain(event.phone) is not None:
            _note_known(lead, "phone", (at, event_id))
            if event.source_kind != "browser":
                _note_known(lead, "verified", (at, event_id))
    elif kind in HEEDED:
        news = heed(lead, event)
    if kind in OCCASIONS:
        lead.occasions = tuple(sorted({*lead.occasions, (at, event_id)})[-MOST_FACTS:])
    fact = _hear(lead, event, model) if kind in MOVING else None
    taken_back = kind == RETRACTION and _retract(lead, event)
    verdict = taken_back or _lowers(rules) or ((news or told) and model.judges)
    return Step(at, event_id, rules, kind in OCCASIONS, fact, verdict, False, arrival)


def _agree(lead: Lead, event: Event) -> None:
    """What the person agreed to hear from us; the newest word holds."""
    said = granted(event.consent_communication)
    if said is not None:
        note(lead, "consent_communication", event, SAID, said)


def _note_day(lead: Lead, event: Event, via: int, model: Model) -> None:
    """Note that the lead did something on this day: each day by its first act."""
    at = event.at
    day = str(local_day(at, model.source.timezone))
    origin = ORIGINS.get(event.source_kind, 0)
    act = Contribution(at, event.event_id, 0.0, _model_index(lead, model), day, origin, via)
    lead.evidence[DAYS] = first_acts([*lead.evidence.get(DAYS, ()), act])


def first_acts(acts: list[Contribution]) -> list[Contribution]:
    """Of each day the first few, of which some may turn out to be a machine's; the newest days."""
    kept: list[Contribution] = []
    days: dict[str | None, int] = {}
    for act in once(acts):
        days[act.distinct] = days.get(act.distinct, 0) + 1
        if days[act.distinct] <= ACTS_A_DAY:
            kept.append(act)
    return kept[-MOST_ACTS:]


ACTS_A_DAY: Final = 3
MOST_ACTS: Final = 3 * 32
"""Acts kept of the newest active days: of a month at least."""


def _lowers(rules: tuple[Rule, ...]) -> bool:
    return any(rule.lowers for rule in rules)


def _view(lead: Lead, event: Event, via: int, model: Model) -> tuple[Rule, ...]:
    """A page view: the visit rules whose evidence it changed."""
    groups = model.groups(event.url) if model.pages else EVERY_PAGE
    if lead.visits and goes_on(lead.visits[-1], event.at, event.session_id, groups):
        return ()
    mark = Mark(event.at, event.event_id, _model_index(lead, model), ORIGINS.get(event.source_kind, 0), via)
    changed = page(lead.visits, event.session_id, groups, mark, model.reach)
    if not changed:
        return ()
    return model.visit_rules_of(groups) if model.pages else model.visit_rules


def _count(lead: Lead, event: Event, via: int, model: Model, matchers: tuple[Matcher, ...]) -> tuple[Rule, ...]:
    """The event rules that count the event, which is now among their contributions."""
    counted: list[Rule] = []
    for matcher in matchers:
        if matcher.matches is None or matcher.matches(event):
            rule = matcher.rule
            origin = ORIGINS.get(event.source_kind, 0)
            contribution = Contribution(
                event.at,
                event.event_id,
                matcher.points,
                _model_index(lead, model),
                None if rule.distinct is None else _distinct(rule.distinct, event),
                int(origin | Origin.INTENT) if matcher.intent else origin,
                via,
            )
            before = lead.evidence.get(rule.id, ())
            lead.evidence[rule.id] = keep(rule, [*before, contribution], model)
            counted.append(rule)
    return tuple(counted)


def keep(rule: Rule, contributions: list[Contribution], model: Model) -> list[Contribution]:
    """Each contribution once, in order, as many as may still count somewhere within the lateness.

    What goes is decided by the rule's own newest contribution, so that the order of arrival does not matter.
    """
    if rule.prefer == "first":
        return once(contributions)[:SPARE]
    if len(contributions) > 1:
        if _position(contributions[-1]) <= _position(contributions[-2]):
            contributions = once(contributions)
        newest = contributions[-1].at
        oldest = newest - rule.keeps - rule.within - model.lateness
        if contributions[0].at <= oldest:
            contributions = [c for c in contributions if c.at > oldest]
        if rule.plain and rule.at_least == 1 and len(contributions) > rule.most + SPARE:
            settled = sum(c.at <= newest - model.lateness for c in contributions)
            contributions = contributions[max(settled - rule.most - SPARE, 0) :]
    return contributions[-MOST_CONTRIBUTIONS:]


SPARE: Final = 6
"""Contributions kept beyond a rule's `max`: they count again when newer ones turn out to be a machine's."""
MOST_CONTRIBUTIONS: Final = 64
"""Contributions kept of one rule, the newest, however many fall within its windows."""


def once(contributions: list[Contribution]) -> list[Contribution]:
    """In order, each event id once: a retry whose clock was corrected anew is the same event."""
    first: dict[str, Contribution] = {}
    for c in sorted(contributions, key=_position):
        first.setdefault(c.id, c)
    return list(first.values())


def _position(c: Contribution) -> tuple[int, str]:
    return c.at, c.id


def _distinct(by: str, event: Event) -> str | None:
    """What tells one contribution of a rule from another: the offer, the occasion's name, the kind of form."""
    if by == "form_type":
        return event.form_type
    if event.type == "event_attended":
        return event.name or event.event_id
    offer = event.offer_id or event.form_id
    return offer or (event.name if event.type in WEBINARS else None) or event.event_id


WEBINARS: Final = frozenset({"webinar_registered", "webinar_attended"})
"""Their name is the offer, unless they tell one: so that a form, the registration and the attendance are one."""


ORIGINS: Final[dict[str, int]] = {
    "browser": int(Origin.BROWSER),
    "import": int(Origin.IMPORT),
    "crm": int(Origin.CRM),
}
"""The bits of a contribution that tell how far its source is trusted; none for a server."""


def _model_index(lead: Lead, model: Model) -> int:
    """The place of the model among those that gave this lead points."""
    models = lead.models
    if models == model.alone:
        return 0
    if model.hash not in models:
        models = lead.models = (*models, model.hash) if models else model.alone
    return models.index(model.hash)


def _know(lead: Lead, event: Event) -> bool:
    """Note since when an address and a user id are known; whether that changed."""
    if event.at > lead.clock and _told_before(lead, event):
        return False
    position = (event.at, event.event_id)
    changed = False
    if event.email is not None:
        email = event.email if event.email in lead.emails else address(event.email) or ""
        if position < lead.emails.get(email, LAST):
            lead.emails[email] = position
            changed = True
            if len(lead.emails) > MOST_EMAILS:
                lead.emails = earliest(lead.emails)
        _note_known(lead, "email", position)
    if event.user_id is not None:
        changed = _note_known(lead, "user", position) or changed
    if event.source_kind != "browser":
        changed = _note_known(lead, "server", position) or changed
        if event.email is not None:
            changed = _note_known(lead, "verified", position) or changed
    return changed


def _told_before(lead: Lead, event: Event) -> bool:
    """Whether an event that is newer than all before it tells nothing new of who the lead is: the usual case."""
    known = lead.known
    return (
        (event.user_id is None or "user" in known)
        and (event.email is None or event.email in lead.emails)
        and (
            event.source_kind == "browser" or ("server" in known and (event.email is None or "verified" in known))
        )
    )


def earliest(emails: dict[str, Position]) -> dict[str, Position]:
    """The addresses known first, as many as are kept."""
    return dict(sorted(emails.items(), key=lambda item: (item[1], item[0]))[:MOST_EMAILS])


def _note_known(lead: Lead, name: str, position: Position) -> bool:
    before = lead.known.get(name)
    if before is None or position < before:
        lead.known[name] = position
        return True
    return False


def _hear(lead: Lead, event: Event, model: Model) -> Feedback:
    """What sales said, kept as a fact of the fold."""
    until = moment(event.not_before, model.source.timezone)
    said = Feedback(event.at, event.event_id, event.type, event.handoff_id, event.reason, until)
    lead.feedback = tuple(sorted({*lead.feedback, said}, key=lambda f: (f.at, f.id))[-MOST_FACTS:])
    return said


def _retract(lead: Lead, event: Event) -> bool:
    """Take an event back from the retraction's instant on; an event not seen yet will never count."""
    target = event.retracts or ""
    counted = any(c.id == target for contributions in lead.evidence.values() for c in contributions)
    counted = counted or any(m.id == target for visit in lead.visits for m in visit.marks.values())
    at = (event.at, event.event_id) if counted or memory.has(lead.seen, memory.digest(target)) else (NEVER, "")
    before = lead.retracted.get(target)
    if before is None or at < before:
        lead.retracted[target] = at
    if len(lead.retracted) > MOST_RETRACTED:
        del lead.retracted[min(lead.retracted, key=lambda name: lead.retracted[name])]
    return counted
