"""Brevo's webhooks, transactional and marketing: one event or a list; a bearer, Basic or URL token vouches."""

from schemas.dead_letter import Rejected
from schemas.document import Document, read
from streams.collector.hooks import mail
from streams.collector.hooks.mail import MailEvent, mail_event
from streams.collector.hooks.payload import instant, listed, read_list, text
from streams.collector.hooks.provider import Elements
from streams.collector.hooks.signature import one_presented
from streams.collector.request import RequestParts

NAME = "brevo"

_KINDS = {
    "delivered": mail.DELIVERED,
    "opened": mail.OPENED,
    "unique_opened": mail.OPENED,
    "proxy_open": mail.OPENED,
    "unique_proxy_open": mail.OPENED,
    "click": mail.CLICKED,
    "hard_bounce": mail.BOUNCED,
    "soft_bounce": mail.BOUNCED,
    "blocked": mail.BOUNCED,
    "invalid_email": mail.BOUNCED,
    "spam": mail.COMPLAINED,
    "unsubscribe": mail.UNSUBSCRIBED,
    "unsubscribed": mail.UNSUBSCRIBED,
}
"""A first open is told twice, as `unique_opened` and `opened`: being of one kind and instant they get one id."""

_MACHINE = frozenset({"proxy_open", "unique_proxy_open"})
_HARD = frozenset({"hard_bounce", "invalid_email"})


def authentic(parts: RequestParts, secrets: tuple[str, ...], received_at: int) -> bool:
    """Whether one of the secrets is presented. There is no signed time: a repeat is known by its id."""
    return one_presented(secrets, parts)


def elements(body: bytes) -> Elements | Rejected:
    """What the request says; several events come as a list where batching is switched on."""
    if body.lstrip()[:1] == b"[":
        found = read_list(body)
        if isinstance(found, Rejected):
            return found
        return [(raw, [one] if isinstance(one, Rejected) else _read(one)) for raw, one in found]
    document = read(body)
    return document if isinstance(document, Rejected) else [(body, _read(document))]


def _read(one: Document) -> list[MailEvent | Rejected]:
    name = text(one.get("event")) or ""
    kind = _KINDS.get(name)
    if kind is None:
        return []
    event = mail_event(
        NAME,
        None,  # `id` is the webhook's, not the event's
        kind,
        instant(one.get("ts_event")) or instant(one.get("ts_epoch")) or instant(one.get("ts")),
        one.get("email"),
        message_id=text(one.get("message-id")) or _campaign_id(one),
        campaign=_campaign(one),
        link_url=text(one.get("link")) or text(one.get("URL")),
        bounce_type=(mail.HARD if name in _HARD else mail.SOFT) if kind == mail.BOUNCED else None,
        user_agent=text(one.get("user_agent")),
        machine=mail.PROVIDER_FLAG if name in _MACHINE else None,
    )
    return [event]


def _campaign_id(one: Document) -> str | None:
    """A marketing mail has no message id; campaign and recipient name it as well."""
    campaign = text(one.get("camp_id"))
    return None if campaign is None else f"campaign-{campaign}"


def _campaign(one: Document) -> str | None:
    return (
        text(one.get("campaign name")) or text(one.get("tag")) or text(next(iter(listed(one.get("tags"))), None))
    )
