"""HubSpot webhooks: up to 100 changes each, signed (version 3), repeated for 24 hours until answered with 2xx.

They tell which contact changed and not who it is: `contacts_of` names the contacts, the shell asks HubSpot for
them (`HubSpotSink.known`), and `translate` is pure again.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from schemas.instant import rfc3339
from streams.connectors.feedback.result import (
    Document,
    Refusal,
    Translated,
    event_id,
    header,
    recent,
    same,
    sorted_out,
)
from streams.connectors.feedback.rules import ObjectRules, Rules, answer
from streams.connectors.http import compact

SIGNATURE: Final = "X-HubSpot-Signature-v3"
TIMESTAMP: Final = "X-HubSpot-Request-Timestamp"
MOST: Final = 1_000
CONTACT: Final = "contact"
_DECODED: Final = re.compile(r"%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
"""The escapes of a URI that HubSpot decodes before it signs."""


class Known(NamedTuple):
    """What HubSpot says of a contact: its properties that the rules name."""

    properties: Mapping[str, str]


def signed(
    method: str, uri: str, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: int
) -> bool:
    """Whether HubSpot sent it a moment ago. `uri` is the whole address as HubSpot knows it, with its query."""
    timestamp = header(headers, TIMESTAMP)
    if not recent(timestamp, 1, now):
        return False
    address = _DECODED.sub(lambda escape: unquote(escape[0]), uri)
    content = method.encode() + address.encode() + body + timestamp.encode()
    digests = (hmac.new(secret.encode(), content, "sha256").digest() for secret in secrets)
    return same(header(headers, SIGNATURE), [base64.b64encode(digest).decode() for digest in digests])


def changes_of(body: bytes) -> list[Mapping[str, Any]] | Refusal:
    """The changes that a webhook tells."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return Refusal(400, "bad_json", "expected a JSON list")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found) or len(found) > MOST:
        return Refusal(400, "bad_json", "expected a JSON list of changes")
    return found


def contacts_of(changes: Sequence[Mapping[str, Any]], rules: Rules) -> list[str]:
    """Ids of the contacts about which something is answered."""
    rule = rules.objects.get(CONTACT)
    if rule is None:
        return []
    return sorted({str(c.get("objectId")) for c in changes if _meant(c, rule, rules) is not None})


def translate(
    changes: Sequence[Mapping[str, Any]], contacts: Mapping[str, Known], rules: Rules, now: int
) -> Translated:
    """The events of a webhook that `signed` let through. A contact that nobody knows any more answers nothing."""
    rule = rules.objects.get(CONTACT)
    documents = [d for c in changes if rule is not None and (d := _document(c, contacts, rule, rules, now))]
    events, wrong = sorted_out(documents)
    return Translated(events, wrong, compact({"success": True, "accepted": len(events)}))


def _meant(change: Mapping[str, Any], rule: ObjectRules, rules: Rules) -> tuple[str, Document] | None:
    if change.get("subscriptionType") != "contact.propertyChange":
        return None
    if change.get("changeSource") in rules.ignored_sources:
        return None
    for one in rule.answers:
        if one.field == change.get("propertyName"):
            found = answer(one, str(change.get("propertyValue") or ""))
            return (found.type, dict(found.fields)) if found is not None else None
    return None


def _document(
    change: Mapping[str, Any], contacts: Mapping[str, Known], rule: ObjectRules, rules: Rules, now: int
) -> Document | None:
    meant = _meant(change, rule, rules)
    known = contacts.get(str(change.get("objectId")))
    if meant is None or known is None:
        return None
    of = known.properties
    at = change.get("occurredAt")
    return {
        **{name: of[field] for name, field in rule.details.items() if of.get(field)},
        **meant[1],
        "type": meant[0],
        "event_id": event_id("hs", change.get("portalId"), change.get("eventId"), change.get("subscriptionId")),
        "occurred_at": rfc3339(at) if isinstance(at, int) and 0 <= at <= now + 3_600_000 else rfc3339(now),
        "email": of.get(rule.email) or None,
        "handoff_id": of.get(rule.handoff_id or "") or None,
    }
