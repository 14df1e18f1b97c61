"""HubSpot, the shell: handoffs and updates become contacts with notes."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from streams.connectors import hubspot
from streams.connectors.event import Event
from streams.connectors.hubspot import Contact, HubSpot, Write
from streams.connectors.hubspot_contacts import HOST, HubSpotReceiver, asked, failure
from streams.connectors.outcome import Delivered, Outcome


class HubSpotSink(HubSpotReceiver):
    """Finds contacts, writes them, leaves notes; every step may be repeated and changes nothing twice."""

    def __init__(self, settings: HubSpot, host: str = HOST) -> None:
        super().__init__("hubspot", settings.token, settings.key_property, settings.concurrency, host)
        self._settings = settings
        self._notes = self._client.crm.objects.notes.batch_api
        self._associations = self._client.crm.associations.v4.batch_api

    def preview(self, event: Event) -> list[Any]:
        made = hubspot.write(event, None, self._settings)
        if made is None:
            return [{"change": event.change, "of": "the contact, if there is one"}]
        note = hubspot.note(event, Contact("(its id)", None), self._settings)
        return [{"upsert": "contact", "properties": made.properties}, *([{"note": note}] if note else [])]

    def _carried_out(self, events: Sequence[Event]) -> list[Outcome]:
        found = self._find([(event.key, hubspot.address(event, self._settings)) for event in events])
        writes = [hubspot.write(event, at, self._settings) for event, at in zip(events, found, strict=True)]
        outcomes: list[Outcome] = [
            Delivered() if w is not None else Delivered("nothing to change") for w in writes
        ]
        for number, result in self._write([event.key for event in events], writes).items():
            if isinstance(result, Contact):
                known = found[number]
                found[number] = result._replace(owner=known.owner if known else result.owner)
            else:
                outcomes[number] = result
        self._leave_notes(events, found, writes, outcomes)
        return outcomes

    def _leave_notes(
        self,
        events: Sequence[Event],
        found: Sequence[Contact | None],
        writes: Sequence[Write | None],
        outcomes: list[Outcome],
    ) -> None:
        rule = self._settings.note
        wanted = [
            (number, at, note)
            for number, (event, at, outcome) in enumerate(zip(events, found, outcomes, strict=True))
            if at is not None
            and isinstance(outcome, Delivered)
            and (note := hubspot.note(event, at, self._settings))
        ]
        if rule is None or not wanted:
            return
        inputs = [
            {"id": note[rule.id_property], "idProperty": rule.id_property, "properties": note}
            | {"objectWriteTraceId": str(number)}
            for number, _, note in wanted
        ]
        made = asked(self._notes.upsert, {"inputs": inputs})
        ids = {(r.get("properties") or {}).get(rule.id_property): str(r["id"]) for r in made.get("results") or ()}
        errors = hubspot.failed(made.get("errors") or ())
        links = []
        for number, at, note in wanted:
            known = ids.get(note[rule.id_property])
            if known is None:
                outcomes[number] = failure(errors, str(number), note[rule.id_property])
            else:
                links.append({"from": {"id": known}, "to": {"id": at.id}})
        if links:
            asked(partial(self._associations.create_default, "notes", "contacts"), {"inputs": links})
