"""Salesforce outbound messages: SOAP, up to 100 notifications each, repeated for 24 hours until acknowledged.

Wire format: the WSDL of outbound messages (http://soap.sforce.com/2005/09/outbound). They bear no signature: a
token in the address, the organisation's id and, in front, Salesforce's addresses or mutual TLS say who sends.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.instant import rfc3339
from streams.connectors.feedback.result import Document, Refusal, Translated, event_id, same, sorted_out
from streams.connectors.feedback.rules import ObjectRules, Rules, answer

SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
OUTBOUND: Final = "{http://soap.sforce.com/2005/09/outbound}"
TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
MOST_BYTES: Final = 1 << 20
CONTENT_TYPE: Final = "text/xml"
ACKNOWLEDGED: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)


class _NoDoctype(ET.TreeBuilder):
    """Entities, and all that can be done with them, need a document type: none is taken."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ET.ParseError("a document type is not taken")


def translate(body: bytes, organisations: Sequence[str], rules: Rules, now: int) -> Translated | Refusal:
    """The events of a message, once it is known who sent it. `organisations` are ids of 15 or 18 letters."""
    notifications = _notifications(body)
    if isinstance(notifications, Refusal):
        return notifications
    organisation = (notifications.findtext(f"{OUTBOUND}OrganizationId") or "")[:15]
    if not same(organisation, [one[:15] for one in organisations]):
        return Refusal(403, "unauthorized", "the organisation is not known")
    documents = [
        document
        for notification in notifications.iterfind(f"{OUTBOUND}Notification")
        for document in _answers(notification, rules, now)
    ]
    events, wrong = sorted_out(documents)
    return Translated(events, wrong, ACKNOWLEDGED, CONTENT_TYPE)


def _notifications(body: bytes) -> ET.Element | Refusal:
    if len(body) > MOST_BYTES:
        return Refusal(413, "oversize", f"expected at most {MOST_BYTES} bytes")
    try:
        root = ET.fromstring(body, ET.XMLParser(target=_NoDoctype()))  # noqa: S314  no document type, no entities
    except (ET.ParseError, ValueError, LookupError):
        return Refusal(400, "bad_xml", "expected a SOAP message without a document type")
    found = root.find(f"{SOAP}Body/{OUTBOUND}notifications")
    return found if found is not None else Refusal(400, "bad_xml", "expected notifications of Salesforce")


def _answers(notification: ET.Element, rules: Rules, now: int) -> list[Document]:
    record = notification.find(f"{OUTBOUND}sObject")
    if record is None:
        return []
    kind = (record.get(TYPE) or "").rpartition(":")[2]
    rule = rules.objects.get(kind)
    fields = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in record}
    return _meant(fields, notification.findtext(f"{OUTBOUND}Id") or "", rule, now) if rule is not None else []


def _meant(fields: Mapping[str, str], notification: str, rule: ObjectRules, now: int) -> list[Document]:
    documents: list[Document] = []
    for one in rule.answers:
        found = answer(one, fields.get(one.field, ""))
        if found is None:
            continue
        details: dict[str, Any] = {name: fields[of] for name, of in rule.details.items() if fields.get(of)}
        documents.append(
            {
                **details,
                **found.fields,
                "type": found.type,
                # A notification keeps its id when it is repeated.
                "event_id": event_id("sf", notification or sorted(fields.items()), one.field),
                "occurred_at": fields.get(rule.time or "") or rfc3339(now),
                "email": fields.get(rule.email or "") or None,
                "handoff_id": fields.get(rule.handoff_id or "") or None,
            }
        )
    return documents
