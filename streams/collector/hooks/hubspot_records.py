"""Asking HubSpot who its records are: webhooks tell numbers only. CRM API v3, batch read."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import aiohttp
from aiohttp import web

from streams.connectors.feedback.hubspot import NAME, OWNERS, Known, properties_of
from streams.connectors.feedback.rules import Rules

HOST: Final = "https://api.hubapi.com"
TIMEOUT_S: Final = 3.0
"""HubSpot gives a webhook five seconds in all."""
BATCH: Final = 100
MOST_QUESTIONS: Final = 4
"""At a time, of all webhooks: HubSpot counts calls per second."""
PAGE, MOST_PAGES = 500, 4
"""Owners of an answer, and answers: of an account with more, later ones go by their number."""
PLURALS: Final = {"contact": "contacts", "company": "companies", "deal": "deals"}

Wanted = Mapping[str, list[str]]
"""Ids of records by their kind."""


class Away(NamedTuple):
    """HubSpot did not answer; `denied` if it does not let us ask."""

    denied: bool = False


class Records:
    """Asks for records, a few questions at a time."""

    def __init__(self, host: str = HOST) -> None:
        self._host = host
        self._asking = asyncio.Semaphore(MOST_QUESTIONS)

    async def __call__(self, wanted: Wanted, rules: Rules, token: str) -> Known | Away:
        """The records by kind and id; those that are gone are left out. Never raises."""
        known: dict[tuple[str, str], dict[str, str]] = {}
        try:
            async with asyncio.timeout(TIMEOUT_S), self._asking, aiohttp.ClientSession() as http:
                for kind, ids in _batches(wanted):
                    if kind == OWNERS:
                        found = await _owners(http, f"{self._host}/crm/v3/owners", token, ids)
                    else:
                        url = f"{self._host}/crm/v3/objects/{PLURALS.get(kind, kind)}/batch/read"
                        found = await _read(http, url, token, properties_of(kind, rules), ids)
                    if isinstance(found, Away):
                        return found
                    known |= {(kind, number): of for number, of in found.items()}
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError, KeyError, AttributeError):
            return Away()
        return known


def _batches(wanted: Wanted) -> Iterator[tuple[str, list[str]]]:
    return ((kind, ids[at : at + BATCH]) for kind, ids in wanted.items() for at in range(0, len(ids), BATCH))


async def _read(
    http: aiohttp.ClientSession, url: str, token: str, properties: Sequence[str], ids: Sequence[str]
) -> dict[str, dict[str, str]] | Away:
    body = {"properties": properties, "propertiesWithHistory": [], "inputs": [{"id": one} for one in ids]}
    headers = {"Authorization": f"Bearer {token}"}
    async with http.post(url, json=body, headers=headers, allow_redirects=False) as answer:
        if answer.status not in (200, 207):  # 207: some of them are gone
            return Away(denied=answer.status in (401, 403))
        found: Any = await answer.json()
    return {
        str(one["id"]): {name: str(value) for name, value in one["properties"].items() if value is not None}
        for one in found["results"]
    }


async def _owners(
    http: aiohttp.ClientSession, url: str, token: str, ids: Sequence[str]
) -> dict[str, dict[str, str]] | Away:
    """Their names. Who has left has none, nor has anybody for a token that may not ask: the number has to do."""
    wanted, found = set(ids), dict[str, dict[str, str]]()
    asked = {"limit": str(PAGE)}
    for _ in range(MOST_PAGES):
        headers = {"Authorization": f"Bearer {token}"}
        async with http.get(url, params=asked, headers=headers, allow_redirects=False) as answer:
            if answer.status == web.HTTPForbidden.status_code:
                return {}
            if answer.status != web.HTTPOk.status_code:
                return Away(denied=answer.status == web.HTTPUnauthorized.status_code)
            page: Any = await answer.json()
        found |= {str(one["id"]): {NAME: _called(one)} for one in page["results"] if str(one["id"]) in wanted}
        after = page.get("paging", {}).get("next", {}).get("after")
        if not after or wanted <= found.keys():
            break
        asked["after"] = after
    return {number: of for number, of in found.items() if of[NAME]}


def _called(owner: Mapping[str, Any]) -> str:
    """A name, or the address of who has none."""
    name = " ".join(part for part in (owner.get("firstName"), owner.get("lastName")) if part)
    return name or owner.get("email") or ""
