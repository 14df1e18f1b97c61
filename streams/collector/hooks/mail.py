"""What happened to a mail, in one vocabulary for all providers, and the events of the contract made of it."""

from typing import Final, NamedTuple

from schemas.dead_letter import Reason, Rejected
from streams.collector.event_time import instant_text
from streams.collector.hooks.payload import hashed
from streams.collector.person import identity
from streams.collector.request import Event

DELIVERED: Final = "email_delivered"
OPENED: Final = "email_opened"
CLICKED: Final = "email_clicked"
BOUNCED: Final = "email_bounced"
SUBSCRIBED: Final = "email_subscribed"
UNSUBSCRIBED: Final = "email_unsubscribed"
COMPLAINED: Final = "email_complained"
HARD, SOFT = "hard", "soft"

PROVIDER_FLAG = "provider_flag"
"""The provider itself says that a machine did it."""


class MailEvent(NamedTuple):
    """One thing that happened to one mail to one address. `at` in Unix milliseconds.

    `machine` is the reason why no person did it. `user_agent` is looked at and not kept.
    """

    type: str
    event_id: str
    at: int
    email: str
    message_id: str | None = None
    campaign: str | None = None
    link_url: str | None = None
    bounce_type: str | None = None
    user_agent: str = ""
    machine: str | None = None


class Retraction(NamedTuple):
    """An earlier event was a machine's after all. `at` is when that became known, in event time."""

    retracts: str
    at: int
    email: str
    message_id: str | None
    reason: str


def mail_event(
    provider: str,
    given_id: str | None,
    kind: str,
    at: int | None,
    email: object,
    *,
    message_id: str | None = None,
    campaign: str | None = None,
    link_url: str | None = None,
    bounce_type: str | None = None,
    user_agent: str | None = None,
    machine: str | None = None,
) -> MailEvent | Rejected:
    """The event, with an id that is the same for every repeat: the provider's own, or a hash of what happened."""
    address = identity(None, None, email).email
    if address is None or "\ufffd" in address:
        return Rejected(Reason.MISSING_IDENTITY, "expected the recipient's address")
    if at is None:
        return Rejected(Reason.BAD_FIELD, "expected the time of the event")
    named = (given_id,) if given_id else (kind, message_id, address, at, link_url, machine)
    event_id = f"{provider}-{hashed(*named)}"
    return MailEvent(
        kind, event_id, at, address, message_id, campaign, link_url, bounce_type, user_agent or "", machine
    )


def document(event: MailEvent) -> Event:
    """The event in the contract's words. The edge adds who sent it and when it arrived."""
    found: Event = {
        "type": event.type,
        "event_id": event.event_id,
        "occurred_at": instant_text(event.at),
        "email": event.email,
        "message_id": event.message_id,
        "campaign": event.campaign,
        "link_url": event.link_url,
        "bounce_type": event.bounce_type,
    }
    if event.machine is not None:
        found |= {"is_machine": True, "machine_reason": event.machine}
    return {name: value for name, value in found.items() if value is not None}


def retraction(taken_back: Retraction) -> Event:
    """The event that takes another one back; a repeat is the same."""
    found: Event = {
        "type": "activity_retracted",
        "event_id": f"rt-{hashed(taken_back.retracts)}",
        "occurred_at": instant_text(taken_back.at),
        "email": taken_back.email,
        "message_id": taken_back.message_id,
        "retracts": taken_back.retracts,
        "reason": taken_back.reason,
    }
    return {name: value for name, value in found.items() if value is not None}
