"""The part of HubSpot's CRM API v3 that the connector uses, as its documentation describes it: batch read, update
and upsert by unique property with partial failure (207), conflicts, notes, associations, GDPR deletion, limits."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug import Request, Response

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
        self.notes: dict[str, dict[str, str]] = {}
        self.links: set[tuple[str, str]] = set()
        self.history: dict[str, list[str]] = defaultdict(list)
        self.calls: list[str] = []
        self.before: Fault = lambda _: None
        self.after: Fault = lambda _: None
        self.refuse: Callable[[Mapping[str, Any]], str | None] = lambda _properties: None
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
        body = json.loads(request.data)
        assert len(body.get("inputs", ())) <= 100
        match request.path.strip("/").split("/")[1:]:
            case ["v3", "objects", "contacts", "batch", "read"]:
                return self._read(body)
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
        return error(404, "OBJECT_NOT_FOUND")

    def _read(self, body: Mapping[str, Any]) -> Response:
        name = body["idProperty"]
        wanted = {str(one["id"]).lower() for one in body["inputs"]}
        found: list[dict[str, Any]] = [
            {"id": number, "properties": {n: contact.get(n) for n in body["properties"]}}
            for number, contact in self.contacts.items()
            if str(contact.get(name) or "").lower() in wanted
        ]
        missing = wanted - {str(one["properties"][name]).lower() for one in found}
        context = {"ids": sorted(missing)}
        errors: list[Any] = [
            {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "", "context": context}
        ]
        return _batch(found, errors if missing else [])

    def _checked(self, inputs: list[dict[str, Any]]) -> Response:
        """HubSpot refuses a whole batch for one input that is not valid, or whose address is taken."""
        for one in inputs:
            email = one["properties"].get("email")
            taken = next((n for n, c in self.contacts.items() if email and c.get("email") == email), None)
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
        known = next((number for number, contact in self.contacts.items() if contact.get(KEY) == one["id"]), None)
        number = known or self.add()
        self._set(number, {**one["properties"], KEY: one["id"]})
        return {"id": number, "new": known is None, "properties": dict(self.contacts[number])}

    def _set(self, number: str, properties: Mapping[str, str]) -> None:
        contact = self.contacts[number]
        assert all(isinstance(value, str) for value in properties.values())
        contact.update(properties)
        self.history[contact.get(KEY, "")].append(properties.get("leadstreams_handoff_id", "update"))

    def _note(self, one: dict[str, Any]) -> dict[str, Any] | str:
        assert one["idProperty"] == NOTE_KEY
        known = next((number for number, note in self.notes.items() if note[NOTE_KEY] == one["id"]), None)
        self._number += 1
        number = known or str(self._number)
        self.notes[number] = one["properties"]
        return {"id": number, "properties": one["properties"]}


def _batch(results: list[Any], errors: list[Any] | None = None) -> Response:
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": "", "completedAt": ""}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return Response(json.dumps(body), 207 if errors else 200, content_type="application/json;charset=utf-8")
