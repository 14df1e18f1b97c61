"""HubSpot's contacts, the shell: `hubspot-api-client` in threads, one delivery being a few batch calls."""

import json
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final

import urllib3
from hubspot import Client
from hubspot.crm.associations.v4 import ApiException as AssociationError
from hubspot.crm.contacts import ApiException as ContactError
from hubspot.crm.lists import ApiException as ListError
from hubspot.crm.objects.notes import ApiException as NoteError

from streams.connectors import hubspot
from streams.connectors.base import everyone
from streams.connectors.event import Event
from streams.connectors.http import TIMEOUT_S
from streams.connectors.hubspot import Contact, Write
from streams.connectors.outcome import Outcome, Postponed, Refused
from streams.connectors.secret import SecretSource
from streams.connectors.threaded import ThreadedReceiver

HOST: Final = "https://api.hubapi.com"
ERRORS: Final = (ContactError, NoteError, AssociationError, ListError)
Answer = Mapping[str, Any]
Named = tuple[str, str | None]
"""A lead's key, and the address by which its contact may be known already."""


class HubSpotReceiver(ThreadedReceiver):
    """Finds contacts and writes them; every step may be repeated and changes nothing twice."""

    batch = hubspot.BATCH

    def __init__(self, name: str, token: SecretSource, key_property: str, concurrency: int, host: str) -> None:
        super().__init__(name, concurrency)
        self._key_property = key_property
        self._client = Client.create(
            access_token=token.read().get_secret_value(), host=host, retry=urllib3.Retry(0)
        )
        self._contacts = self._client.crm.contacts.batch_api
        self._erasure = self._client.crm.contacts.basic_api

    @abstractmethod
    def _carried_out(self, events: Sequence[Event]) -> list[Outcome]:
        """One delivery. Raises ERRORS, urllib3's HTTPError."""

    def _deliver(self, events: Sequence[Event]) -> list[Outcome]:
        try:
            return self._carried_out(events)
        except ERRORS as error:
            outcome = hubspot.judge(error.status or 500, error.headers or {}, error.body, _now())
            if isinstance(error, ListError) and isinstance(outcome, Refused):  # no lead is to blame for its list
                outcome = Postponed(outcome.detail, everyone=True, operator=True)
        except urllib3.exceptions.HTTPError as error:
            outcome = Postponed(type(error).__name__, everyone=True)
        culpable = isinstance(outcome, Refused) or outcome == hubspot.CONFLICT
        if culpable and len(events) > 1:  # a bad input fails its whole batch: find out which
            return [found for event in events for found in self._deliver([event])]
        return everyone(outcome, events)

    def _find(self, named: Sequence[Named]) -> list[Contact | None]:
        """The contact of each lead: by key before by address."""
        by_key = self._read(self._key_property, [key for key, _ in named])
        missing = {address for key, address in named if address and key not in by_key}
        by_address = self._read("email", sorted(missing))
        return [by_key.get(key) or by_address.get(address or "") for key, address in named]

    def _read(self, id_property: str, values: Sequence[str]) -> dict[str, Contact]:
        if not values:
            return {}
        wanted = sorted({self._key_property, "email", "hubspot_owner_id"})
        inputs = [{"id": value} for value in values]
        body = {"idProperty": id_property, "properties": wanted, "propertiesWithHistory": [], "inputs": inputs}
        found: dict[str, Contact] = {}
        for contact in asked(self._contacts.read, body).get("results") or ():
            of = contact.get("properties") or {}
            value = str(of.get(id_property) or "")
            name = value.lower() if id_property == "email" else value
            found[name] = Contact(str(contact["id"]), of.get("hubspot_owner_id") or None)
        return found

    def _write(self, keys: Sequence[str], writes: Sequence[Write | None]) -> dict[int, Contact | Outcome]:
        """For each write by its number: its contact, or what went wrong."""
        results: dict[int, Contact | Outcome] = {}
        made = [(number, made) for number, made in enumerate(writes) if made is not None]
        results |= self._update([(n, w) for n, w in made if w.id is not None and w.properties is not None])
        results |= self._upsert(keys, [(n, w) for n, w in made if w.id is None])
        for _, erased in [(n, w) for n, w in made if w.properties is None]:
            self._erase(str(erased.id))
        return results

    def _update(self, writes: Sequence[tuple[int, Write]]) -> dict[int, Contact | Outcome]:
        if not writes:
            return {}
        inputs = [{"id": w.id, "properties": w.properties, "objectWriteTraceId": str(n)} for n, w in writes]
        answer = asked(self._contacts.update, {"inputs": inputs})
        ok = {str(result["id"]) for result in answer.get("results") or ()}
        errors = hubspot.failed(answer.get("errors") or ())
        return {
            n: Contact(str(w.id), None) if w.id in ok else failure(errors, str(n), str(w.id)) for n, w in writes
        }

    def _upsert(self, keys: Sequence[str], writes: Sequence[tuple[int, Write]]) -> dict[int, Contact | Outcome]:
        if not writes:
            return {}
        name = self._key_property
        inputs = [
            {"id": keys[n], "idProperty": name, "properties": w.properties, "objectWriteTraceId": str(n)}
            for n, w in writes
        ]
        answer = asked(self._contacts.upsert, {"inputs": inputs})
        ids = {(r.get("properties") or {}).get(name): str(r["id"]) for r in answer.get("results") or ()}
        errors = hubspot.failed(answer.get("errors") or ())
        return {
            n: Contact(ids[keys[n]], None) if keys[n] in ids else failure(errors, str(n), keys[n])
            for n, _ in writes
        }

    def _erase(self, contact: str) -> None:
        """For good, as the GDPR wants it; one that is gone already is as it should be."""
        try:
            asked(self._erasure.purge, {"objectId": contact})
        except ContactError as error:
            if error.status != 404:
                raise


def asked(call: Any, body: Mapping[str, Any]) -> Answer:
    """The JSON of an answer. Raises the API's errors, urllib3's HTTPError."""
    response = call(body, _request_timeout=TIMEOUT_S, _preload_content=False)
    return json.loads(response.data or b"{}") or {}


def failure(errors: Mapping[str, Outcome], *names: str) -> Outcome:
    """What went wrong with an input of a batch, by whatever HubSpot may call it."""
    known = (errors[name] for name in names if name in errors)
    return next(known, Postponed("neither confirmed nor refused"))


def _now() -> int:
    return time.time_ns() // 1_000_000
