"""HubSpot, the shell: `hubspot-api-client` in threads, one delivery being a few batch calls."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import urllib3
from hubspot import Client
from hubspot.crm.associations.v4 import ApiException as AssociationError
from hubspot.crm.contacts import ApiException as ContactError
from hubspot.crm.objects.notes import ApiException as NoteError

from streams.connectors import hubspot
from streams.connectors.base import Receiver, everyone
from streams.connectors.event import Event
from streams.connectors.http import TIMEOUT_S
from streams.connectors.hubspot import BATCH, Contact, HubSpot, Write
from streams.connectors.outcome import Delivered, Outcome, Postponed, Refused

HOST: Final = "https://api.hubapi.com"
ERRORS: Final = (ContactError, NoteError, AssociationError)
Answer = Mapping[str, Any]


class HubSpotSink(Receiver):
    """Finds contacts, writes them, leaves notes; every step may be repeated and changes nothing twice."""

    batch = BATCH

    def __init__(self, settings: HubSpot, host: str = HOST) -> None:
        self._settings = settings
        token = settings.token.read().get_secret_value()
        client = Client.create(access_token=token, host=host, retry=urllib3.Retry(0))
        self._contacts = client.crm.contacts.batch_api
        self._erasure = client.crm.contacts.basic_api
        self._notes = client.crm.objects.notes.batch_api
        self._associations = client.crm.associations.v4.batch_api
        self._threads = ThreadPoolExecutor(settings.concurrency, "hubspot")

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def preview(self, event: Event) -> list[Any]:
        made = hubspot.write(event, None, self._settings)
        if made is None:
            return [{"change": event.change, "of": "the contact, if there is one"}]
        note = hubspot.note(event, Contact("(its id)", None), self._settings)
        return [{"upsert": "contact", "properties": made.properties}, *([{"note": note}] if note else [])]

    async def deliver(self, events: Sequence[Event]) -> list[Outcome]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._deliver, events)

    def _deliver(self, events: Sequence[Event]) -> list[Outcome]:
        try:
            return self._carried_out(events)
        except ERRORS as error:
            outcome = hubspot.judge(error.status or 500, error.headers or {}, error.body, _now())
        except urllib3.exceptions.HTTPError as error:
            outcome = Postponed(type(error).__name__, everyone=True)
        culpable = isinstance(outcome, Refused) or outcome == hubspot.CONFLICT
        if culpable and len(events) > 1:  # a bad input fails its whole batch: find out which
            return [found for event in events for found in self._deliver([event])]
        return everyone(outcome, events)

    # --- one delivery

    def _carried_out(self, events: Sequence[Event]) -> list[Outcome]:
        found = self._find(events)
        writes = [hubspot.write(event, at, self._settings) for event, at in zip(events, found, strict=True)]
        outcomes: list[Outcome] = [
            Delivered() if w is not None else Delivered("nothing to change") for w in writes
        ]
        for number, result in self._write(events, writes).items():
            if isinstance(result, Contact):
                known = found[number]
                found[number] = result._replace(owner=known.owner if known else result.owner)
            else:
                outcomes[number] = result
        self._leave_notes(events, found, writes, outcomes)
        return outcomes

    def _find(self, events: Sequence[Event]) -> list[Contact | None]:
        by_key = self._read(self._settings.key_property, [event.key for event in events])
        missing = {a for e in events if e.key not in by_key and (a := hubspot.address(e, self._settings))}
        by_address = self._read("email", sorted(missing))
        return [by_key.get(e.key) or by_address.get(hubspot.address(e, self._settings) or "") for e in events]

    def _read(self, id_property: str, values: Sequence[str]) -> dict[str, Contact]:
        if not values:
            return {}
        wanted = sorted({self._settings.key_property, "email", "hubspot_owner_id"})
        inputs = [{"id": value} for value in values]
        body = {"idProperty": id_property, "properties": wanted, "propertiesWithHistory": [], "inputs": inputs}
        found: dict[str, Contact] = {}
        for contact in _answer(self._contacts.read, body).get("results") or ():
            of = contact.get("properties") or {}
            value = str(of.get(id_property) or "")
            name = value.lower() if id_property == "email" else value
            found[name] = Contact(str(contact["id"]), of.get("hubspot_owner_id") or None)
        return found

    def _write(self, events: Sequence[Event], writes: Sequence[Write | None]) -> dict[int, Contact | Outcome]:
        """For each write by its number: its contact, or what went wrong."""
        results: dict[int, Contact | Outcome] = {}
        made = [(number, made) for number, made in enumerate(writes) if made is not None]
        results |= self._update([(n, w) for n, w in made if w.id is not None and w.properties is not None])
        results |= self._upsert(events, [(n, w) for n, w in made if w.id is None])
        for _, erased in [(n, w) for n, w in made if w.properties is None]:
            self._erase(str(erased.id))
        return results

    def _update(self, writes: Sequence[tuple[int, Write]]) -> dict[int, Contact | Outcome]:
        if not writes:
            return {}
        inputs = [{"id": w.id, "properties": w.properties, "objectWriteTraceId": str(n)} for n, w in writes]
        answer = _answer(self._contacts.update, {"inputs": inputs})
        ok = {str(result["id"]) for result in answer.get("results") or ()}
        errors = hubspot.failed(answer.get("errors") or ())
        return {
            n: Contact(str(w.id), None) if w.id in ok else _error(errors, str(n), str(w.id)) for n, w in writes
        }

    def _upsert(
        self, events: Sequence[Event], writes: Sequence[tuple[int, Write]]
    ) -> dict[int, Contact | Outcome]:
        if not writes:
            return {}
        name = self._settings.key_property
        inputs = [
            {"id": events[n].key, "idProperty": name, "properties": w.properties, "objectWriteTraceId": str(n)}
            for n, w in writes
        ]
        answer = _answer(self._contacts.upsert, {"inputs": inputs})
        ids = {(r.get("properties") or {}).get(name): str(r["id"]) for r in answer.get("results") or ()}
        errors = hubspot.failed(answer.get("errors") or ())
        keys = {n: events[n].key for n, _ in writes}
        return {
            n: Contact(ids[key], None) if key in ids else _error(errors, str(n), key) for n, key in keys.items()
        }

    def _erase(self, contact: str) -> None:
        """For good, as the GDPR wants it; one that is gone already is as it should be."""
        try:
            _answer(self._erasure.purge, {"objectId": contact})
        except ContactError as error:
            if error.status != 404:
                raise

    def known(self, ids: Sequence[str], properties: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Contacts by id, for what HubSpot's webhooks leave out. Raises ERRORS, urllib3's HTTPError; blocks."""
        found: dict[str, Mapping[str, str]] = {}
        for first in range(0, len(ids), BATCH):
            inputs = [{"id": one} for one in ids[first : first + BATCH]]
            body = {"properties": list(properties), "propertiesWithHistory": [], "inputs": inputs}
            for contact in _answer(self._contacts.read, body).get("results") or ():
                of = contact.get("properties") or {}
                found[str(contact["id"])] = {name: str(value) for name, value in of.items() if value is not None}
        return found

    # --- notes

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
        answer = _answer(self._notes.upsert, {"inputs": inputs})
        ids = {
            (r.get("properties") or {}).get(rule.id_property): str(r["id"]) for r in answer.get("results") or ()
        }
        errors = hubspot.failed(answer.get("errors") or ())
        links = []
        for number, at, note in wanted:
            made = ids.get(note[rule.id_property])
            if made is None:
                outcomes[number] = _error(errors, str(number), note[rule.id_property])
            else:
                links.append({"from": {"id": made}, "to": {"id": at.id}})
        if links:
            _answer(partial(self._associations.create_default, "notes", "contacts"), {"inputs": links})


def _answer(call: Any, body: Mapping[str, Any]) -> Answer:
    """The JSON of an answer. Raises the API's errors, urllib3's HTTPError."""
    response = call(body, _request_timeout=TIMEOUT_S, _preload_content=False)
    return json.loads(response.data or b"{}") or {}


def _error(errors: Mapping[str, Outcome], *names: str) -> Outcome:
    known = (errors[name] for name in names if name in errors)
    return next(known, Postponed("neither confirmed nor refused"))


def _now() -> int:
    return time.time_ns() // 1_000_000
