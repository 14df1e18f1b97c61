"""The part of HubSpot's CRM API v3 that the connector uses, as its documentation describes it: batch read, update
and upsert by unique property with partial failure (207), conflicts, notes, associations, GDPR deletion, limits."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from werkzeug import Request, Response

from tests.connectors.index import Index

KEY = "leadstreams_key"
NOTE_KEY = "leadstreams_event"
TOKEN = "pat-na1-token"
Fault = Callable[[Request], Response | None]


def error(status: int, category: str, message: str = "about tanaka@example.jp", **more: Any) -> Response:
    """An error of a whole call."""
    headers = more.pop("headers", {})
    body = {"status": "error", "message": message, "correlationId": "c", "category": category, **more}
    return Response(json.dumps(body), status, headers, content_type="application/json;charset=utf-8")


def too_many(policy: str = "TEN_SECONDLY_ROLLING", **headers: str) -> Response:
    """The burst limit, or with DAILY the other one."""
    return error(429, "RATE_LIMITS", errorType="RATE_LIMIT", policyName=policy, headers=headers)


class FakeHubSpot:
    """`before` may answer in place of the CRM, `after` once the CRM has done its work: a lost answer."""

    def __init__(self) -> None:
        self.contacts: dict[str, dict[str, str]] = {}
        self.companies: dict[str, dict[str, str]] = {}
        self.owners: list[dict[str, str]] = []
        self.owners_readable = True
        self.notes: dict[str, dict[str, str]] = {}
        self.lists: dict[str, str] = {}
        self.members: dict[str, set[str]] = defaultdict(set)
        self.unknown: set[str] = set()
        self.links: set[tuple[str, str]] = set()
        self.history: dict[str, list[str]] = defaultdict(list)
        self.calls: list[str] = []
        self.before: Fault = lambda _: None
        self.after: Fault = lambda _: None
        self.refuse: Callable[[Mapping[str, Any]], str | None] = lambda _properties: None
        self._contacts = Index(self.contacts, KEY, "email")
        self._notes = Index(self.notes, NOTE_KEY)
        self._number = 100
        self._lock = threading.Lock()

    def add(self, **properties: str) -> str:
        """A contact that somebody else made; its id."""
        self._number += 1
        self.contacts[str(self._number)] = properties
        return str(self._number)

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.calls.append(f"{request.method} {request.path}")
            if (answer := self.before(request)) is not None:
                return answer
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return error(401, "INVALID_AUTHENTICATION")
            answer = self._answer(request)
            return self.after(request) or answer

    def _answer(self, request: Request) -> Response:
        body = json.loads(request.data or b"{}")
        assert len(body.get("inputs", ())) <= 100
        match request.path.strip("/").split("/")[1:]:
            case ["v3", "objects", "contacts", "batch", "read"]:
                return self._read(self.contacts, self._contacts, body)
            case ["v3", "objects", "companies", "batch", "read"]:
                return self._read(self.companies, Index(self.companies), body)
            case ["v3", "owners"]:
                return self._owners(int(request.args["limit"]), int(request.args.get("after", 0)))
            case ["v3", "objects", "contacts", "batch", "update"]:
                return self._each(body["inputs"], self._update)
            case ["v3", "objects", "contacts", "batch", "upsert"]:
                return self._checked(body["inputs"])
            case ["v3", "objects", "contacts", "gdpr-delete"]:
                return Response(status=204 if self.contacts.pop(body["objectId"], None) is not None else 404)
            case ["v3", "objects", "notes", "batch", "upsert"]:
                return self._each(body["inputs"], self._note)
            case ["v4", "associations", "notes", "contacts", "batch", "associate", "default"]:
                self.links |= {(one["from"]["id"], one["to"]["id"]) for one in body["inputs"]}
                return _batch([])
            case ["v3", "lists", "object-type-id", "0-1", "name", name]:
                return self._list(unquote(name))
            case ["v3", "lists"]:
                return self._new_list(body)
            case ["v3", "lists", number, "memberships", "add-and-remove"]:
                return self._add_and_remove(number, body)
        return error(404, "OBJECT_NOT_FOUND")

    def _owners(self, limit: int, after: int) -> Response:
        if not self.owners_readable:
            return error(403, "MISSING_SCOPES")
        assert limit <= 500
        more = {"paging": {"next": {"after": str(after + limit)}}} if after + limit < len(self.owners) else {}
        return _json({"results": self.owners[after : after + limit], **more})

    def _list(self, name: str) -> Response:
        """By its name, whatever its case."""
        number = next((n for n, known in self.lists.items() if known.casefold() == name.casefold()), None)
        if number is None:
            return error(404, "OBJECT_NOT_FOUND")
        return _json({"list": {"listId": number, "name": self.lists[number], "processingType": "MANUAL"}})

    def _new_list(self, body: Mapping[str, Any]) -> Response:
        assert (body["objectTypeId"], body["processingType"]) == ("0-1", "MANUAL")
        if body["name"].casefold() in {known.casefold() for known in self.lists.values()}:
            return error(400, "VALIDATION_ERROR", subCategory="ILS.DUPLICATE_LIST_NAMES")
        self._number += 1
        self.lists[str(self._number)] = body["name"]
        return self._list(body["name"])

    def _add_and_remove(self, number: str, body: Mapping[str, Any]) -> Response:
        """Records that do not exist, are members already or are none are passed over."""
        if number not in self.lists:
            return error(404, "OBJECT_NOT_FOUND")
        add, remove = set(body["recordIdsToAdd"]), set(body["recordIdsToRemove"])
        missing = {one for one in add | remove if one not in self.contacts or one in self.unknown}
        self.members[number] = (self.members[number] | (add - missing)) - remove
        return _json(
            {
                "recordsIdsAdded": sorted(add - missing),
                "recordIdsRemoved": sorted(remove - missing),
                "recordIdsMissing": sorted(missing),
            }
        )

    def of_list(self, name: str) -> set[str]:
        """Keys of a list's contacts that are still there."""
        number = next((n for n, known in self.lists.items() if known == name), "")
        return {self.contacts[one].get(KEY, "") for one in self.members[number] if one in self.contacts}

    def _read(self, records: Mapping[str, Mapping[str, str]], index: Index, body: Mapping[str, Any]) -> Response:
        """By a unique property, or without one by the record's own id."""
        name = body.get("idProperty")
        found: dict[str, dict[str, Any]] = {}
        missing = []
        for wanted in (str(one["id"]) for one in body["inputs"]):
            numbers = index.find(name, wanted) if name else [wanted] if wanted in records else []
            missing += [] if numbers else [wanted]
            for n in numbers:
                found[n] = {"id": n, "properties": {one: records[n].get(one) for one in body["properties"]}}
        context = {"ids": sorted(missing)}
        errors: list[Any] = [
            {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "", "context": context}
        ]
        return _batch(list(found.values()), errors if missing else [])

    def _checked(self, inputs: list[dict[str, Any]]) -> Response:
        """HubSpot refuses a whole batch for one input that is not valid, or whose address is taken."""
        for one in inputs:
            email = one["properties"].get("email")
            taken = next(iter(self._contacts.find("email", email)), None) if email else None
            if taken is not None and self.contacts[taken].get(KEY) != one["id"]:
                return error(409, "CONFLICT", f"Contact already exists. Existing ID: {taken}")
            if "@" not in (email or "@"):
                return error(
                    400, "VALIDATION_ERROR", "Property values were not valid", errors=[{"code": "INVALID_EMAIL"}]
                )
        return self._each(inputs, self._upsert)

    def _each(
        self, inputs: list[dict[str, Any]], act: Callable[[dict[str, Any]], dict[str, Any] | str]
    ) -> Response:
        results, errors = [], []
        for one in inputs:
            done = self.refuse(one["properties"]) or act(one)
            if isinstance(done, str):
                context = {"objectWriteTraceId": [one["objectWriteTraceId"]]}
                errors.append({"status": "error", "category": done, "message": "no", "context": context})
            else:
                results.append(done)
        return _batch(results, errors)

    def _update(self, one: dict[str, Any]) -> dict[str, Any] | str:
        if one["id"] not in self.contacts:
            return "OBJECT_NOT_FOUND"
        self._set(one["id"], one["properties"])
        return {"id": one["id"], "properties": one["properties"]}

    def _upsert(self, one: dict[str, Any]) -> dict[str, Any] | str:
        assert one["idProperty"] == KEY
        known = next(iter(self._contacts.find(KEY, one["id"])), None)
        number = known or self.add()
        self._set(number, {**one["properties"], KEY: one["id"]})
        return {"id": number, "new": known is None, "properties": dict(self.contacts[number])}

    def _set(self, number: str, properties: Mapping[str, str]) -> None:
        contact = self.contacts[number]
        assert all(isinstance(value, str) for value in properties.values())
        contact.update(properties)
        self._contacts.note(number)
        self.history[contact.get(KEY, "")].append(properties.get("leadstreams_handoff_id", "update"))

    def _note(self, one: dict[str, Any]) -> dict[str, Any] | str:
        assert one["idProperty"] == NOTE_KEY
        known = next(iter(self._notes.find(NOTE_KEY, one["id"])), None)
        self._number += 1
        number = known or str(self._number)
        self.notes[number] = one["properties"]
        self._notes.note(number)
        return {"id": number, "properties": one["properties"]}


def _json(body: Mapping[str, Any]) -> Response:
    return Response(json.dumps(body), 200, content_type="application/json;charset=utf-8")


def _batch(results: list[Any], errors: list[Any] | None = None) -> Response:
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": "", "completedAt": ""}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return Response(json.dumps(body), 207 if errors else 200, content_type="application/json;charset=utf-8")
