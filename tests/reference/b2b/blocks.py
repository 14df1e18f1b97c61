"""What stands against a lead, whatever its points.

Readings:
- Relationships: the newest `relationship_set` of the lead holds, whether by address or by domain.
- A competitor's, our own, or an academic domain: `company_domain` or that of the address.
- Unsubscribed holds until an `email_subscribed`, also after N1's 90 days; complained holds for ever.
- One hard bounce makes the address bounced for ever; a phone makes up for it.
- Erasure is left out here.
- Own behaviour: a contribution above zero, alive now, not from an import; or any request of the last 14 days,
  an imported one too.
- A student is one by title; `.edu` and `.ac.jp` are by the ending of the domain. Education is no target
  industry.
"""

from tests.reference.b2b.attributes import domains, email, mail_domain, private, refuses_processing, text
from tests.reference.b2b.facts import Fact, Past, once
from tests.reference.b2b.fit import level, outside_area
from tests.reference.b2b.lists import COMPETITORS, DISPOSABLE_MAIL, OWN
from tests.reference.b2b.rules import positive, requests, unsubscription

BARRING = ("customer", "open_opportunity", "partner")
FORBIDDING = ("competitor", "do_not_contact")


def relationship(past: Past) -> str:
    said = [fact.text("relationship") for fact in past.told if fact.type == "relationship_set"]
    return said[-1] if said else "none"


@once
def hard(past: Past) -> str | None:
    """The code of the hard block that stands, if any."""
    if relationship(past) in FORBIDDING:
        return relationship(past)
    if domains(past) & COMPETITORS:
        return "competitor"
    if domains(past) & OWN:
        return "own"
    if refuses_processing(past):
        return "consent_processing"
    return "disposable_mail" if mail_domain(past) in DISPOSABLE_MAIL else None


def existing(past: Past) -> str | None:
    """The relationship that bars a new lead's handoff, if any."""
    return relationship(past) if relationship(past) in BARRING else None


def reachable(past: Past) -> bool:
    bounced = any(f.type == "email_bounced" and f.text("bounce_type") == "hard" for f in past.standing)
    return bool(text(past, "phone")) or (bool(email(past)) and not bounced)


def complaint(past: Past) -> Fact | None:
    complaints = [fact for fact in past.human if fact.type == "email_complained"]
    return complaints[-1] if complaints else None


def no_mail_since(past: Past) -> Fact | None:
    """The newest unsubscription or complaint that stands."""
    facts = [fact for fact in (unsubscription(past), complaint(past)) if fact]
    return max(facts, key=lambda fact: fact.position, default=None)


def academic(past: Past) -> bool:
    return any(domain.endswith((".ac.jp", ".edu")) for domain in domains(past))


def against_every_lane(past: Past) -> set[str]:
    """Codes of the soft blocks that no request overcomes."""
    codes = {
        "no_contact": not reachable(past),
        "student": level(past) == "student_intern",
        "academic": academic(past),
        "outside_area": outside_area(past),
        f"existing_{existing(past)}": existing(past) is not None,
    }
    return {code for code, stands in codes.items() if stands}


def against_the_score_lane(past: Past) -> set[str]:
    """Codes of the soft blocks that an own request overcomes."""
    own = bool(requests(past)) or any(one.fact.kind != "import" for one in positive(past))
    codes = {
        "unsubscribed": unsubscription(past) is not None,
        "complained": complaint(past) is not None,
        "private_mail": private(past),
        "imported_only": not own,
    }
    return {code for code, stands in codes.items() if stands}
