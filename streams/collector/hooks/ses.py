"""What Amazon SES tells through SNS: event publishing and the older feedback notifications.

SES does not say who of a mail's recipients opened or clicked, so both count for mail to one recipient only.
"""

from collections.abc import Iterator

from schemas.dead_letter import Rejected
from schemas.document import Document, read
from streams.collector.hooks import mail
from streams.collector.hooks.mail import MailEvent, mail_event
from streams.collector.hooks.payload import Object, instant, listed, obj, text
from streams.collector.hooks.provider import Elements

NAME = "ses"

_KINDS = {
    "Delivery": (mail.DELIVERED, "delivery"),
    "Open": (mail.OPENED, "open"),
    "Click": (mail.CLICKED, "click"),
    "Bounce": (mail.BOUNCED, "bounce"),
    "Complaint": (mail.COMPLAINED, "complaint"),
    "Subscription": (mail.UNSUBSCRIBED, "subscription"),
}
"""By event type: what it is, and the name of the object that tells more."""


def elements(body: bytes) -> Elements | Rejected:
    """What the message of a notification says, recipient by recipient."""
    found = read(body)
    return found if isinstance(found, Rejected) else [(body, list(_read(found)))]


def _read(found: Document) -> Iterator[MailEvent | Rejected]:
    name = text(found.get("eventType")) or text(found.get("notificationType")) or ""
    if name not in _KINDS:
        return
    kind, key = _KINDS[name]
    sent, told = obj(found.get("mail")), obj(found.get(key))
    if kind == mail.UNSUBSCRIBED and not _left(told):
        kind = mail.SUBSCRIBED
    for email in _recipients(kind, sent, told):
        yield mail_event(
            NAME,
            None,
            kind,
            instant(told.get("timestamp")) or instant(sent.get("timestamp")),
            email,
            message_id=text(sent.get("messageId")),
            campaign=_campaign(sent),
            link_url=text(told.get("link")),
            bounce_type=_bounce(told) if kind == mail.BOUNCED else None,
            user_agent=text(told.get("userAgent")),
        )


def _recipients(kind: str, sent: Object, told: Object) -> list[object]:
    if kind == mail.DELIVERED:
        return listed(told.get("recipients"))
    if kind in (mail.BOUNCED, mail.COMPLAINED):
        name = "bouncedRecipients" if kind == mail.BOUNCED else "complainedRecipients"
        return [_bare(obj(one).get("emailAddress")) for one in listed(told.get(name))]
    recipients = listed(sent.get("destination"))
    return recipients if len(recipients) == 1 else []


def _bare(address: object) -> object:
    """`Ada <ada@firm.test>` as `ada@firm.test`: SES repeats what a bounce message said."""
    if isinstance(address, str) and address.endswith(">"):
        return address[:-1].rpartition("<")[2]
    return address


def _left(told: Object) -> bool:
    wishes = obj(told.get("newTopicPreferences"))
    statuses = [obj(one).get("subscriptionStatus") for one in listed(wishes.get("topicSubscriptionStatus"))]
    return wishes.get("unsubscribeAll") is True or "OptIn" not in statuses


def _bounce(told: Object) -> str:
    return mail.HARD if told.get("bounceType") == "Permanent" else mail.SOFT


def _campaign(sent: Object) -> str | None:
    tags = obj(sent.get("tags"))
    return next((text(value) for name in ("campaign", "campaign_name") for value in listed(tags.get(name))), None)
