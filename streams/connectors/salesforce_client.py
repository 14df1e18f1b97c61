"""Salesforce, the shell: `simple-salesforce` in threads, one delivery being a few calls for many leads."""

import time
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Final

import requests
from simple_salesforce.api import Salesforce as Client
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError

from streams.connectors import salesforce
from streams.connectors.base import everyone
from streams.connectors.event import Event
from streams.connectors.http import TIMEOUT_S, retry_after
from streams.connectors.outcome import Outcome, Postponed
from streams.connectors.salesforce import BATCH, Found, Login, Salesforce, Write
from streams.connectors.threaded import ThreadedReceiver

COLLECTION: Final = "composite/sobjects"
AUTO_ASSIGN: Final = {"Sforce-Auto-Assign": "TRUE"}
"""The assignment rules of the organisation choose the owner of a new lead."""


class TimedSession(requests.Session):
    """Every call ends in time, and remembers how long the receiver asked us to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.wait_s: float | None = None

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", TIMEOUT_S)
        kwargs.setdefault("allow_redirects", False)
        response = super().request(*args, **kwargs)
        self.wait_s = retry_after(response.headers, time.time_ns() // 1_000_000)
        return response


class SalesforceSink(ThreadedReceiver):
    """Finds records, writes them, makes tasks; every step may be repeated and changes nothing twice."""

    batch = BATCH

    def __init__(self, settings: Salesforce, session: TimedSession | None = None) -> None:
        super().__init__("salesforce", settings.concurrency)
        self._settings = settings
        self._credentials = credentials(settings.login)
        self._session = session or TimedSession()
        self._client: Client | None = None
        self._lock = Lock()

    def preview(self, event: Event) -> list[Any]:
        made = salesforce.write(event, None, self._settings)
        if made is None:
            return [{"change": event.change, "of": "the lead's record, if there is one"}]
        task = salesforce.task(event, Found("Lead", "(its id)", None), self._settings)
        return [{"upsert": made.sobject, "fields": made.fields}, *([{"task": task}] if task else [])]

    def _deliver(self, events: Sequence[Event]) -> list[Outcome]:
        try:
            return self._carried_out(events)
        except SalesforceError as error:
            return everyone(self._failure(error), events)
        except requests.RequestException as error:
            return everyone(Postponed(type(error).__name__, everyone=True), events)

    def _failure(self, error: SalesforceError) -> Outcome:
        """What a failed call as a whole means."""
        if isinstance(error, SalesforceAuthenticationFailed):
            return Postponed("authentication failed: check the credentials", everyone=True, operator=True)
        wait = self._session.wait_s
        if error.status in (429, 503):
            return Postponed(f"HTTP {error.status}", wait, everyone=True)
        if error.status >= 500:
            return Postponed(f"HTTP {error.status}", wait)
        content: Any = error.content  # the decoded body, whatever its annotation says
        errors = [entry for entry in content if isinstance(entry, dict)] if isinstance(content, list) else []
        outcome = salesforce.judge(errors)
        detail = f"HTTP {error.status} {outcome.detail if not hasattr(outcome, 'note') else ''}".strip()
        operator = not (isinstance(outcome, Postponed) and not outcome.operator)
        return Postponed(detail, wait, everyone=True, operator=operator)

    # --- one delivery

    def _carried_out(self, events: Sequence[Event]) -> list[Outcome]:
        found = self._find(events)
        writes = [salesforce.write(event, at, self._settings) for event, at in zip(events, found, strict=True)]
        outcomes: list[Outcome] = [salesforce.done(made) for made in writes]
        for number, result in self._write(writes).items():
            if isinstance(result, Found):
                found[number] = result
            else:
                outcomes[number] = result
        self._give_tasks(events, found, writes, outcomes)
        return outcomes

    def _find(self, events: Sequence[Event]) -> list[Found | None]:
        leads = self._query(salesforce.wanted(events, self._settings, "Lead"))
        contacts: list[Mapping[str, Any]] = []
        if self._settings.contact is not None:
            contacts = self._query(salesforce.wanted(events, self._settings, "Contact"))
        return salesforce.match(events, self._settings, leads, contacts)

    def _query(self, soql: str) -> list[Mapping[str, Any]]:
        page: Mapping[str, Any] = self._connected().query(soql)
        records = list(page["records"])
        while not page["done"]:
            page = self._connected().query_more(page["nextRecordsUrl"], identifier_is_url=True)
            records += page["records"]
        return records

    def _write(self, writes: Sequence[Write | None]) -> dict[int, Found | Outcome]:
        """For each write by its number: where its record is, or what went wrong."""
        results: dict[int, Found | Outcome] = {}
        made = [(number, made) for number, made in enumerate(writes) if made is not None]
        existing = [(n, w) for n, w in made if w.id is not None and w.fields is not None]
        for sobject in ("Lead", "Contact"):
            results |= self._update([(n, w) for n, w in existing if w.sobject == sobject])
        results |= self._upsert([(n, w) for n, w in made if w.id is None])
        results |= self._delete([(n, w) for n, w in made if w.fields is None])
        return results

    def _update(self, writes: Sequence[tuple[int, Write]]) -> dict[int, Found | Outcome]:
        records = [{"attributes": {"type": w.sobject}, "id": w.id, **(w.fields or {})} for _, w in writes]
        return self._collection("PATCH", COLLECTION, writes, records)

    def _upsert(self, writes: Sequence[tuple[int, Write]]) -> dict[int, Found | Outcome]:
        records = [{"attributes": {"type": w.sobject}, **(w.fields or {})} for _, w in writes]
        return self._collection("PATCH", f"{COLLECTION}/Lead/{self._settings.key_field}", writes, records)

    def _delete(self, writes: Sequence[tuple[int, Write]]) -> dict[int, Found | Outcome]:
        if not writes:
            return {}
        parameters = {"ids": ",".join(str(w.id) for _, w in writes), "allOrNone": "false"}
        answer = self._connected().restful(COLLECTION, params=parameters, method="DELETE")
        return self._results(writes, answer or [])

    def _collection(
        self, method: str, path: str, writes: Sequence[tuple[int, Write]], records: Sequence[Mapping[str, Any]]
    ) -> dict[int, Found | Outcome]:
        if not writes:
            return {}
        answer = self._call(method, path, records)
        results = self._results(writes, answer)
        adopted: list[tuple[int, Write]] = []
        for (number, made), result in zip(writes, answer, strict=True):
            other = None if result["success"] else salesforce.duplicate_of(result["errors"], self._settings)
            if other is not None and made.id is None and made.fields is not None:
                adopted.append((number, Write(other.sobject, other.id, made.fields)))
        return results | self._update(adopted) if adopted else results

    def _results(
        self, writes: Sequence[tuple[int, Write]], answer: Sequence[Mapping[str, Any]]
    ) -> dict[int, Found | Outcome]:
        results: dict[int, Found | Outcome] = {}
        for (number, made), result in zip(writes, answer, strict=True):
            if result["success"]:
                results[number] = Found(made.sobject, str(result.get("id") or made.id), None)
            elif made.fields is not None or not _gone(result["errors"]):
                results[number] = salesforce.judge(result["errors"])
        return results

    def _call(self, method: str, path: str, records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        duplicates = str(self._settings.allow_duplicates).lower()
        headers = {**AUTO_ASSIGN, "Sforce-Duplicate-Rule-Header": f"allowSave={duplicates}"}
        body = {"allOrNone": False, "records": list(records)}
        answer = self._connected().restful(path, method=method, json=body, headers=headers)
        return list(answer or [])

    # --- tasks

    def _give_tasks(
        self,
        events: Sequence[Event],
        found: Sequence[Found | None],
        writes: Sequence[Write | None],
        outcomes: list[Outcome],
    ) -> None:
        """A task for every event whose record is written and that has none yet; a failure becomes its outcome."""
        rule = self._settings.task
        wanted = [
            (number, event, at)
            for number, (event, at, outcome) in enumerate(zip(events, found, outcomes, strict=True))
            if at is not None and not hasattr(outcome, "detail") and not _deleted(writes[number])
        ]
        if rule is None or not wanted:
            return
        there = self._known_tasks([event.id for _, event, _ in wanted])
        wanted = [(n, event, at) for n, event, at in wanted if event.id not in there]
        owners = self._owners([at for _, _, at in wanted if at.owner is None])
        tasks = [
            (n, made)
            for n, event, at in wanted
            if (made := salesforce.task(event, at._replace(owner=at.owner or owners.get(at.id)), self._settings))
        ]
        if not tasks:
            return
        answer = self._call("POST", COLLECTION, [{"attributes": {"type": "Task"}, **made} for _, made in tasks])
        for (number, _), result in zip(tasks, answer, strict=True):
            if not result["success"]:
                outcomes[number] = salesforce.judge(result["errors"])

    def _known_tasks(self, ids: Sequence[str]) -> set[str]:
        assert self._settings.task is not None
        field = self._settings.task.id_field
        listed = ", ".join(salesforce.literal(one) for one in ids)
        found = self._query(f"SELECT {field} FROM Task WHERE {field} IN ({listed})")  # noqa: S608
        return {str(record[field]) for record in found}

    def _owners(self, records: Sequence[Found]) -> dict[str, str]:
        owners: dict[str, str] = {}
        for sobject in ("Lead", "Contact"):
            ids = sorted({salesforce.literal(at.id) for at in records if at.sobject == sobject})
            if ids:
                query = f"SELECT Id, OwnerId FROM {sobject} WHERE Id IN ({', '.join(ids)})"  # noqa: S608
                owners |= {str(record["Id"]): str(record["OwnerId"]) for record in self._query(query)}
        return owners

    # --- the session

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                options: dict[str, Any] = {**self._credentials, "domain": self._settings.login.domain}
                self._client = Client(version=self._settings.api_version, session=self._session, **options)
            return self._client


def credentials(login: Login) -> dict[str, str]:
    """The secrets of a login, read. Raises Missing."""
    names = {
        "consumer_key": login.consumer_key,
        "consumer_secret": login.consumer_secret,
        "username": login.username,
        "privatekey": login.private_key,
        "password": login.password,
        "security_token": login.security_token,
    }
    return {name: source.read().get_secret_value() for name, source in names.items() if source is not None}


def _deleted(made: Write | None) -> bool:
    return made is not None and made.fields is None


def _gone(errors: Sequence[Mapping[str, Any]]) -> bool:
    """Somebody deleted it before us: as it should be."""
    return any(error.get("statusCode") in ("ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY") for error in errors)
