"""Chat: a message per handoff to an incoming webhook of Slack or Teams. Tells who it is only if configured."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self

import aiohttp
from pydantic import BeforeValidator, Field, model_validator

from streams.connectors import http
from streams.connectors.base import Base, Receiver
from streams.connectors.event import CHANGES, Event
from streams.connectors.http import Request
from streams.connectors.mapping import PERSONAL, Template, render, template_fields
from streams.connectors.outcome import Delivered, Outcome, Postponed
from streams.connectors.secret import SecretSource

LONGEST: Final = 3_000
"""Characters of a section of a Slack message."""


def _known_changes(given: Any) -> Any:
    for name in given if isinstance(given, dict) else ():
        if name not in CHANGES:
            raise ValueError(f"no change is called {name!r}: expected {', '.join(CHANGES)}")
    return given


class Chat(Base):
    """`kind: chat`."""

    kind: Literal["chat"]
    app: Literal["slack", "teams"]
    url: SecretSource
    personal_data: bool = Field(False, description="names, addresses and words of people may be told here")
    text: Template
    changes: Annotated[dict[str, Template], BeforeValidator(_known_changes), Field(default_factory=dict)]

    @model_validator(mode="after")
    def _tells_nobody(self) -> Self:
        named = {name for text in (self.text, *self.changes.values()) for name in template_fields(text)}
        if not self.personal_data and named & PERSONAL:
            told = ", ".join(sorted(named & PERSONAL))
            raise ValueError(f"a template tells {told}: leave it out, or set personal_data: true")
        return self


def message(event: Event, settings: Chat) -> Mapping[str, Any] | None:
    """What is posted for an event; None if nothing is. Pure."""
    template = settings.text if event.change is None else settings.changes.get(event.change)
    if template is None:
        return None
    text = render(template, event, neutralise=False)[:LONGEST]
    return _slack(text) if settings.app == "slack" else _teams(text)


def _slack(text: str) -> Mapping[str, Any]:
    """`text` is for notifications. What stands in angle brackets would be a link, a mention or a channel."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {
        "text": safe.split("\n")[0],
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": safe, "verbatim": True}}],
        "unfurl_links": False,
    }


def _teams(text: str) -> Mapping[str, Any]:
    """An adaptive card for a workflow's webhook; text runs, in which no Markdown is read."""
    lines = text.split("\n")
    runs = [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line, "weight": weight}]}
        for line, weight in ((line, "Default" if number else "Bolder") for number, line in enumerate(lines))
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": runs,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


class ChatSink(Receiver):
    """Posts one message at a time. A repeat after a crash is a second message: chats know no keys."""

    batch = 1

    def __init__(self, settings: Chat) -> None:
        self._settings = settings
        self._url = settings.url.read()
        self._client: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._client = http.session()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def deliver(self, events: Sequence[Event]) -> list[Outcome]:
        return [await self._post(event) for event in events]

    def preview(self, event: Event) -> list[Any]:
        made = message(event, self._settings)
        return [made] if made is not None else []

    async def _post(self, event: Event) -> Outcome:
        made = message(event, self._settings)
        if made is None:
            return Delivered("nothing to say")
        assert self._client is not None, "not open"
        headers = {"Content-Type": "application/json"}
        answer = await http.post(self._client, Request(self._url.get_secret_value(), http.compact(made), headers))
        if isinstance(answer, Postponed):
            return answer
        return http.judge(answer.status, answer.headers, http.utc_ms())
