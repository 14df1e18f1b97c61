"""Salesforce, the pure part: which records an event means, and what is written into them.

Wire format: REST API, sObject Collections and SOQL, as the REST API Developer Guide describes them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from streams.connectors.base import Base
from streams.connectors.event import Event, Scalar
from streams.connectors.mapping import Changes, Fields, Strict, Template, apply, render
from streams.connectors.outcome import Delivered, Outcome, Postponed, Refused
from streams.connectors.secret import SecretSource

BATCH: Final = 50
"""Leads of one delivery: their keys and addresses fit into the URL of a query (16 KB); a collection takes 200."""

FIELD: Final = r"^[A-Za-z][A-Za-z0-9_]*$"
USER_PREFIX: Final = "005"
"""Ids of users begin so; an owner may also be a queue, which cannot own a task everywhere."""

TRANSIENT: Final = frozenset(
    {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT", "UNKNOWN_EXCEPTION"}
)
QUOTA: Final = frozenset({"REQUEST_LIMIT_EXCEEDED", "STORAGE_LIMIT_EXCEEDED", "EXCEEDED_ID_LIMIT"})
SET_UP: Final = frozenset(
    {
        "INVALID_FIELD",
        "INVALID_TYPE",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INSUFFICIENT_ACCESS",
        "API_DISABLED_FOR_ORG",
    }
    | {"INVALID_SESSION_ID", "NOT_FOUND", "MALFORMED_QUERY", "INSUFFICIENT_ACCESS_OR_READONLY"}
)
"""Errors about the set-up: no event would pass."""


class Login(Strict):
    """How the connector is known to Salesforce: client credentials, JWT bearer, or user name and password."""

    domain: str = Field("login", pattern=r"^[a-z0-9.-]+$", description="login, test, or NAME.my")
    consumer_key: SecretSource | None = None
    consumer_secret: SecretSource | None = None
    username: SecretSource | None = None
    private_key: SecretSource | None = None
    password: SecretSource | None = None
    security_token: SecretSource | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (
            {"consumer_key", "consumer_secret"},
            {"username", "consumer_key", "private_key"},
            {"username", "password", "security_token"},
        )
        given = {name for name in type(self).model_fields if name != "domain" and getattr(self, name) is not None}
        if given not in ways:
            raise ValueError(f"expected one of: {'; '.join(' + '.join(sorted(way)) for way in ways)}")
        return self


class RecordRule(Strict):
    """What is written into a lead or a contact."""

    fields: Fields
    changes: Changes


class TaskRule(Strict):
    """The task for the owner: one per handoff, and one per update that has a note."""

    fields: Fields
    id_field: str = Field("Leadstreams_Event__c", pattern=FIELD, description="text field of Task; makes it unique")


class Salesforce(Base):
    """`kind: salesforce`."""

    kind: Literal["salesforce"]
    login: Login
    api_version: str = Field("59.0", pattern=r"^\d\d\.0$")
    key_field: str = Field(
        "Leadstreams_Key__c", pattern=FIELD, description="external id, unique, on Lead and Contact"
    )
    match_email: bool = Field(True, description="adopt a lead or contact that has the address already")
    allow_duplicates: bool = Field(False, description="save in spite of duplicate rules that only warn")
    lead: RecordRule
    contact: RecordRule | None = None
    task: TaskRule | None = None


class Found(NamedTuple):
    """A record that is already there."""

    sobject: str
    id: str
    owner: str | None


class Write(NamedTuple):
    """What happens to one event's record. `id` None: made or updated by its key. `fields` None: deleted."""

    sobject: str
    id: str | None
    fields: Mapping[str, Scalar] | None


def literal(text: str) -> str:
    """A string in SOQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ").replace("\r", " ")
    return f"'{escaped}'"


def wanted(events: Sequence[Event], settings: Salesforce, sobject: str) -> str:
    """The query for records that these events may mean, oldest first."""
    extra = ", IsConverted, ConvertedContactId" if sobject == "Lead" else ""
    key = settings.key_field
    where = f"{key} IN ({', '.join(sorted(literal(event.key) for event in events))})"
    addresses = sorted({literal(address) for event in events if (address := _address(event, settings))})
    if addresses:
        where += f" OR Email IN ({', '.join(addresses)})"
    return f"SELECT Id, OwnerId, Email, {key}{extra} FROM {sobject} WHERE {where} ORDER BY CreatedDate"  # noqa: S608


def _address(event: Event, settings: Salesforce) -> str | None:
    found = event.data.get("email") if settings.match_email and event.change is None else None
    return found.strip().lower() if isinstance(found, str) and found.strip() else None


def match(
    events: Sequence[Event],
    settings: Salesforce,
    leads: Iterable[Mapping[str, Any]],
    contacts: Iterable[Mapping[str, Any]],
) -> list[Found | None]:
    """For each event its record: by key before by address, a contact before a lead; None if there is none."""
    index: dict[tuple[str, str], Found] = {}
    for rank, record in [*((0, c) for c in contacts), *((1, lead) for lead in leads)]:
        found = _found(record, "Lead" if rank else "Contact", settings)
        if found is None:
            continue
        key, address = record.get(settings.key_field), record.get("Email")
        if key:
            index.setdefault(("key", str(key)), found)
        if address:
            index.setdefault(("address", str(address).lower()), found)
    return [
        index.get(("key", event.key)) or index.get(("address", _address(event, settings) or ""))
        for event in events
    ]


def _found(record: Mapping[str, Any], sobject: str, settings: Salesforce) -> Found | None:
    if not record.get("IsConverted"):
        return Found(sobject, record["Id"], record.get("OwnerId"))
    contact = record.get("ConvertedContactId")
    return Found("Contact", contact, record.get("OwnerId")) if contact and settings.contact else None


def write(event: Event, found: Found | None, settings: Salesforce) -> Write | None:
    """What is to be written for an event; None if nothing is."""
    rule = settings.contact if found is not None and found.sobject == "Contact" else settings.lead
    if rule is None:
        return None
    if event.change is None:
        fields = apply(rule.fields, event, settings.neutralise)
        if found is None:
            return Write("Lead", None, {**fields, settings.key_field: event.key})
        return Write(found.sobject, found.id, {**fields, settings.key_field: event.key})
    change = rule.changes.get(event.change)
    if found is None or change is None or change.skip:
        return None  # an update never makes a record: sales does not know this lead
    if change.delete:
        return Write(found.sobject, found.id, None)
    fields = apply(change.fields, event, settings.neutralise)
    return Write(found.sobject, found.id, fields) if fields else None


def task(event: Event, found: Found, settings: Salesforce) -> dict[str, Scalar] | None:
    """The task that an event is for the record's owner; None if it is none."""
    if settings.task is None:
        return None
    rule = settings.contact if found.sobject == "Contact" and settings.contact else settings.lead
    fields = apply(settings.task.fields, event, settings.neutralise)
    if event.change is not None:
        note = change.note if (change := rule.changes.get(event.change)) and not change.skip else None
        if note is None or (change is not None and change.delete):
            return None
        fields = {**_kept(fields), **_noted(note, event, settings)}
    owner = {"OwnerId": found.owner} if found.owner and found.owner.startswith(USER_PREFIX) else {}
    return {**fields, **owner, "WhoId": found.id, settings.task.id_field: event.id}


def _kept(fields: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Of a handoff's task what a note has too."""
    return {name: fields[name] for name in ("Status", "Priority") if name in fields}


def _noted(note: Template, event: Event, settings: Salesforce) -> dict[str, Scalar]:
    text = render(note, event, settings.neutralise)
    return {"Subject": text.split("\n")[0][:255], "Description": text}


def judge(errors: Sequence[Mapping[str, Any]]) -> Outcome:
    """What a record's errors mean. Salesforce's messages hold values, so only codes and field names are told."""
    codes = [str(error.get("statusCode") or error.get("errorCode") or "UNKNOWN") for error in errors]
    named = sorted({str(name) for error in errors for name in error.get("fields") or ()})
    detail = ", ".join(codes) + (f" ({', '.join(named)})" if named else "")
    if QUOTA.intersection(codes):
        return Postponed(detail, everyone=True)
    if SET_UP.intersection(codes):
        return Postponed(detail, everyone=True, operator=True)
    if codes and TRANSIENT.issuperset(codes):
        return Postponed(detail)
    return Refused(detail)


def duplicate_of(errors: Sequence[Mapping[str, Any]], settings: Salesforce) -> Found | None:
    """The record that a duplicate rule found, if it is one that we may write to."""
    for error in errors:
        for result in (error.get("duplicateResult") or {}).get("matchResults") or ():
            sobject = result.get("entityType")
            usable = sobject == "Lead" or (sobject == "Contact" and settings.contact is not None)
            for matched in (result.get("matchRecords") or ()) if usable else ():
                record = matched.get("record") or {}
                if record.get("Id"):
                    return Found(sobject, record["Id"], record.get("OwnerId"))
    return None


def done(written: Write | None) -> Delivered:
    """The outcome of an event whose record is as it should be."""
    return Delivered() if written is not None else Delivered("nothing to change")
