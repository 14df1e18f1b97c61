"""HubSpot webhooks: up to 100 changes each, signed (version 3), repeated for 24 hours until answered with 2xx.

They tell which record changed and not who it is: `records_of` names the records, the shell asks HubSpot for their
`properties_of`, and `translate` is pure again.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
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
from streams.connectors.feedback.rules import Answer, Rule, Rules, answer
from streams.connectors.http import compact

SIGNATURE: Final = "X-HubSpot-Signature-v3"
TIMESTAMP: Final = "X-HubSpot-Request-Timestamp"
MOST: Final = 1_000
_DECODED: Final = re.compile(r"%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
"""The escapes of a URI that HubSpot decodes before it signs."""


Known = Mapping[tuple[str, str], Mapping[str, str]]
"""What HubSpot says of its records, by kind and id: those of their properties that have a value."""
OWNERS: Final = "owners"
"""The kind of those who own records; all that has to be known of one is its `NAME`."""
NAME: Final = "name"


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


def records_of(changes: Sequence[Mapping[str, Any]], rules: Rules) -> dict[str, list[str]]:
    """Ids of the records about which something is answered or told by name, by the kind of record."""
    found: dict[str, set[str]] = {}
    for change in changes:
        rule = _rule(change, rules)
        if rule is None or answer(rule, _value(change)) is None:
            continue
        found.setdefault(_kind(change), set()).add(str(change.get("objectId")))
        if rule.names is not None:
            found.setdefault(rule.names, set()).add(_value(change))
    return {kind: sorted(ids) for kind, ids in found.items()}


def properties_of(kind: str, rules: Rules) -> list[str]:
    """What has to be known of a record to understand an answer about it."""
    rule = rules.objects[kind]
    return sorted({name for name in (rule.email, rule.handoff_id, *rule.details.values()) if name})


def translate(changes: Sequence[Mapping[str, Any]], known: Known, rules: Rules, now: int) -> Translated:
    """The events of a webhook that `signed` let through. A record that is there no more answers nothing."""
    documents = [found for change in changes if (found := _document(change, known, rules, now))]
    events, wrong = sorted_out(documents)
    return Translated(events, wrong, compact({"success": True, "accepted": len(events)}))


def _kind(change: Mapping[str, Any]) -> str:
    kind, _, what = str(change.get("subscriptionType")).partition(".")
    return kind if what == "propertyChange" else ""


def _value(change: Mapping[str, Any]) -> str:
    return str(change.get("propertyValue") or "").strip()


def _rule(change: Mapping[str, Any], rules: Rules) -> Rule | None:
    """The rule of the property that changed."""
    of_kind = rules.objects.get(_kind(change))
    if of_kind is None or change.get("changeSource") in rules.ignored_sources:
        return None
    return next((one for one in of_kind.answers if one.field == change.get("propertyName")), None)


def _meant(change: Mapping[str, Any], known: Known, rules: Rules) -> Answer | None:
    """What the change answers; a number in the words of who has it, if HubSpot told."""
    rule = _rule(change, rules)
    if rule is None:
        return None
    value = _value(change)
    named = known.get((rule.names, value), {}) if rule.names is not None else {}
    return answer(rule, named.get(NAME, value))


def _document(change: Mapping[str, Any], known: Known, rules: Rules, now: int) -> Document | None:
    meant = _meant(change, known, rules)
    of = known.get((_kind(change), str(change.get("objectId"))))
    if meant is None or of is None:
        return None
    rule = rules.objects[_kind(change)]
    at = change.get("occurredAt")
    return {
        **{name: of[field] for name, field in rule.details.items() if of.get(field)},
        **meant.fields,
        "type": meant.type,
        "event_id": event_id("hs", change.get("portalId"), change.get("eventId"), change.get("subscriptionId")),
        "occurred_at": rfc3339(at) if isinstance(at, int) and 0 <= at <= now + 3_600_000 else rfc3339(now),
        "email": of.get(rule.email or "") or None,
        "handoff_id": of.get(rule.handoff_id or "") or None,
    }
