"""HubSpot lists, the shell: contacts first, then each list's change in one call."""

from collections.abc import Sequence
from functools import partial
from threading import Lock
from typing import Any, Final

from hubspot.crm.lists import ApiException as ListError

from streams import topics
from streams.connectors.event import Event
from streams.connectors.hubspot import Contact
from streams.connectors.hubspot_contacts import HOST, HubSpotReceiver, asked
from streams.connectors.nurture import hubspot_lists, passage
from streams.connectors.nurture.hubspot_lists import Change, HubSpotLists
from streams.connectors.nurture.track import memberships
from streams.connectors.outcome import Delivered, Outcome, Postponed

CONTACTS: Final = "0-1"
"""The type of object that the lists hold."""
MANUAL: Final = "MANUAL"


class HubSpotListsSink(HubSpotReceiver):
    """Puts contacts into lists and takes them out; every step may be repeated and changes nothing twice."""

    topic = topics.LEAD_TRANSITIONS
    read = staticmethod(passage.decode)

    def __init__(self, settings: HubSpotLists, host: str = HOST) -> None:
        super().__init__("hubspot-lists", settings.token, settings.key_property, settings.concurrency, host)
        self._settings = settings
        self._lists = self._client.crm.lists.lists_api
        self._memberships = self._client.crm.lists.memberships_api
        self._ids: dict[str, str] = {}
        self._looking = Lock()

    def preview(self, event: Event) -> list[Any]:
        if not passage.known(event):
            return []
        made = hubspot_lists.write(event, None, self._settings)
        written = [] if made is None else [{"upsert": "contact", "properties": made.properties}]
        return [*written, {"tracks": memberships(event, self._settings.tracks)}]

    def _carried_out(self, events: Sequence[Event]) -> list[Outcome]:
        outcomes: list[Outcome] = [Delivered("nobody to change")] * len(events)
        known = [number for number, event in enumerate(events) if passage.known(event)]
        made = self._moved([events[number] for number in known]) if known else []
        for number, outcome in zip(known, made, strict=True):
            outcomes[number] = outcome
        return outcomes

    def _moved(self, events: Sequence[Event]) -> list[Outcome]:
        """Contacts as they should be, then lists."""
        outcomes: list[Outcome] = [Delivered()] * len(events)
        found = self._find([(event.key, hubspot_lists.address(event, self._settings)) for event in events])
        writes = [hubspot_lists.write(event, at, self._settings) for event, at in zip(events, found, strict=True)]
        for number, result in self._write([event.key for event in events], writes).items():
            if isinstance(result, Contact):
                found[number] = result
            else:
                found[number], outcomes[number] = None, result
        for number, made in enumerate(writes):
            if made is not None and made.properties is None:  # deleted, and gone from all lists with that
                found[number] = None
        new = self._in_lists(events, found)
        for number, contact in enumerate(found):
            if contact is not None and contact.id in new:
                outcomes[number] = Postponed("the contact is not known to the lists yet")
        return outcomes

    def _in_lists(self, events: Sequence[Event], found: Sequence[Contact | None]) -> set[str]:
        """Ids that the lists do not know: contacts made a moment ago."""
        changed = hubspot_lists.changes(events, found, self._settings)
        return {one for name, change in changed.items() for one in self._change(name, change)}

    def _change(self, name: str, change: Change) -> set[str]:
        """Carries out a list's change; gives those that could not be added because the lists do not know them."""
        body = {"recordIdsToAdd": list(change.add), "recordIdsToRemove": list(change.remove)}
        try:
            answer = asked(partial(self._memberships.add_and_remove, self._id(name)), body)
        except ListError as error:
            if error.status == 404:  # somebody deleted the list: it is looked for, and made, next time
                self._ids.pop(name, None)
            raise
        return set(change.add) & {str(one) for one in answer.get("recordIdsMissing") or ()}

    def _id(self, name: str) -> str:
        with self._looking:
            if name not in self._ids:
                self._ids[name] = self._known(name) or self._made(name)
            return self._ids[name]

    def _known(self, name: str) -> str | None:
        try:
            answer = asked(partial(_without_body, self._lists.get_by_name, name), {})
        except ListError as error:
            if error.status != 404:
                raise
            return None
        return str(answer["list"]["listId"])

    def _made(self, name: str) -> str:
        body = {"name": name, "objectTypeId": CONTACTS, "processingType": MANUAL}
        try:
            return str(asked(self._lists.create, body)["list"]["listId"])
        except ListError:
            if (known := self._known(name)) is None:  # else another connector made it just now
                raise
            return known


def _without_body(call: Any, name: str, _body: object, **options: Any) -> Any:
    return call(name, CONTACTS, **options)
