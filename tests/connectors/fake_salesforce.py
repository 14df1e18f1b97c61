"""The part of Salesforce's REST API that the connector uses, as the developer guide describes it: OAuth tokens,
SOQL, sObject Collections with partial success, external ids, unique fields, duplicate rules, converted leads."""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import requests
from werkzeug import Request, Response

from streams.connectors.salesforce_client import TimedSession
from tests.connectors.index import Index

KEY, EVENT = "Leadstreams_Key__c", "Leadstreams_Event__c"
DATA = "/services/data/v59.0/"
REQUIRED = {"Lead": ("LastName", "Company"), "Contact": ("LastName",), "Task": ()}
OWNER = "005000000000001AAA"
Fault = Callable[[Request], Response | None]

_QUERY = re.compile(r"SELECT (?P<fields>.+?) FROM (?P<of>\w+) WHERE (?P<where>.+?)(?: ORDER BY CreatedDate)?$")
_TERM = re.compile(r"(\w+) IN \(((?:'(?:[^'\\]|\\.)*'(?:, )?)+)\)")
_LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'")


def error(status: int, code: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error of a whole call: a list of one."""
    body = json.dumps([{"message": "something about tanaka@example.jp", "errorCode": code}])
    return Response(body, status, dict(headers or {}), content_type="application/json;charset=UTF-8")


def failed(code: str, *fields: str, **more: Any) -> dict[str, Any]:
    """A record of a collection that did not pass."""
    return {"success": False, "errors": [{"statusCode": code, "message": "no", "fields": list(fields), **more}]}


class FakeSalesforce:
    """`before` may answer in place of the CRM, `after` once the CRM has done its work: a lost answer."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, dict[str, Any]]] = {"Lead": {}, "Contact": {}, "Task": {}}
        self.history: dict[str, list[str]] = defaultdict(list)
        self.calls: list[str] = []
        self.tokens = 0
        self.before: Fault = lambda _: None
        self.after: Fault = lambda _: None
        self.refuse: Callable[[str, Mapping[str, Any]], dict[str, Any] | None] = lambda _sobject, _record: None
        self._indices = {name: Index(of, "Id", KEY, "Email", EVENT) for name, of in self.records.items()}
        self._number = 0
        self._lock = threading.Lock()

    def expire(self) -> None:
        """Every token given so far is void."""
        self.tokens += 1

    def add(self, sobject: str, **fields: Any) -> str:
        """A record that somebody else made; its id."""
        self._number += 1
        prefix = {"Lead": "00Q", "Contact": "003", "Task": "00T"}[sobject]
        found = f"{prefix}{self._number:012d}AAA"
        self.records[sobject][found] = {"Id": found, "OwnerId": OWNER, "CreatedDate": self._number, **fields}
        self._indices[sobject].note(found)
        return found

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.calls.append(f"{request.method} {request.path}")
            if request.path == "/services/oauth2/token":
                return self._token()
            if (answer := self.before(request)) is not None:
                return answer
            if request.headers.get("Authorization") != f"Bearer token-{self.tokens}":
                return error(401, "INVALID_SESSION_ID")
            answer = self._answer(request)
            return self.after(request) or answer

    def _token(self) -> Response:
        document = {"access_token": f"token-{self.tokens}", "instance_url": "https://acme.my.salesforce.com"}
        return Response(json.dumps(document), content_type="application/json")

    def _answer(self, request: Request) -> Response:
        path = request.path.removeprefix(DATA)
        match request.method, path.strip("/").split("/"):
            case "GET", ["query"]:
                return _json(self._select(request.args["q"]))
            case "POST", ["composite", "sobjects"]:
                return _json([self._create(record) for record in _records(request)])
            case "PATCH", ["composite", "sobjects"]:
                return _json([self._change(record) for record in _records(request)])
            case "PATCH", ["composite", "sobjects", sobject, key]:
                return _json([self._upsert(sobject, key, record) for record in _records(request)])
            case "DELETE", ["composite", "sobjects"]:
                return _json([self._delete(one) for one in request.args["ids"].split(",")])
        return error(404, "NOT_FOUND")

    def _select(self, soql: str) -> dict[str, Any]:
        query = _QUERY.match(soql)
        assert query, soql
        wanted = [
            (name, {re.sub(r"\\(.)", r"\1", text) for text in _LITERAL.findall(listed)})
            for name, listed in _TERM.findall(query["where"])
        ]
        of, index = self.records[query["of"]], self._indices[query["of"]]
        numbers = {number for name, values in wanted for value in values for number in index.find(name, value)}
        found = sorted((of[number] for number in numbers), key=lambda record: record["CreatedDate"])
        fields = query["fields"].split(", ")
        rows = [{name: record.get(name) for name in fields} for record in found]
        return {"totalSize": len(rows), "done": True, "records": rows}

    def _create(self, record: dict[str, Any]) -> dict[str, Any]:
        sobject = record.pop("attributes")["type"]
        if (answer := self._wrong(sobject, record, None)) is not None:
            return answer
        missing = [name for name in REQUIRED[sobject] if not record.get(name)]
        if missing:
            return failed("REQUIRED_FIELD_MISSING", *missing)
        made = self.add(sobject, **record)
        self._note(sobject, made, record)
        return {"id": made, "success": True, "errors": []}

    def _change(self, record: dict[str, Any]) -> dict[str, Any]:
        sobject = record.pop("attributes")["type"]
        found = self.records[sobject].get(record.pop("id"))
        if found is None:
            return failed("ENTITY_IS_DELETED")
        if found.get("IsConverted"):
            return failed("CANNOT_UPDATE_CONVERTED_LEAD")
        if (answer := self._wrong(sobject, record, found)) is not None:
            return answer
        found.update(record)
        self._indices[sobject].note(found["Id"])
        self._note(sobject, found["Id"], record)
        return {"id": found["Id"], "success": True, "errors": []}

    def _upsert(self, sobject: str, key: str, record: dict[str, Any]) -> dict[str, Any]:
        found = next(iter(self._indices[sobject].find(key, record[key])), None)
        if found is None:
            return {**self._create(record), "created": True}
        record["id"] = found
        return {**self._change(record), "created": False}

    def _delete(self, one: str) -> dict[str, Any]:
        for records in self.records.values():
            if records.pop(one, None) is not None:
                return {"id": one, "success": True, "errors": []}
        return failed("ENTITY_IS_DELETED")

    def _wrong(
        self, sobject: str, record: Mapping[str, Any], of: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        if record.get(KEY):
            own = None if of is None else of["Id"]
            if any(number != own for number in self._indices[sobject].find(KEY, record[KEY])):
                return failed("DUPLICATE_VALUE", KEY)
        return self.refuse(sobject, record)

    def _note(self, sobject: str, made: str, record: Mapping[str, Any]) -> None:
        if sobject != "Task":
            key = self.records[sobject][made].get(KEY)
            self.history[str(key)].append(str(record.get("Leadstreams_Handoff__c") or "update"))


def _json(document: Any) -> Response:
    return Response(json.dumps(document), content_type="application/json;charset=UTF-8")


def _records(request: Request) -> list[dict[str, Any]]:
    body = json.loads(request.data)
    assert body["allOrNone"] is False
    assert len(body["records"]) <= 200
    return list(body["records"])


class Rewriting(TimedSession):
    """Sends what is meant for *.salesforce.com to the fake."""

    def __init__(self, fake: str) -> None:
        super().__init__()
        self._fake = fake.rstrip("/")

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        assert re.match(r"https://[a-z0-9.-]+\.salesforce\.com/", url), url
        path = re.sub(r"^https://[^/]+", "", url)
        return super().request(method, f"{self._fake}{path}", *args, **kwargs)
