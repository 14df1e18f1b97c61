"""The adapter of Snowplow's trackers, in the terms of the tracking API's messages.

Snowplow sends no secret: the application id (`aid`) is the write key, unless the endpoint is given as
`http://KEY:@host` and the key comes as Basic authorization.
"""

from collections.abc import Iterable, Mapping

import msgspec

from schemas.dead_letter import Rejected
from streams.collector.mapping import Mapping as MappingFile
from streams.collector.mapping import plain
from streams.collector.message import Message
from streams.collector.request import (
    ACCEPTED,
    PICTURE,
    Adapted,
    DeadMessage,
    Event,
    Refusal,
    RequestParts,
    Route,
    Source,
    SourceKind,
)
from streams.collector.segment import event_id
from streams.collector.snowplow_payload import (
    Fields,
    Object,
    SelfDescribing,
    embedded,
    entities,
    parse_batch,
    parse_fields,
    self_describing,
)
from streams.collector.translation import Arrival, translate
from streams.collector.write_keys import UNAUTHORIZED, Keys, basic_user

_UNTOLD = {"change_form", "focus_form"}
"""Events about a field that was not sent yet: what was typed into it is not ours to keep."""


class SnowplowAdapter:
    """Turns Snowplow's events into the contract's. Its trackers repeat whatever is not 2xx, 400 or 401."""

    def __init__(self, keys: Keys, mapping: MappingFile) -> None:
        self._keys = keys
        self._mapping = mapping

    def routes(self) -> list[Route]:
        """Where trackers post, and where they send images and single events."""
        return [
            Route("POST", "/com.snowplowanalytics.snowplow/tp2", "snowplow_post", self.posted),
            Route("GET", "/i", "snowplow_get", self.got),
        ]

    def got(self, parts: RequestParts, received_at: int) -> Adapted | Refusal:
        """One event in an address. The answer is a picture, but its status counts."""
        raw = msgspec.json.encode(dict(parts.query))
        adapted = self._adapt(parts, received_at, [raw])
        if isinstance(adapted, Refusal):
            return adapted
        return Refusal(400, *adapted.dead[0][:2]) if adapted.dead else adapted._replace(answer=PICTURE)

    def posted(self, parts: RequestParts, received_at: int) -> Adapted | Refusal:
        """Several events. One that is bad becomes a dead letter and the others are accepted."""
        raws = parse_batch(parts.body)
        return Refusal(400, *raws) if isinstance(raws, Rejected) else self._adapt(parts, received_at, raws)

    def _adapt(self, parts: RequestParts, received_at: int, raws: Iterable[bytes]) -> Adapted | Refusal:
        parsed = [(raw, parse_fields(raw)) for raw in raws]
        source = self._source(parts, [fields for _, fields in parsed if not isinstance(fields, Rejected)])
        if source is None:
            return UNAUTHORIZED
        arrival = Arrival(received_at, None, {}, parts.user_agent if source.kind is SourceKind.BROWSER else "")
        adapted = Adapted(source, [], [], ACCEPTED)
        for number, (raw, fields) in enumerate(parsed):
            nonce = f"{parts.nonce}.{number}"
            outcome = fields if isinstance(fields, Rejected) else self._event(fields, raw, arrival, nonce)
            if isinstance(outcome, Rejected):
                adapted.dead.append(DeadMessage(*outcome, raw))
            else:
                adapted.events.append(outcome)
        return adapted

    def _source(self, parts: RequestParts, events: list[Fields]) -> Source | None:
        """The sender. All events of a request must be of one, or a known key would let in an unknown one."""
        presented = basic_user(parts.authorization)
        if presented is not None:
            return self._keys.find(presented)
        named = {event.get("aid", "") for event in events}
        return self._keys.find(named.pop()) if len(named) == 1 else None

    def _event(self, fields: Fields, raw: bytes, arrival: Arrival, nonce: str) -> Event | Rejected:
        described = _described(fields)
        if isinstance(described, Rejected):
            return described
        around = {entity.name: entity.data for entity in entities(fields)}
        message = _message(fields, around)
        if described is None and fields.get("e") == "pv":
            message.properties = {}
            return translate("page", message, event_id(message, raw, nonce), arrival, self._mapping)
        names, message.properties = _told(fields, described)
        message.event = self._known(names)
        event = translate("track", message, event_id(message, raw, nonce), arrival, self._mapping)
        if described is not None and not isinstance(event, Rejected):
            event["schema"] = described.schema
        return event

    def _known(self, names: list[str]) -> str:
        """The first name that the mapping file has, else the last."""
        return next((name for name in names if plain(name) in self._mapping.track), names[-1])


def _described(fields: Fields) -> SelfDescribing | Rejected | None:
    if fields.get("e") != "ue":
        return None
    outer = embedded(fields, "ue_pr", "ue_px")
    return outer if isinstance(outer, Rejected) else self_describing(outer.get("data")) or SelfDescribing("", {})


def _told(fields: Fields, described: SelfDescribing | None) -> tuple[list[str], Object]:
    """What happened, under the names that the mapping may know it by, and its details."""
    if described is not None:
        vendor = described.schema.removeprefix("iglu:").partition("/")[0]
        return [f"{vendor} {described.name}", described.name], _details(described)
    kind = fields.get("e", "")
    if kind == "se":
        known = {"category": "se_ca", "action": "se_ac", "label": "se_la", "property": "se_pr", "value": "se_va"}
        details = {name: fields[short] for name, short in known.items() if short in fields}
        action = details.get("action", "")
        return [f"{details.get('category', '')} {action}", action], details
    own = {name: value for name, value in fields.items() if name.startswith(f"{kind}_")}
    return [_KINDS.get(kind, kind)], own


_KINDS = {"pp": "page_ping", "tr": "transaction", "ti": "transaction_item", "ad": "ad_impression"}


def _details(described: SelfDescribing) -> Object:
    data = dict(described.data)
    if described.name in _UNTOLD:
        data.pop("value", None)
    if described.name == "submit_form":
        data |= _filled_in(data.pop("elements", None))
    return data


def _filled_in(elements: object) -> dict[str, object]:
    """A form's fields by their names; whatever its name, a field for addresses holds the address."""
    found: dict[str, object] = {}
    for element in elements if isinstance(elements, list) else []:
        if isinstance(element, dict) and isinstance(element.get("name"), str):
            name = "email" if element.get("type") == "email" else element["name"]
            found.setdefault(name, element.get("value"))
    return found


def _message(fields: Fields, around: Mapping[str, Object]) -> Message:
    """Who, when and where, as a message of the tracking API."""
    session, user = around.get("client_session", {}), around.get("user", {})
    page = {"url": fields.get("url"), "title": fields.get("page"), "referrer": fields.get("refr")}
    context: dict[str, object] = {
        "page": page,
        "userAgent": fields.get("ua"),
        "locale": fields.get("lang"),
        "timezone": fields.get("tz"),
        "library": {"name": fields.get("tv")},
        "sessionId": fields.get("sid") or session.get("sessionId"),
        "traits": {"email": user.get("email")},
    }
    true_time = _number(fields.get("ttm"))
    return Message(
        message_id=fields.get("eid"),
        user_id=fields.get("uid") or user.get("id"),
        anonymous_id=_device(fields, session),
        context=context,
        original_timestamp=_number(fields.get("dtm")) if true_time is None else true_time,
        sent_at=_number(fields.get("stm")) if true_time is None else None,
    )


def _device(fields: Fields, session: Object) -> object:
    """The device; where it is not told, for privacy's sake, what belongs together is one session."""
    told = fields.get("duid") or session.get("userId") or fields.get("nuid") or fields.get("tnuid")
    return told or fields.get("sid")


def _number(text: str | None) -> int | None:
    """Unix milliseconds as trackers write them: up to 15 digits, enough for thirty thousand years."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 15 else None
