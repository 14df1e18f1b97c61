"""What a person agreed to when they sent a form, in the structure that HubSpot's forms have.

`consent_processing` is true, false, or the answer itself where it is neither. `consent_communication` lists what
was granted, each with channel, purpose, time and wording; an empty list means asked for and not granted.
"""

from collections.abc import Mapping as Mapped
from dataclasses import dataclass
from typing import NamedTuple

from streams.collector.event_time import instant_text
from streams.collector.hooks.payload import Object, listed, obj, text
from streams.collector.mapping import plain
from streams.collector.request import Event

_YES = frozenset(
    {
        *("true", "yes", "y", "on", "1", "checked", "agree", "agreed", "accept", "accepted", "ok", "iagree"),
        *("iaccept", "iconsent", "ja", "oui", "si", "sí", "はい", "同意", "同意する", "同意します", "承諾する"),
    }
)
_NO = frozenset(
    {"false", "no", "n", "off", "0", "nein", "non", "disagree", "いいえ", "同意しない", "同意しません"}
)


class Communication(NamedTuple):
    """An answer that grants something: its label, compared as `plain` does, and what it grants."""

    answer: str
    channel: str
    purpose: str | None
    wording_version: str | None


@dataclass(frozen=True)
class ConsentRules:
    """Which answers of a form are consents."""

    processing: frozenset[str] = frozenset()
    communications: tuple[Communication, ...] = ()


class Consent(NamedTuple):
    """What was agreed to. `processing` None: not asked. `communications` None: not asked."""

    processing: object = None
    communications: list[Event] | None = None


def agreed(value: object) -> bool | None:
    """Whether an answer says yes or no; None if it says neither, which is not a yes."""
    if isinstance(value, bool):
        return value
    if isinstance(value, list):
        return agreed(value[0]) if len(value) == 1 else (None if value else False)
    word = plain(text(value) or "")
    return True if word in _YES else False if word in _NO else None


def answered(answers: Mapped[str, object], rules: ConsentRules, at: int) -> tuple[Consent, dict[str, object]]:
    """The consents among the answers, and the answers that are none. `at` is when the form was sent."""
    by_label = {plain(name): value for name, value in answers.items()}
    given = [by_label[label] for label in sorted(rules.processing) if label in by_label]
    asked = [rule for rule in rules.communications if rule.answer in by_label]
    granted: list[Event] | None = None
    if asked:
        granted = [_granted(rule, at) for rule in asked if agreed(by_label[rule.answer])]
    used = rules.processing | {rule.answer for rule in asked}
    left = {name: value for name, value in answers.items() if plain(name) not in used}
    return Consent(_processing(given), granted), left


def _processing(given: list[object]) -> object:
    """Of several answers a no counts before one that is unclear, and that before a yes."""
    said = [(agreed(value), value) for value in given]
    if not said:
        return None
    if any(answer is False for answer, _ in said):
        return False
    return next((value for answer, value in said if answer is None), True)


def _granted(rule: Communication, at: int) -> Event:
    found = {
        "channel": rule.channel,
        "purpose": rule.purpose,
        "time": instant_text(at),
        "wording_version": rule.wording_version,
        "legal_basis": "consent",
    }
    return {name: value for name, value in found.items() if value is not None}


def legal_consent(options: Object, at: int) -> Consent | None:
    """HubSpot's `legalConsentOptions`; None if there are none. Legitimate interest is no consent to processing."""
    consent, interest = obj(options.get("consent")), obj(options.get("legitimateInterest"))
    if not consent and not interest:
        return None
    told = [(obj(one), "consent") for one in listed(consent.get("communications"))]
    if interest:
        basis = (text(interest.get("legalBasis")) or "other").lower()
        told.append((interest, f"legitimate_interest_{basis}"))
    granted = [_subscription(one, basis, at) for one, basis in told if agreed(one.get("value"))]
    return Consent(_processing([consent["consentToProcess"]] if "consentToProcess" in consent else []), granted)


def _subscription(one: Object, basis: str, at: int) -> Event:
    found = {
        "channel": "email",
        "purpose": text(one.get("subscriptionTypeId")),
        "time": instant_text(at),
        "wording": text(one.get("text")),
        "legal_basis": basis,
    }
    return {name: value for name, value in found.items() if value is not None}
