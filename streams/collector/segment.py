"""The adapter of the Segment HTTP tracking API v1, which RudderStack's SDKs speak as well."""

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from hashlib import blake2b

from schemas.dead_letter import Reason, Rejected
from streams.collector.event_time import parse_instant
from streams.collector.mapping import Mapping
from streams.collector.message import (
    BATCHES,
    MAX_MESSAGE,
    MAX_MESSAGES,
    METHODS,
    SHORT,
    Batch,
    Message,
    parse_batch,
    parse_message,
)
from streams.collector.request import (
    PICTURE,
    Adapted,
    Answer,
    DeadMessage,
    Event,
    Refusal,
    RequestParts,
    Route,
    Source,
    SourceKind,
)
from streams.collector.translation import Arrival, translate
from streams.collector.write_keys import UNAUTHORIZED, Keys, basic_user

MAX_EVENT_ID = 100  # characters, the contract's limit


class SegmentAdapter:
    """Turns tracker messages into events.

    In a batch a bad message becomes a dead letter and the others are accepted, so that one of them cannot make a
    sender repeat or lose the whole batch; a bad single call is refused.
    """

    def __init__(self, keys: Keys, mapping: Mapping) -> None:
        self._keys = keys
        self._mapping = mapping

    def routes(self) -> list[Route]:
        """Long and short paths, and the pixel."""
        named = [*((name, name) for name in (*METHODS, *BATCHES)), *SHORT.items()]
        calls = [Route("POST", f"/v1/{path}", name, self) for path, name in named]
        return [*calls, Route("GET", "/v1/pixel/*", "pixel", self.pixel, always=PICTURE)]

    def pixel(self, parts: RequestParts, received_at: int) -> Adapted | Refusal | Answer:
        """A call in an image's address; what `data` holds is its body."""
        method = SHORT.get(parts.rest, parts.rest)
        body = pixel_body(parts.query.get("data", ""))
        return self(parts._replace(method=method, body=body), received_at)

    def __call__(self, parts: RequestParts, received_at: int) -> Adapted | Refusal:
        """What the request means. `parts.method` is a long method name."""
        if parts.method in BATCHES:
            return self._adapt_batch(parts, received_at)
        if parts.method in METHODS:
            return self._adapt_single(parts, received_at)
        return Refusal(400, "unknown_method", "no such method of the tracking API")

    def _source(self, parts: RequestParts, in_body: object) -> Source | None:
        presented = basic_user(parts.authorization) or in_body
        return self._keys.find(presented) if isinstance(presented, str) else None

    def _adapt_single(self, parts: RequestParts, received_at: int) -> Adapted | Refusal:
        if len(parts.body) > MAX_MESSAGE:
            return Refusal(400, Reason.OVERSIZE, f"an event is at most {MAX_MESSAGE} bytes")
        message = parse_message(parts.body)
        if isinstance(message, Rejected):
            return Refusal(400, *message)
        source = self._source(parts, message.write_key)
        if source is None:
            return UNAUTHORIZED
        arrival = _arrival(parts, source, received_at)
        outcome = self._event(parts.method, message, parts.body, arrival, parts.nonce)
        if isinstance(outcome, DeadMessage):
            return Refusal(400, outcome.reason, outcome.detail)
        return Adapted(source, [outcome], [])

    def _adapt_batch(self, parts: RequestParts, received_at: int) -> Adapted | Refusal:
        batch = parse_batch(parts.body)
        if isinstance(batch, Rejected):
            return Refusal(400, *batch)
        source = self._source(parts, batch.write_key)
        if source is None:
            return UNAUTHORIZED
        if len(batch.batch) > MAX_MESSAGES:
            return Refusal(400, Reason.OVERSIZE, f"a batch holds at most {MAX_MESSAGES} messages")
        return self._adapt_messages(batch, source, _arrival(parts, source, received_at, batch), parts.nonce)

    def _adapt_messages(self, batch: Batch, source: Source, arrival: Arrival, nonce: str) -> Adapted:
        adapted = Adapted(source, [], [])
        for number, element in enumerate(batch.batch):
            raw = bytes(element)
            outcome = self._element(raw, arrival, f"{nonce}.{number}")
            if isinstance(outcome, DeadMessage):
                adapted.dead.append(outcome)
            else:
                adapted.events.append(outcome)
        return adapted

    def _element(self, raw: bytes, arrival: Arrival, nonce: str) -> Event | DeadMessage:
        if len(raw) > MAX_MESSAGE:
            return DeadMessage(Reason.OVERSIZE, f"a message is at most {MAX_MESSAGE} bytes", raw)
        message = parse_message(raw)
        if isinstance(message, Rejected):
            return DeadMessage(*message, raw)
        if message.type not in METHODS:
            return DeadMessage(Reason.UNKNOWN_TYPE, "the message's type is not a method of the tracking API", raw)
        return self._event(str(message.type), message, raw, arrival, nonce)

    def _event(
        self, method: str, message: Message, raw: bytes, arrival: Arrival, nonce: str
    ) -> Event | DeadMessage:
        outcome = translate(method, message, event_id(message, raw, nonce), arrival, self._mapping)
        return DeadMessage(*outcome, raw) if isinstance(outcome, Rejected) else outcome


def _arrival(parts: RequestParts, source: Source, received_at: int, batch: Batch | None = None) -> Arrival:
    """What a request's messages have in common. Only a browser's own User-Agent header tells about the visitor."""
    context = batch.context if batch and isinstance(batch.context, dict) else {}
    user_agent = parts.user_agent if source.kind is SourceKind.BROWSER else ""
    sent_at = parse_instant(batch.sent_at) if batch else None
    return Arrival(received_at, sent_at, context, user_agent)


def event_id(message: Message, raw: bytes, nonce: str) -> str:
    """The message's own id, so that a repeat is known as one; a long id is hashed.

    Without an id, a message that carries its time is known by its bytes; without either it is like no other.
    """
    given = message.message_id
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if isinstance(given, str) and given:
        return given if len(given) <= MAX_EVENT_ID else _hashed(given.encode())
    dated = message.timestamp is not None or message.original_timestamp is not None
    return _hashed(raw) if dated else _hashed(raw + nonce.encode())


def _hashed(text: bytes) -> str:
    return "h-" + blake2b(text, digest_size=16).hexdigest()


def pixel_body(data: str) -> bytes:
    """The message in a pixel's `data` parameter, which is base64 of either alphabet; empty if it is neither."""
    try:
        return urlsafe_b64decode(data.replace("+", "-").replace("/", "_").replace(" ", "-") + "===")
    except (Base64Error, ValueError):
        return b""
