"""The scoring job for peers in Python: one lead's state as a plain dictionary, one event applied to it.

The rules of deploy/models/published.yaml by hand: 3 visits within 30 days 10 points, the newest whitepaper 20, the
newest contact with sales 30, each of the newest two opened mails 5; everything counts for 30 days. A lead is
handed over once, when it has 40 points and a phone number. Ids of events are remembered for a day.

Imports the standard library only: each peer's environment loads this file as it is.
"""

from datetime import datetime
from hashlib import blake2b
from typing import Any

MINUTE = 60_000
HOUR = 60 * MINUTE
WINDOW = 30 * 24 * HOUR
SESSION = 30 * MINUTE
SPELL = 6 * HOUR
SPELLS = 4
DIGITS = 16
MOST_IDS = 256
"""Ids of one lead at most: the busiest lead of a Zipf spread would otherwise carry tens of thousands."""
ENOUGH = 40


def milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def score_event(lead: dict[str, Any], key: str, event: dict[str, Any]) -> dict[str, Any] | None:
    """Apply one event to a lead's state; the handoff if this event makes one."""
    if _seen(lead, event["event_id"], milliseconds(event["received_at"])):
        return None
    at = milliseconds(event["occurred_at"])
    clock = lead["clock"] = max(lead.get("clock", 0), at)
    _learn(lead, event)
    if not event.get("is_machine"):
        _count(lead, event, at)
    lead["score"] = score = _score(lead, clock - WINDOW)
    if score < ENOUGH or "phone" not in lead or lead.get("handed_over"):
        return None
    lead["handed_over"] = True
    handoff = {"lead_key": key, "score": score, "time": event["occurred_at"]}
    return handoff | {"phone": lead["phone"], "company": lead.get("company")}


def _seen(lead: dict[str, Any], event_id: str, arrival: int) -> bool:
    """Whether the lead had this event within the last day; remembers it otherwise."""
    digest = blake2b(event_id.encode(), digest_size=DIGITS // 2).hexdigest()
    spells: dict[str, str] = lead.setdefault("seen", {})
    for ids in spells.values():
        place = ids.find(digest)
        while place >= 0 and place % DIGITS:
            place = ids.find(digest, place + 1)
        if place >= 0:
            return True
    spell = str(arrival // SPELL)
    if spell not in spells:
        for old in [other for other in spells if int(other) < int(spell) - SPELLS]:
            del spells[old]
    spells[spell] = spells.get(spell, "") + digest
    if sum(map(len, spells.values())) > MOST_IDS * DIGITS:
        oldest = min(spells, key=int)
        spells[oldest] = spells[oldest][DIGITS:]
        if not spells[oldest]:
            del spells[oldest]
    return False


def _learn(lead: dict[str, Any], event: dict[str, Any]) -> None:
    if event["type"] == "form_submitted":
        for name in ("phone", "company"):
            if event.get(name):
                lead[name] = event[name]


def _count(lead: dict[str, Any], event: dict[str, Any], at: int) -> None:
    """What the event adds to the evidence: the instants that may still count."""
    kind = event["type"]
    if kind == "page_viewed":
        _visit(lead, at)
    elif kind == "email_opened":
        lead["opens"] = sorted([*lead.get("opens", ()), at])[-2:]
    elif kind == "sales_contacted":
        lead["contact"] = max(lead.get("contact", 0), at)
    elif (kind == "form_submitted" and event.get("form_type") == "whitepaper") or (
        kind == "content_downloaded" and event.get("offer_type") == "whitepaper"
    ):
        lead["whitepaper"] = max(lead.get("whitepaper", 0), at)


def _visit(lead: dict[str, Any], at: int) -> None:
    """Pages less than 30 minutes apart are one visit; three begun within 30 days count from the third on."""
    starts = lead.setdefault("visits", [])
    end = lead.get("visit_end", 0)
    lead["visit_end"] = max(end, at)
    if starts and at - end < SESSION:
        return
    starts.append(at)
    del starts[:-3]
    if len(starts) == 3 and at - starts[0] < WINDOW:
        lead["frequent"] = at


def _score(lead: dict[str, Any], low: int) -> float:
    """The points of what is younger than 30 days."""
    points = 0.0
    if lead.get("frequent", 0) > low:
        points += 10
    if lead.get("whitepaper", 0) > low:
        points += 20
    if lead.get("contact", 0) > low:
        points += 30
    for at in lead.get("opens", ()):
        if at > low:
            points += 5
    return points
