"""From bytes to one JSON object that every later step can hold: UTF-8, bounded depth, finite numbers, real text.

This is the careful reader. The hot decoder may only accept what this one accepts, and must then read the same.
"""

import json
import re
from sys import float_info
from typing import Any, NoReturn

from schemas.dead_letter import Reason, Rejected

MAX_DEPTH = 64
"""Levels of arrays and objects, the event itself included: deeper ones are attacks, and recursion has an end."""

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
"""Beyond 64 bits an integer is read as a double: neither the state format nor a sink could hold it."""

_LARGEST = int(float_info.max)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")

_NOT_A_NUMBER = Rejected(Reason.NOT_REPRESENTABLE, "expected finite numbers that a double can hold")

Document = dict[str, Any]


def read(raw: bytes) -> Document | Rejected:
    """The JSON object in `raw`. Of a repeated name the last counts. Lone surrogates become U+FFFD, as browsers cut
    text there; but an identity with one is refused, since two damaged texts must not become one person.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Rejected(Reason.BAD_UTF8, "expected UTF-8")
    if _too_deep(raw):
        return Rejected(Reason.TOO_DEEP, f"expected at most {MAX_DEPTH} levels of nesting")
    tree = _load(text)
    if isinstance(tree, Rejected):
        return tree
    if not isinstance(tree, dict):
        return Rejected(Reason.BAD_JSON, "expected one JSON object")
    if not _finite(tree):
        return _NOT_A_NUMBER
    if "\\u" not in text:
        return _held_object(tree)
    for name in _IDENTITIES:
        if isinstance(tree.get(name), str) and _SURROGATE.search(tree[name]):
            return Rejected(Reason.NOT_REPRESENTABLE, f"{name}: expected Unicode text")
    return _held_object(_whole(tree))


def _too_deep(raw: bytes) -> bool:
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for token in _TOKEN.finditer(raw):
        mark = token[0]
        if mark in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif mark in b"]}":
            depth -= 1
    return False


class _Constant(ValueError):
    """NaN or Infinity in place of a number."""


def _refuse_constant(_: str) -> NoReturn:
    raise _Constant


def _load(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        return Rejected(Reason.BAD_JSON, f"expected JSON: broken at character {error.pos}")
    except ValueError:  # a constant, or an integer of more digits than Python converts
        return _NOT_A_NUMBER


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list):
        return all(map(_finite, value))
    return not isinstance(value, int | float) or -_LARGEST <= value <= _LARGEST


_IDENTITIES = ("event_id", "email", "user_id", "anonymous_id", "previous_id", "retracts")


def _held_object(tree: Document) -> Document:
    return {name: _held(inner) for name, inner in tree.items()}


def _held(value: Any) -> Any:
    """The same with integers of 64 bits and doubles beyond."""
    if isinstance(value, dict):
        return _held_object(value)
    if isinstance(value, list):
        return [_held(inner) for inner in value]
    return float(value) if type(value) is int and not INT_MIN <= value <= INT_MAX else value


def _whole(value: Any) -> Any:
    """The same with U+FFFD for lone surrogates."""
    if isinstance(value, dict):
        return {_whole(name): _whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value
