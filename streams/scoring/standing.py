"""Where a lead stands against the model's conditions at one point of its history: contact, requests, blocks.

Everything is computed when it is asked for, once; nothing is kept.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Final

from schemas.stage import Block, Effect
from streams.fit.fit import Fit
from streams.fit.mail import Mail, company_domain, read_mail, registered
from streams.fit.seniority import Seniority
from streams.scoring.attribute import OF_EMPLOYER, START, Value, employed_since, of_company, version_at
from streams.scoring.instant import local_day
from streams.scoring.lead import Contribution, Lead, Move, Origin, Position, Stage, Version
from streams.scoring.model import DAYS, Model
from streams.scoring.score import alive, behaviour, counting, fit_at
from streams.scoring.visit import ANY

REACHABLE: Final = ("email", "phone")
IDENTIFYING: Final = (*REACHABLE, "user")


class Standing:
    """A lead at (at, upto), with the checkpoint of its stage history that holds there."""

    def __init__(self, lead: Lead, model: Model, at: int, upto: str, state: Move, key: str = "") -> None:
        self.lead = lead
        self.key = key
        self.model = model
        self.at = at
        self.upto = upto
        self.state = state
        self._held: dict[Block, bool] = {}

    def knows(self, names: tuple[str, ...]) -> bool:
        """Whether one of these is known by now."""
        known = self.lead.known
        return any(known[name] <= (self.at, self.upto) for name in names if name in known)

    def value(self, name: str) -> Value | None:
        """What an attribute is by now."""
        since = self.employed_since if name in OF_EMPLOYER else START
        version = version_at(self.lead, name, self.at, self.upto, since)
        return None if version is None else version.value

    @cached_property
    def employed_since(self) -> Position:
        return employed_since(self.lead, self.at, self.upto)

    # --- points

    @cached_property
    def behaviour(self) -> float:
        return behaviour(self.lead, self.model, self.at, self.upto, self.state)

    @cached_property
    def fit(self) -> Fit | None:
        return fit_at(self.lead, self.model, self.at, self.upto)

    @property
    def total(self) -> float:
        return self.behaviour + (0.0 if self.fit is None else self.fit.points)

    # --- what it asks for and shows

    @cached_property
    def requests(self) -> list[Contribution]:
        """The requests that may still open a lane, the newest first."""
        asked = self.model.source.requests
        since = max(self.at - asked.within, self.state.spent) if asked else self.at
        return [c for c in self._alive_requests if c.at > since]

    @cached_property
    def _alive_requests(self) -> list[Contribution]:
        found = [
            c for r in self.model.request_rules for c in alive(r, self.lead, self.at, self.upto, self.state.floor)
        ]
        return sorted(found, key=lambda c: (c.at, c.id), reverse=True)

    def asked_within(self, span: int) -> bool:
        """Whether there is a request younger than this."""
        return any(c.at > self.at - span for c in self._alive_requests)

    @cached_property
    def intent(self) -> bool:
        """Whether something that shows intent is alive and has not handed over yet."""
        return any(
            c.origin & Origin.INTENT and c.at > self.state.spent
            for rule in self.model.intent_rules
            for c in alive(rule, self.lead, self.at, self.upto, self.state.floor)
        )

    @cached_property
    def active_days(self) -> int:
        """The days on which the lead did something, as far as the model asks for them."""
        asked = self.model.source.stages.sql.active_days
        if asked is None:
            return 0
        days = {
            local_day(at, self.model.source.timezone)
            for at, event_id in (*self._acts(), *self._visits())
            if self.at - asked.within < at and self.state.floor < at and (at, event_id) <= (self.at, self.upto)
        }
        return len(days)

    def _acts(self) -> list[tuple[int, str]]:
        return [(c.at, c.id) for c in self.lead.evidence.get(DAYS, ()) if not self.retracted(c.id)]

    def _visits(self) -> list[tuple[int, str]]:
        marks = [visit.marks[ANY] for visit in self.lead.visits if ANY in visit.marks]
        return [(mark.at, mark.id) for mark in marks if not self.retracted(mark.id)]

    def retracted(self, event_id: str) -> bool:
        """Whether the event was taken back by now."""
        taken_back = self.lead.retracted.get(event_id)
        return taken_back is not None and taken_back <= (self.at, self.upto)

    def lifted(self, since: Position) -> set[Position]:
        """Where events from `since` on stand that may lift to the last stage."""
        rules = [rule for rule in self.model.rules if rule.lifts_to >= Stage.SQL and not rule.penalty]
        found = {(c.at, c.id) for rule in rules for c in self.lead.evidence.get(rule.id, ())}
        groups = {group for rule in rules for group in rule.visits}
        found |= {(m.at, m.id) for visit in self.lead.visits for g, m in visit.marks.items() if g in groups}
        return {p for p in (*found, *self.lead.occasions) if since <= p <= (self.at, self.upto)}

    # --- who it is

    @cached_property
    def mail(self) -> Mail | None:
        """The email address known first, as the model's lists see it."""
        known = sorted(
            (since, email) for email, since in self.lead.emails.items() if since <= (self.at, self.upto)
        )
        return read_mail(known[0][1], self.model.fit.mail) if known and self.model.fit is not None else None

    @cached_property
    def domain(self) -> str | None:
        """The registrable domain of the lead's company: as told, else that of a company's address."""
        told = self.value("company_domain")
        if self.model.fit is None:
            return registered(str(told)) if told is not None else None
        return company_domain({} if told is None else {"company_domain": told}, self.mail, self.model.fit.mail)

    @cached_property
    def domains(self) -> set[str]:
        """All domains that tell where the lead works: that of the company, and that of the address."""
        of_mail = self.mail.company if self.mail is not None else None
        return {domain for domain in (self.domain, of_mail) if domain is not None}

    @property
    def company_known(self) -> bool:
        return self.value("company") is not None or self.domain is not None

    # --- blocks

    @property
    def blocks(self) -> dict[Block, Effect]:
        """The model's blocks that hold, each with its effect."""
        return {name: effect for name, effect in self.model.source.blocks.items() if self.holds(name)}

    def blocked(self, *effects: Effect) -> Block | None:
        """The first block that holds with one of these effects."""
        for name, effect in self.model.source.blocks.items():
            if effect in effects and self.holds(name):
                return name
        return None

    def holds(self, name: Block) -> bool:
        """Whether what a block is about is so."""
        found = self._held.get(name)
        if found is None:
            found = self._held[name] = BLOCKS[name](self)
        return found

    @cached_property
    def relationship(self) -> str | None:
        """What the lead or its company is to us: the newest word of sales or the CRM, else as the lists say."""
        if self._related:
            return str(max(self._related, key=lambda version: (version.at, version.id)).value)
        return next((found for d in sorted(self.domains) if (found := self.model.relationships.get(d))), None)

    @cached_property
    def _related(self) -> list[Version]:
        """What was said of the lead itself and of its company, the newest word of each."""
        names = ("relationship", *(of_company("relationship", domain) for domain in sorted(self.domains)))
        found = (version_at(self.lead, name, self.at, self.upto) for name in names)
        return [version for version in found if version is not None]

    def is_related(self, what: str) -> bool:
        """Whether that is the relationship, or was said of the lead or of its company and not taken back there."""
        return self.relationship == what or any(version.value == what for version in self._related)

    @property
    def owner(self) -> str | None:
        """Who owns the lead, else its company's account."""
        names = ("owner", *(of_company("owner", domain) for domain in sorted(self.domains)))
        said = next((owner for name in names if (owner := self.value(name)) is not None), None)
        if said is not None:
            return str(said)
        return next((owner for d in sorted(self.domains) if (owner := self.model.owners.get(d))), None)

    def listed(self, name: str) -> bool:
        """Whether the company's domain is on one of the model's lists."""
        return not self.domains.isdisjoint(self.model.lists.get(name, ()))

    def mail_is(self, kind: str) -> bool:
        return self.mail is not None and self.mail.kind == kind

    @property
    def unreachable(self) -> bool:
        """No phone, and no address that takes mail."""
        if self.knows(("phone",)):
            return False
        return not self.knows(("email",)) or self._bounced

    @property
    def _bounced(self) -> bool:
        bounced = self.value("bounced")
        emails = [email for email, since in self.lead.emails.items() if since <= (self.at, self.upto)]
        return bounced is not None and (bounced is True or all(email == bounced for email in emails))

    @property
    def academic(self) -> bool:
        fit = self.model.source.fit
        targets = (
            self.model.lists.get(fit.industry.target.list, frozenset()) if fit and fit.industry else frozenset()
        )
        taught = self.mail_is("academic") or any(map(self._is_academic, self.domains))
        return taught and "education" not in targets

    def _is_academic(self, domain: str) -> bool:
        found = read_mail(f"someone@{domain}", self.model.fit.mail) if self.model.fit is not None else None
        return found is not None and found.kind == "academic"

    @property
    def imported(self) -> bool:
        """Nothing that the lead did itself: whatever counts was imported, and no request is recent."""
        asked = self.model.source.requests
        if asked is not None and self.asked_within(asked.within):
            return False
        return not any(
            c.points > 0 and not c.origin & Origin.IMPORT
            for rule in counting(self.lead, self.model)
            for c in alive(rule, self.lead, self.at, self.upto, self.state.floor)
        )

    @property
    def student(self) -> bool:
        return self.fit is not None and self.fit.seniority == Seniority.STUDENT_INTERN


BLOCKS: Final[dict[Block, Callable[[Standing], bool]]] = {
    "competitor": lambda s: s.is_related("competitor") or s.listed("competitors"),
    "own": lambda s: s.listed("own_domains"),
    "do_not_contact": lambda s: s.is_related("do_not_contact"),
    "no_consent": lambda s: s.value("consent_processing") is False,
    "disposable_mail": lambda s: s.mail_is("disposable"),
    "customer": lambda s: s.relationship == "customer",
    "open_opportunity": lambda s: s.relationship == "open_opportunity",
    "partner": lambda s: s.relationship == "partner",
    "unreachable": lambda s: s.unreachable,
    "student": lambda s: s.student,
    "academic": lambda s: s.academic,
    "imported": lambda s: s.imported,
    "unsubscribed": lambda s: s.value("unsubscribed") is True,
    "complained": lambda s: s.value("complained") is True,
    "personal_mail": lambda s: s.mail_is("personal"),
    "role_mailbox": lambda s: s.mail is not None and s.mail.role,
}
"""What each block asks of a lead."""
