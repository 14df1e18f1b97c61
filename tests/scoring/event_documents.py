"""Events as hypothesis draws them: mostly right, and awkward in every way that JSON allows."""

import json
from typing import Any, get_args

from hypothesis import strategies as st

from schemas.event import MODELS
from schemas.feedback import Relationship
from streams.scoring.event import FIELDS

VISIT = {
    "event_id": "e-1",
    "type": "page_viewed",
    "occurred_at": "2026-11-02T01:00:00Z",
    "anonymous_id": "visitor-1",
}


def wire(*fields: dict[str, Any], **more: Any) -> bytes:
    """A page view with other or further fields."""
    event = dict(VISIT)
    for each in (*fields, more):
        event |= each
    return json.dumps(event).encode()


# What may stand anywhere in a JSON document, the awkward included.
TEXT = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    ["", " ", "a" * 101, "a" * 600, "\ud83d", "ab\ude00c", "😀", "1e400", "ａ＠ｂ．jp", "\x00"]
)
NUMBERS = (
    st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from([0, 1, -1, 1.0, -0.0, 2**63 - 1, 2**63, -(2**63) - 1, 10**309, 2**31])
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
EMAILS = st.sampled_from(
    ["mika@example.jp", " Mika@Example.JP ", "ｍｉｋａ＠example.jp", "none", "@", "a@", "a b@c.d"]
)
IDS = st.sampled_from(["visitor-1", "u 17", " ", "\t", "\u3000", "a" * 512, "a" * 513]) | TEXT
TIMES = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z") | st.sampled_from(
    [
        "2026-11-02T10:00:00+09:00",
        "2026-11-02T10:00:00+0900",
        "2026-11-02 10:00:00Z",
        "2026-11-02t10:00:00.1239999z",
        "2026-11-02T10:00:00",
        "2026-11-02",
        "1969-12-31T23:59:59.999Z",
        "1970-01-01T00:59:59+01:00",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59:59.9999Z",
        "2026-11-02T10:00:60Z",
        "2026-13-02T10:00:00Z",
        "1762045200",
    ]
)
OTHER_NAMES = ["at", "received", "extra", "properties", "zz", "constructor", "url ", "Email", "\ud800"]
LIKELY = {
    "event_id": st.sampled_from(["e-1", "0198f3c2-6f0e-7d35-a0c2-53f1a2c9e7b1"]) | TEXT,
    "type": st.sampled_from([*MODELS, "page_view", ""]),
    "occurred_at": TIMES,
    "received_at": TIMES | st.none(),
    "source_kind": st.sampled_from(["browser", "server", "crm", "Browser", "", None]),
    "anonymous_id": IDS,
    "user_id": IDS,
    "email": EMAILS | TEXT,
    "is_machine": st.sampled_from([True, False, None, 0, "true"]),
    "schema_version": st.sampled_from([1, 2, 0, True, 1.0, 2**31, None]),
    "retracts": TEXT,
    "relationship": st.sampled_from([*get_args(Relationship), "friend"]),
    "previous_id": IDS,
    "company_domain": st.sampled_from(["example.jp", " ", 5, None]),
    "properties": st.dictionaries(TEXT, JSON, max_size=3),
}
FIELD_NAMES = st.sampled_from([*sorted(FIELDS), *OTHER_NAMES])


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """An event of any type that is mostly right, with a few fields drawn freely."""
    event: dict[str, Any] = VISIT | {"type": draw(st.sampled_from(sorted(MODELS)))}
    for name in draw(st.lists(st.sampled_from(sorted(LIKELY)), max_size=6)):
        event[name] = draw(LIKELY[name])
    for name in draw(st.lists(FIELD_NAMES, max_size=4)):
        event[name] = draw(JSON)
    for name in draw(st.lists(st.sampled_from(sorted(VISIT)), max_size=1)):
        if draw(st.booleans()):
            del event[name]
    return dict(draw(st.permutations(list(event.items()))))
