"""What a lead did and what became of it, as one list: web, mail, forms, events, sales, and each move of its stage.

Pure: all of it stands in the lead's record, which keeps what can still count.
"""

from typing import Any, Final, NamedTuple

import msgspec

from streams.explanation import Explanation
from streams.scoring.instant import milliseconds, rfc3339
from streams.scoring.lead import Lead
from streams.scoring.model import DAYS, Model
from streams.scoring.visit import ANY
from streams.words import answer, happened, request

WEB, MAIL, FORM, EVENT, SALES, PERSON, STAGE, HANDOFF = (
    *("web", "mail", "form", "event", "sales", "person", "stage", "handoff"),
)
CHANNELS: Final = {
    "page": WEB,
    "content": WEB,
    "link": WEB,
    "custom": WEB,
    "email": MAIL,
    "newsletter": MAIL,
    "form": FORM,
    "sales": SALES,
}
"""By the first word of an event's type; everything else is an event of some kind."""
RANK: Final = {STAGE: 1, HANDOFF: 2}
"""Of one instant: what happened, then the moves that it made, then who was told."""
MOST: Final = 300


class Entry(msgspec.Struct, frozen=True):
    """One line. `at` and `until` in RFC 3339; `points` as given; `detail`: page groups, a person's reason."""

    at: str
    channel: str
    words: str
    event_id: str | None = None
    points: float | None = None
    rule: str | None = None
    until: str | None = None
    detail: str | None = None
    stage: str | None = None


class _Sign(NamedTuple):
    at: int
    entry: Entry


def timeline(lead: Lead, model: Model, told: Explanation) -> list[Entry]:
    """The newest first; at most MOST lines."""
    language = model.source.language
    signs = [*_visits(lead, language), *_evidence(lead, model, language), *_answers(lead, language)]
    signs += [_sign(merged.at, PERSON, happened("merge", language), merged.id) for merged in lead.merged]
    signs += _known(lead, language)
    signs += [
        _Sign(milliseconds(s.at), Entry(s.at, STAGE, s.words, None, detail=s.from_stage, stage=s.to_stage))
        for s in told.history
    ]
    signs += [_Sign(milliseconds(n.at), Entry(n.at, HANDOFF, n.kind, detail=n.respond_by)) for n in told.notes]
    signs += [
        _Sign(milliseconds(h.at), Entry(h.at, HANDOFF, "handed_over", None, rule=h.lane, detail=h.id))
        for h in told.handoffs
    ]
    places = {id(sign): place for place, sign in enumerate(signs)}
    signs.sort(key=lambda sign: (sign.at, RANK.get(sign.entry.channel, 0), places[id(sign)]), reverse=True)
    return [sign.entry for sign in signs][:MOST]


def _sign(at: int, channel: str, words: str, event_id: str | None = None, **more: Any) -> _Sign:
    return _Sign(at, Entry(rfc3339(at), channel, words, event_id, **more))


def _visits(lead: Lead, language: str) -> list[_Sign]:
    return [
        _sign(
            visit.start,
            WEB,
            happened("visit", language),
            visit.marks[ANY].id if ANY in visit.marks else None,
            until=rfc3339(visit.end) if visit.end > visit.start else None,
            detail=", ".join(name for name in visit.marks if name != ANY) or None,
        )
        for visit in lead.visits
    ]


def _evidence(lead: Lead, model: Model, language: str) -> list[_Sign]:
    channels = {
        matcher.rule.id: CHANNELS.get(kind.partition("_")[0], EVENT)
        for kind, found in model.by_type.items()
        for matcher in found
    }
    signs: list[_Sign] = []
    for name, contributions in lead.evidence.items():
        rule = model.by_id.get(name)
        if rule is None or name == DAYS:
            continue
        for c in contributions:
            asked = request(c.distinct, language) if rule.request else None
            words = asked or rule.words[language]
            detail = None if asked or rule.request else c.distinct
            signs.append(
                _sign(c.at, channels.get(name, EVENT), words, c.id, points=c.points, rule=name, detail=detail)
            )
    return signs


def _answers(lead: Lead, language: str) -> list[_Sign]:
    return [_sign(s.at, SALES, answer(s.kind, s.reason, language), s.id, detail=s.handoff) for s in lead.feedback]


def _known(lead: Lead, language: str) -> list[_Sign]:
    return [
        _sign(at, PERSON, happened(name, language), event_id)
        for name, (at, event_id) in lead.known.items()
        if name in ("email", "phone", "user")
    ]
