"""What one tracker message means in the contract's words: the event, flat and ready to be encoded."""

from collections.abc import Mapping as Mapped
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from schemas.dead_letter import Reason, Rejected
from schemas.event import FUTURE_MS
from schemas.instant import LAST_INSTANT
from streams.collector.bots import MACHINE_REASON, is_machine
from streams.collector.event_time import corrected, instant_text, parse_instant
from streams.collector.mapping import Mapping, Rule, plain
from streams.collector.message import Message
from streams.collector.person import Identity, attributes, flattened, identifier, identity
from streams.collector.request import Event

Object = Mapped[str, object]
_EMPTY: Object = {}

_CAMPAIGN = {
    "name": "utm_campaign",
    "source": "utm_source",
    "medium": "utm_medium",
    "term": "utm_term",
    "content": "utm_content",
}
_UTM = frozenset(_CAMPAIGN.values())
_TEXT = frozenset(
    {"url", "referrer", "session_id", "form_id", "offer_id", "message_id", "link_url", "name", "channel"}
)
_TOKENS = frozenset({"offer_type", "form_type", "bounce_type", "direction", "outcome"})
_ABOUT_A_PAGE = frozenset({"page_viewed", "content_downloaded", "link_clicked", "custom"})


class Arrival(NamedTuple):
    """What the messages of one request have in common. `received_at` and `sent_at` in Unix milliseconds."""

    received_at: int
    sent_at: int | None
    context: Object
    user_agent: str


def translate(
    method: str, message: Message, event_id: str, arrival: Arrival, mapping: Mapping
) -> Event | Rejected:
    """The event that a message of the tracking API means, or why there is none. `method` is a long name."""
    context = _context(message, arrival)
    own = _OWN[method](message, context, mapping)
    if isinstance(own, Rejected):
        return own
    who = _who(method, message, context, own)
    if who is None:
        return Rejected(Reason.MISSING_IDENTITY, _NOBODY)
    at = _occurred_at(message, arrival)
    if at > arrival.received_at + FUTURE_MS:
        return Rejected(Reason.FUTURE, "the event is dated more than an hour after its arrival")
    _describe(own, context)
    _seal(own, event_id, at, arrival, context)
    _name(own, who)
    return own


_NOBODY = "expected an email address, a userId or an anonymousId"


def _object(value: object) -> Object:
    return value if isinstance(value, dict) else _EMPTY


def _context(message: Message, arrival: Arrival) -> Object:
    own = _object(message.context)
    return {**arrival.context, **own} if arrival.context else own


def _occurred_at(message: Message, arrival: Arrival) -> int:
    original = message.timestamp if message.original_timestamp is None else message.original_timestamp
    sent = arrival.sent_at if message.sent_at is None else parse_instant(message.sent_at)
    at = corrected(parse_instant(original), sent, arrival.received_at)
    return min(max(at, 0), LAST_INSTANT)


def _who(method: str, message: Message, context: Object, own: Event) -> Identity | None:
    """Whom it is about. The address of a form counts, that in the properties of an unknown event does not."""
    email = own.pop("email", None)
    traits = context.get("traits")
    if type(traits) is dict:
        who = identity(message.user_id, message.anonymous_id, email, traits.get("email"))
    else:
        who = identity(message.user_id, message.anonymous_id, email)
    if method != "alias":
        return who if any(who) else None
    previous = identity(message.previous_id, None)
    if previous.email and who.email is None:
        who = who._replace(email=previous.email)
    elif previous.user_id:
        own["previous_id"] = previous.user_id
    named = {who.email, who.user_id, who.anonymous_id, own.get("previous_id")} - {None}
    return who if len(named) > 1 else None


def _name(event: Event, who: Identity) -> None:
    if who.email is not None:
        event["email"] = who.email
    if who.user_id is not None:
        event["user_id"] = who.user_id
    if who.anonymous_id is not None:
        event["anonymous_id"] = who.anonymous_id


def _seal(event: Event, event_id: str, at: int, arrival: Arrival, context: Object) -> None:
    """Id, instant, and whether a machine did it, over anything the sender may have said."""
    event["event_id"] = event_id
    event["occurred_at"] = instant_text(at)
    forwarded = context.get("userAgent")
    if is_machine(arrival.user_agent) or (type(forwarded) is str and is_machine(forwarded)):
        event["is_machine"] = True
        event["machine_reason"] = MACHINE_REASON


def _describe(event: Event, context: Object) -> None:
    """Page, campaign, session, language and library out of the context; the sender's address is never kept."""
    page = context.get("page")
    if type(page) is dict:
        _keep(event, "url", page.get("url"))
        _keep(event, "referrer", page.get("referrer"))
        if event["type"] in _ABOUT_A_PAGE:
            _keep(event, "title", page.get("title"))
    _campaign(event, context.get("campaign"))
    _keep(event, "timezone", context.get("timezone"))
    _keep(event, "locale", context.get("locale"))
    library = context.get("library")
    if type(library) is dict:
        _keep(event, "library", library.get("name"))
    session = identifier(context.get("sessionId", context.get("session_id")))
    if session is not None:
        event.setdefault("session_id", session)


def _keep(event: Event, field: str, value: object) -> None:
    """Text that the event does not have yet."""
    if value is not None and field not in event:
        text = _text(value)
        if text is not None:
            event[field] = text


def _campaign(event: Event, campaign: object) -> None:
    """UTM fields as the tracker read them, else out of the page's address."""
    if type(campaign) is dict:
        for name, field in _CAMPAIGN.items():
            _keep(event, field, campaign.get(name))
    url = event.get("url")
    if type(url) is str and "utm_" in url and _UTM.isdisjoint(event):
        try:
            query = parse_qsl(urlsplit(url).query, max_num_fields=100)
        except ValueError:
            return
        event.update({name: value for name, value in query if name in _UTM})


def _text(value: object) -> str | None:
    """Scalars as text; nothing else is one."""
    if type(value) is str:
        return value or None
    return str(value) if type(value) in (int, float) else None


def _token(value: object) -> str | None:
    """One of a set of words, as rules name it: `Case Study` is `case_study`."""
    text = _text(value)
    return "_".join(text.replace("-", " ").replace("_", " ").lower().split()) if text else None


def _own(kind: str, picked: Event, left: Event, fixed: Event | None = None) -> Event:
    own: Event = {}
    for field, value in (picked | fixed if fixed else picked).items():
        clean = _token(value) if field in _TOKENS else _text(value) if field in _TEXT else value
        if clean is not None:
            own[field] = clean
    if left:
        own["properties"] = left
    own["type"] = kind
    return own


def _viewed(message: Message, context: Object, mapping: Mapping) -> Event:
    picked, left = mapping.types["page_viewed"].pick(_object(message.properties))
    if message.name and "title" not in picked:
        picked["title"] = message.name
    return _own("page_viewed", picked, left)


def _tracked(message: Message, context: Object, mapping: Mapping) -> Event | Rejected:
    if not isinstance(message.event, str) or not message.event.strip():
        return Rejected(Reason.BAD_FIELD, "event: expected the name of what happened")
    rule = mapping.track.get(plain(message.event))
    properties = _object(message.properties)
    if rule is None:
        return {"type": "custom", "name": message.event, "properties": properties}
    return _form(rule, properties, mapping) if rule.type == "form_submitted" else _known(rule, properties)


def _known(rule: Rule, properties: Object) -> Event:
    picked, left = rule.fields.pick(properties)
    email = left.pop("email", None)
    own = _own(rule.type, picked, left, rule.fixed)
    own["email"] = email
    return own


def _form(rule: Rule, properties: Object, mapping: Mapping) -> Event:
    """A form's fields are about the form and about the person; a name next to an address is the person's."""
    picked, left = rule.fields.pick(properties)
    email = left.pop("email", None)
    person, left = attributes(flattened(left) if email else left, mapping.attributes)
    return {**_own(rule.type, {**person, **picked}, left, rule.fixed), "email": email}


def _identified(message: Message, context: Object, mapping: Mapping) -> Event:
    traits = flattened(_object(message.traits) or _object(context.get("traits")))
    person, left = attributes(traits, mapping.attributes)
    return {**_own("lead_identified", person, left), "email": traits.get("email")}


def _grouped(message: Message, context: Object, mapping: Mapping) -> Event:
    traits = flattened(_object(message.traits), of_company=True)
    company, left = attributes(traits, mapping.attributes)
    group = identifier(message.group_id)
    return _own("company_identified", {**company, "group_id": group}, left)


def _linked(message: Message, context: Object, mapping: Mapping) -> Event:
    return {"type": "identities_linked"}


_OWN = {
    "page": _viewed,
    "screen": _viewed,
    "track": _tracked,
    "identify": _identified,
    "group": _grouped,
    "alias": _linked,
}
