"""What a person sees of others' data who needs none: that something is known, not what."""

from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from streams.words import LANES

HIDDEN: Final = "•••"
PERSONAL: Final = ("name", "email", "message", "title")
"""Fields of what is listed that say who somebody is, or hold their own words."""

T = TypeVar("T", bound=msgspec.Struct)


def masked(found: T) -> T:
    """The same with HIDDEN in place of what is personal; what is unknown stays unknown."""
    fields = {name: HIDDEN for name in PERSONAL if getattr(found, name, None)}
    if any(str(getattr(found, "reason", "")).startswith(said) for said in LANES["promoted"]):
        fields["reason"] = HIDDEN  # what somebody wrote of the person
    return replace(found, **fields) if fields else found


def masked_values(value: Any) -> Any:
    """A document's shape: its keys, with HIDDEN for every text and number in it, but for what is no person's."""
    match value:
        case dict():
            return {name: kept if name in PLAIN else masked_values(kept) for name, kept in value.items()}
        case list():
            return [masked_values(one) for one in value]
        case bool() | None:
            return value
    return HIDDEN


PLAIN: Final = frozenset(
    {
        *(
            "type",
            "event_id",
            "occurred_at",
            "received_at",
            "source",
            "source_kind",
            "schema_version",
            "form_type",
        ),
        *("offer_type", "library", "is_machine", "machine_reason"),
    }
)
"""Fields of an event that say nothing of who did it."""
