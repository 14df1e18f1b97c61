"""HubSpot lists, the pure part: which contacts a track's list is to hold, and what is written into them."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from streams.connectors.base import Base
from streams.connectors.event import Event
from streams.connectors.hubspot import PROPERTY, Contact, Write, properties
from streams.connectors.mapping import Fields, Strict, apply
from streams.connectors.nurture.passage import ERASED, MERGED, known
from streams.connectors.nurture.track import Track, memberships
from streams.connectors.secret import SecretSource


class ListTrack(Track):
    """A track and the list that holds its contacts; one that is not there is made."""

    list: str = Field(min_length=1, max_length=200, description="name of a manual contact list")


class ContactRule(Strict):
    """What is written into the contact of whoever is in a track, or once was."""

    fields: Fields


class HubSpotLists(Base):
    """`kind: hubspot-lists`."""

    kind: Literal["hubspot-lists"]
    token: SecretSource
    key_property: str = Field("leadstreams_key", pattern=PROPERTY, description="unique property of contacts")
    match_email: bool = Field(True, description="adopt a contact that has the address already")
    contact: ContactRule
    erase: bool = Field(True, description="an erased person's contact is deleted for good")
    tracks: dict[str, ListTrack] = Field(min_length=1, max_length=50)


class Change(NamedTuple):
    """What one list is to gain and lose: ids of contacts."""

    add: tuple[str, ...]
    remove: tuple[str, ...]


def address(event: Event, settings: HubSpotLists) -> str | None:
    """The address by which the contact may be known already."""
    found = event.data.get("email") if settings.match_email else None
    return found.strip().lower() if isinstance(found, str) and found.strip() else None


def write(event: Event, found: Contact | None, settings: HubSpotLists) -> Write | None:
    """What is to be written for an event; None if nothing is. Who is in no track is not made a contact."""
    if not known(event):
        return None
    if event.change == ERASED:
        return Write(found.id, None) if found is not None and settings.erase else None
    if event.change == MERGED:
        return None  # the person lives on under another key, and with it the contact's words
    if found is None and not any(memberships(event, settings.tracks).values()):
        return None
    values = {**apply(settings.contact.fields, event, settings.neutralise), settings.key_property: event.key}
    return Write(found.id if found is not None else None, properties(values))


def changes(
    events: Sequence[Event], contacts: Sequence[Contact | None], settings: HubSpotLists
) -> Mapping[str, Change]:
    """By the list's name, for all events of a delivery whose contact is there."""
    gained: dict[str, set[str]] = {}
    lost: dict[str, set[str]] = {}
    for event, contact in zip(events, contacts, strict=True):
        if contact is None or not known(event):
            continue
        member = memberships(event, settings.tracks)
        lists = {settings.tracks[name].list for name, inside in member.items() if inside}
        for name in member:
            of = settings.tracks[name].list  # tracks may share a list: to be in one of them is enough
            (gained if of in lists else lost).setdefault(of, set()).add(contact.id)
    return {
        name: Change(tuple(sorted(gained.get(name, ()))), tuple(sorted(lost.get(name, ()))))
        for name in sorted({*gained, *lost})
    }
