"""Mailgun's webhooks: one event, signed in the body with HMAC over timestamp and token.

The signature does not cover the event, so each token is taken with one body only (`signature.Tokens`).
"""

from schemas.dead_letter import Rejected
from schemas.document import read
from streams.collector.hooks import mail
from streams.collector.hooks.mail import MailEvent, mail_event
from streams.collector.hooks.payload import Object, instant, listed, obj, text
from streams.collector.hooks.provider import Elements
from streams.collector.hooks.signature import Tokens, from_hex, one_signed, timely
from streams.collector.request import RequestParts

NAME = "mailgun"

_KINDS = {
    "delivered": mail.DELIVERED,
    "opened": mail.OPENED,
    "clicked": mail.CLICKED,
    "failed": mail.BOUNCED,
    "complained": mail.COMPLAINED,
    "unsubscribed": mail.UNSUBSCRIBED,
}
_LONGEST_TOKEN = 512  # characters; Mailgun's have 50


class Authentic:
    """Whether one of the signing keys signed the token, lately, and the token came with no other body."""

    def __init__(self) -> None:
        self._tokens = Tokens()

    def __call__(self, parts: RequestParts, keys: tuple[str, ...], received_at: int) -> bool:
        document = read(parts.body)
        if isinstance(document, Rejected):
            return False
        signature = obj(document.get("signature"))
        timestamp, token = text(signature.get("timestamp")) or "", signature.get("token")
        if (
            not isinstance(token, str)
            or not 0 < len(token) <= _LONGEST_TOKEN
            or not timely(timestamp, received_at)
        ):
            return False
        signed = f"{timestamp}{token}".encode(errors="replace")
        presented = from_hex(signature.get("signature"))
        return one_signed(keys, signed, presented) and self._tokens.accept(token, parts.body)


def elements(body: bytes) -> Elements | Rejected:
    """What the request says."""
    document = read(body)
    return document if isinstance(document, Rejected) else [(body, _read(obj(document.get("event-data"))))]


def _read(data: Object) -> list[MailEvent | Rejected]:
    kind = _KINDS.get(text(data.get("event")) or "")
    if kind is None:
        return []
    headers = obj(obj(data.get("message")).get("headers"))
    client = obj(data.get("client-info"))
    event = mail_event(
        NAME,
        text(data.get("id")),
        kind,
        instant(data.get("timestamp")),
        data.get("recipient"),
        message_id=text(headers.get("message-id")),
        campaign=_campaign(data),
        link_url=text(data.get("url")),
        bounce_type=_bounce(data) if kind == mail.BOUNCED else None,
        user_agent=text(client.get("user-agent")),
        machine=mail.PROVIDER_FLAG if text(client.get("bot")) else None,
    )
    return [event]


def _bounce(data: Object) -> str:
    return mail.HARD if data.get("severity") == "permanent" else mail.SOFT


def _campaign(data: Object) -> str | None:
    campaign = obj(next(iter(listed(data.get("campaigns"))), None))
    return text(campaign.get("name")) or text(next(iter(listed(data.get("tags"))), None))
