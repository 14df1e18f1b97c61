"""Amazon SNS over HTTP: an envelope of JSON, signed with the key of a certificate that Amazon serves.

Anyone with an AWS account can have SNS sign a message, so a message counts only if its topic is one of ours.
"""

import re
from datetime import timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from schemas.dead_letter import Reason, Rejected
from schemas.document import Document, read
from schemas.instant import EPOCH
from streams.collector.hooks.payload import instant
from streams.collector.hooks.signature import from_base64

TOLERANCE_MS = 3_600_000
"""SNS signs a message once and repeats it for up to an hour: five minutes would lose what waited for us."""

NOTIFICATION: Final = "Notification"
CONFIRMATION: Final = "SubscriptionConfirmation"

_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
"""The fields under the signature, by type, in their order."""

_HASHES = {"1": SHA1, "2": SHA256}
_HOST = r"https://sns\.([a-z0-9-]{3,32})\.amazonaws\.com(?:\.cn)?/"
_CERTIFICATE = re.compile(_HOST + r"SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")
_SUBSCRIBE = re.compile(_HOST + r"\?Action=ConfirmSubscription&[A-Za-z0-9=&%:_.~+/-]{1,2048}")


class Envelope(NamedTuple):
    """One SNS message. `at` is when it was signed, Unix milliseconds."""

    type: str
    topic: str
    message: str
    at: int
    signed: bytes
    signature: bytes
    version: str
    certificate_url: str
    subscribe_url: str


def parse(body: bytes) -> Envelope | Rejected:
    """The envelope; nothing in it is believed yet."""
    found = read(body)
    if isinstance(found, Rejected):
        return found
    kind = found.get("Type")
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    at, signature = instant(texts.get("Timestamp")), from_base64(texts.get("Signature"))
    if not isinstance(kind, str) or kind not in _SIGNED or at is None or signature is None:
        return Rejected(Reason.BAD_FIELD, "expected a signed message of Amazon SNS")
    return Envelope(
        kind,
        texts.get("TopicArn", ""),
        texts.get("Message", ""),
        at,
        _signed(kind, texts),
        signature,
        texts.get("SignatureVersion", ""),
        texts.get("SigningCertURL", ""),
        texts.get("SubscribeURL", ""),
    )


def _signed(kind: str, texts: Document) -> bytes:
    lines = [line for name in _SIGNED[kind] if name in texts for line in (name, texts[name])]
    return "".join(f"{line}\n" for line in lines).encode(errors="replace")


def is_amazons(envelope: Envelope) -> bool:
    """Whether the certificate, and what we are asked to confirm, lie with SNS in the topic's own region."""
    region = f"{envelope.topic}:::".split(":")[3]
    urls = [(_CERTIFICATE, envelope.certificate_url)]
    if envelope.type == CONFIRMATION:
        urls.append((_SUBSCRIBE, envelope.subscribe_url))
    return all((found := pattern.fullmatch(url)) is not None and found[1] == region for pattern, url in urls)


def is_signed(envelope: Envelope, certificate: bytes, now: int) -> bool:
    """Whether the certificate's key signed the envelope, and the certificate is valid at `now` (milliseconds)."""
    loaded, algorithm = _loaded(certificate), _HASHES.get(envelope.version)
    if loaded is None or algorithm is None:
        return False
    moment = EPOCH + timedelta(milliseconds=now)
    if not loaded.not_valid_before_utc <= moment <= loaded.not_valid_after_utc:
        return False
    public = loaded.public_key()
    if not isinstance(public, RSAPublicKey):
        return False
    try:
        public.verify(envelope.signature, envelope.signed, PKCS1v15(), algorithm())
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=8)
def _loaded(certificate: bytes) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(certificate)
    except (ValueError, UnsupportedAlgorithm):
        return None
