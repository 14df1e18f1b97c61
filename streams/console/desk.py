"""What all pages work with: the read model, the model in force, who asks and in which language."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web
from jinja2 import Environment

from streams.console import view
from streams.console.access import Person, Right
from streams.console.audit import Audit
from streams.console.feed import Feed
from streams.console.guard import PERSON, SIGN
from streams.console.hub import Hub
from streams.console.language import Language, preferred
from streams.console.store import Store
from streams.identity.keys import Secret
from streams.scoring.model import Model
from streams.settings import Settings

LANGUAGE: Final = "leadstreams-language"
T = TypeVar("T")


@dataclass
class Desk:
    """One running console."""

    settings: Settings
    secret: Secret
    store: Store
    feed: Feed
    hub: Hub
    audit: Audit
    templates: Environment

    @property
    def model(self) -> Model:
        return self.feed.model

    async def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Ask the read model, in a thread. Raises 503 while there is none."""

        def ask() -> T:
            with self.store.reading() as connection:
                return question(connection)

        try:
            return await asyncio.to_thread(ask)
        except sqlite3.Error:
            if self.feed.ready.is_set():
                raise
            why = self.feed.trouble or "the read model is being built"
            raise web.HTTPServiceUnavailable(text=f"{why}\n", headers={"Retry-After": "1"}) from None

    def page(self, request: web.Request, template: str, **content: Any) -> web.Response:
        """A page in the language of who asks."""
        return web.Response(text=self.part(request, template, **content), content_type="text/html")

    def part(self, request: web.Request, template: str, **content: Any) -> str:
        """A piece of one."""
        language = spoken(request)
        person: Person | None = request.get(PERSON)
        return self.templates.get_template(template).render(
            **view.words(language, self.model),
            **content,
            person=person,
            may={right.value: person is not None and person.may(right) for right in Right},
            sign=request.get(SIGN, ""),
            path=request.path_qs,
            place=request.path,
            ready=self.feed.ready.is_set(),
            trouble=self.feed.trouble,
        )

    def speaking(self, request: web.Request) -> Model:
        """The model in force with its words in the asker's language."""
        return view.speaking(self.model, spoken(request))


DESK: Final = web.AppKey("desk", Desk)


def spoken(request: web.Request) -> Language:
    """The language that was chosen, else the browser's."""
    chosen = request.cookies.get(LANGUAGE)
    if chosen == "ja":
        return "ja"
    return "en" if chosen == "en" else preferred(request.headers.get("Accept-Language", ""))


def answer(content: Any) -> web.Response:
    """A JSON document as the commands print it."""
    text = json.dumps(msgspec.to_builtins(content), ensure_ascii=False, indent=2, default=str)
    return web.Response(text=f"{text}\n", content_type="application/json")


def now() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


def whole(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A number in an address. Raises 400."""
    try:
        found = int(query.get(name) or default)
    except ValueError:
        raise web.HTTPBadRequest(text=f"{name}: expected a whole number\n") from None
    if not 1 <= found <= most:
        raise web.HTTPBadRequest(text=f"{name}: 1 to {most:,}\n")
    return found
