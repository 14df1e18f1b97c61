"""Requests of providers: the samples in tests/samples/hooks, signed as its make_signatures.mjs recorded."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from multidict import CIMultiDict

from streams.collector.event_time import parse_instant
from streams.collector.request import RequestParts

FOLDER = Path(__file__).parents[1] / "samples" / "hooks"


def sample(name: str) -> Any:
    """A provider's payload as its documentation shows it."""
    return json.loads((FOLDER / f"{name}.json").read_text())


@cache
def signed() -> dict[str, Any]:
    """The recorded signatures."""
    found: dict[str, Any] = sample("signatures")
    return found


def made_at() -> int:
    """When they were recorded, Unix milliseconds."""
    return int(signed()["made_at"])


def at(text: str) -> int:
    """Unix milliseconds of an instant."""
    found = parse_instant(text)
    assert found is not None
    return found


def request(
    body: bytes | str, headers: dict[str, str] | None = None, *, rest: str = "", token: str = ""
) -> RequestParts:
    """A request as the edge hands it on."""
    raw = body.encode() if isinstance(body, str) else body
    sent = CIMultiDict(headers or {})
    return RequestParts(
        "hook",
        raw,
        sent.get("Authorization"),
        "",
        "nonce",
        raw,
        rest,
        {"token": token} if token else {},
        sent,
    )
