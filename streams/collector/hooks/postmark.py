"""Postmark's webhooks: one event each, not signed; vouched for by Basic authorization or a token in the URL."""

from schemas.dead_letter import Rejected
from schemas.document import Document, read
from streams.collector.hooks import mail
from streams.collector.hooks.mail import MailEvent, mail_event
from streams.collector.hooks.payload import instant, text
from streams.collector.hooks.provider import Elements
from streams.collector.hooks.signature import one_presented
from streams.collector.request import RequestParts

NAME = "postmark"

_KINDS = {
    "Delivery": (mail.DELIVERED, "DeliveredAt", "Recipient"),
    "Open": (mail.OPENED, "ReceivedAt", "Recipient"),
    "Click": (mail.CLICKED, "ReceivedAt", "Recipient"),
    "Bounce": (mail.BOUNCED, "BouncedAt", "Email"),
    "SpamComplaint": (mail.COMPLAINED, "BouncedAt", "Email"),
    "SubscriptionChange": (mail.UNSUBSCRIBED, "ChangedAt", "Recipient"),
}
"""By record type: what it is, and the names of its time and its address."""

_HARD = frozenset({"HardBounce", "BadEmailAddress", "ManuallyDeactivated", "InboundError"})


def authentic(parts: RequestParts, secrets: tuple[str, ...], received_at: int) -> bool:
    """Whether one of the secrets is presented. There is no signed time: a repeat is known by its id."""
    return one_presented(secrets, parts)


def elements(body: bytes) -> Elements | Rejected:
    """What the request says."""
    document = read(body)
    return document if isinstance(document, Rejected) else [(body, _read(document))]


def _read(one: Document) -> list[MailEvent | Rejected]:
    record = text(one.get("RecordType")) or ""
    if record not in _KINDS or (record == "SubscriptionChange" and one.get("Origin") != "Recipient"):
        return []  # a suppression that we or the provider made tells nothing about the person's wish
    kind, at, email = _KINDS[record]
    if record == "SubscriptionChange" and one.get("SuppressSending") is False:
        kind = mail.SUBSCRIBED
    event = mail_event(
        NAME,
        None,
        kind,
        instant(one.get(at)),
        one.get(email),
        message_id=text(one.get("MessageID")),
        campaign=text(one.get("Tag")),
        link_url=text(one.get("OriginalLink")),
        bounce_type=_bounce(one) if kind == mail.BOUNCED else None,
        user_agent=text(one.get("UserAgent")),
    )
    return [event]


def _bounce(one: Document) -> str:
    return mail.HARD if one.get("Type") in _HARD else mail.SOFT
