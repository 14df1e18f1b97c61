"""The Segment HTTP tracking API v1 as it arrives: one message, or a batch of them whose raw bytes are kept."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from schemas.dead_letter import Reason, Rejected
from schemas.document import read

METHODS: Final = ("track", "identify", "page", "screen", "group", "alias")
SHORT: Final = {
    "t": "track",
    "i": "identify",
    "p": "page",
    "s": "screen",
    "g": "group",
    "a": "alias",
    "b": "batch",
}
BATCHES: Final = ("batch", "import")

MAX_MESSAGE = 32 * 1024
"""Bytes of one message, the tracking API's own limit."""

MAX_MESSAGES = 2500
"""Messages of one batch, the tracking API's own limit."""

MAX_DEPTH = 60
"""Levels of nesting in a message. The contract allows 64, of which the event and its `properties` take two."""


class Message(msgspec.Struct, rename="camel", gc=False):
    """One call of a tracker. Every field may hold anything: trackers differ and are not refused for it."""

    type: object = None
    message_id: object = None
    anonymous_id: object = None
    user_id: object = None
    previous_id: object = None
    group_id: object = None
    event: object = None
    name: object = None
    category: object = None
    properties: object = None
    traits: object = None
    context: object = None
    timestamp: object = None
    original_timestamp: object = None
    sent_at: object = None
    write_key: object = None


class Batch(msgspec.Struct, rename="camel"):
    """Several calls, with what they have in common."""

    batch: list[msgspec.Raw]
    context: object = None
    sent_at: object = None
    write_key: object = None


_message = msgspec.json.Decoder(Message)
_batch = msgspec.json.Decoder(Batch)
_HUGE_DIGITS = 309  # an integer of so many digits may be beyond a double
_HUGE = re.compile(rb"[0-9]{%d}" % _HUGE_DIGITS)
_values = json.JSONDecoder()
_COMMON = frozenset({"context", "sentAt", "writeKey"})
_IDENTITIES = ("message_id", "anonymous_id", "user_id", "previous_id")
_TOO_DEEP = Rejected(Reason.TOO_DEEP, f"expected at most {MAX_DEPTH} levels of nesting")


def parse_message(raw: bytes) -> Message | Rejected:
    """The message, or why it is not one."""
    try:
        message = _message.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _careful_message(raw)
    digits = len(raw) - len(raw.translate(None, b"0123456789"))
    if digits >= _HUGE_DIGITS and _HUGE.search(raw):
        return _careful_message(raw)
    brackets = raw.count(b"{") + raw.count(b"[")  # far cheaper than a walk, and decides almost every message
    return _TOO_DEEP if brackets > MAX_DEPTH and _too_deep(message) else message


def _careful_message(raw: bytes) -> Message | Rejected:
    """The contract's own reader: it says what is wrong, and mends text that was cut in the middle of a character.

    A mended identity is not used: two damaged texts must not become one person.
    """
    document = read(raw)
    if isinstance(document, Rejected):
        return document
    message = msgspec.convert(document, Message)
    for field in _IDENTITIES:
        if "\ufffd" in str(getattr(message, field)):
            setattr(message, field, None)
    return _TOO_DEEP if _too_deep(message) else message


def parse_batch(raw: bytes) -> Batch | Rejected:
    """The batch, or why it is not one. Its messages need not be valid as long as they can be told apart."""
    try:
        return _batch.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _careful_batch(raw) or Rejected(Reason.BAD_JSON, "expected a JSON object with a list named batch")


def _careful_batch(raw: bytes) -> Batch | None:
    """A batch in which a message holds NaN, bad UTF-8 or half a character, split where JSON says.

    Latin-1 gives each byte one character, so that positions in the text are positions in the bytes.
    """
    text = raw.decode("latin-1")
    try:
        members = {name: (start, end) for name, start, end in _members(text)}
        start, _ = members.pop("batch")
        messages = [msgspec.Raw(raw[a:b]) for a, b in _elements(text, start)]
        common = {name: json.loads(raw[a:b]) for name, (a, b) in members.items() if name in _COMMON}
    except (ValueError, KeyError, IndexError, RecursionError):
        return None
    return Batch(messages, common.get("context"), common.get("sentAt"), common.get("writeKey"))


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of each value in the object that is the text. Raises ValueError or IndexError."""
    position = _after(text, 0, "{")
    while True:
        name, position = _values.raw_decode(text, _skip(text, position))
        start = _skip(text, _after(text, position, ":"))
        _, position = _values.raw_decode(text, start)
        yield name, start, position
        position = _skip(text, position)
        if text[position] == "}":
            return
        position = _after(text, position, ",")


def _elements(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Start and end of each element of the list at `start`. Raises ValueError or IndexError."""
    position = _skip(text, _after(text, start, "["))
    while text[position] != "]":
        _, end = _values.raw_decode(text, position)
        yield position, end
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position


def _after(text: str, position: int, mark: str) -> int:
    position = _skip(text, position)
    if text[position] != mark:
        raise ValueError(mark)
    return position + 1


def _too_deep(message: Message) -> bool:
    level = _containers((message.properties, message.traits, message.context))
    for _ in range(MAX_DEPTH - 1):
        if not level:
            return False
        level = [
            child
            for container in level
            for child in _containers(container.values() if isinstance(container, dict) else container)
        ]
    return bool(level)


def _containers(values: Iterable[object]) -> list[dict[str, object] | list[object]]:
    return [value for value in values if isinstance(value, dict | list)]
