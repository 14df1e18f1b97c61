"""Twilio SendGrid's Event Webhook: a JSON list, signed with ECDSA over timestamp and raw body."""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from schemas.dead_letter import Rejected
from schemas.document import Document
from streams.collector.hooks import mail
from streams.collector.hooks.mail import MailEvent, mail_event
from streams.collector.hooks.payload import instant, listed, read_list, text
from streams.collector.hooks.provider import Elements
from streams.collector.hooks.signature import from_base64, timely
from streams.collector.request import RequestParts

NAME = "sendgrid"
MAX_BODY = 1024 * 1024
"""Bytes. SendGrid sends up to 768 KB at a time."""

_SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
_TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
_KINDS = {
    "delivered": mail.DELIVERED,
    "open": mail.OPENED,
    "click": mail.CLICKED,
    "bounce": mail.BOUNCED,
    "spamreport": mail.COMPLAINED,
    "unsubscribe": mail.UNSUBSCRIBED,
    "group_unsubscribe": mail.UNSUBSCRIBED,
    "group_resubscribe": mail.SUBSCRIBED,
}
"""`processed`, `deferred` and `dropped` say nothing about the recipient that another event does not."""


def authentic(parts: RequestParts, keys: tuple[str, ...], received_at: int) -> bool:
    """Whether one of the verification keys signed the body, lately."""
    timestamp, signature = parts.headers.get(_TIMESTAMP, ""), from_base64(parts.headers.get(_SIGNATURE))
    if signature is None or not timely(timestamp, received_at):
        return False
    signed = timestamp.encode(errors="replace") + parts.raw
    return any(_verified(key, signature, signed) for key in keys)


def _verified(key: str, signature: bytes, signed: bytes) -> bool:
    public = public_key(key)
    if public is None:
        return False
    try:
        public.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=16)
def public_key(key: str) -> EllipticCurvePublicKey | None:
    """The verification key as SendGrid shows it, which is base64 of its DER form; None if it is none."""
    der = from_base64("".join(key.split()))
    try:
        found = None if der is None else load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return found if isinstance(found, EllipticCurvePublicKey) else None


def elements(body: bytes) -> Elements | Rejected:
    """What the request says, event by event."""
    found = read_list(body)
    if isinstance(found, Rejected):
        return found
    return [(raw, [one] if isinstance(one, Rejected) else _read(one)) for raw, one in found]


def _read(one: Document) -> list[MailEvent | Rejected]:
    kind = _KINDS.get(text(one.get("event")) or "")
    if kind is None:
        return []
    event = mail_event(
        NAME,
        text(one.get("sg_event_id")),
        kind,
        instant(one.get("timestamp")),
        one.get("email"),
        message_id=(text(one.get("sg_message_id")) or "").partition(".")[0] or None,  # the rest names servers
        campaign=_campaign(one),
        link_url=text(one.get("url")),
        bounce_type=_bounce(one) if kind == mail.BOUNCED else None,
        user_agent=text(one.get("useragent")),
        machine=mail.PROVIDER_FLAG if one.get("sg_machine_open") is True else None,
    )
    return [event]


def _bounce(one: Document) -> str:
    """A blocked mail may arrive another time."""
    return mail.SOFT if one.get("type") == "blocked" else mail.HARD


def _campaign(one: Document) -> str | None:
    category = one.get("category")
    first = category if isinstance(category, str) else next(iter(listed(category)), None)
    return text(one.get("marketing_campaign_name")) or text(one.get("singlesend_name")) or text(first)
