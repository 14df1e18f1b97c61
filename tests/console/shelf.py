"""A console on a read model that was filled without Kafka: the core scores, the writer writes."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import msgspec
from aiohttp import web

from streams import model_file, topics
from streams.changes import Effect
from streams.console import view
from streams.console.access import Access
from streams.console.audit import Audit
from streams.console.desk import Desk
from streams.console.feed import Feed
from streams.console.guard import Guard
from streams.console.hub import Hub
from streams.console.server import application
from streams.console.session import Sessions
from streams.console.store import INDEXES, Store
from streams.console.writer import HANDOFFS, Writer
from streams.follow_up.account import account_key
from streams.identity.keys import Secret, lead_keys
from streams.local import Local
from streams.scoring.instant import HOUR, MINUTE, rfc3339
from streams.scoring.lead import Lead
from streams.scoring.model import Model
from streams.settings import Settings
from streams.shard import Terms

SECRET: Final = Secret(b"a secret for tests")
NOW: Final = 1_790_000_000_000
SCRIPT: Final = "<script>alert(1)</script>"
TURNED: Final = "\u202eevil\u202c\u2066"
LONG: Final = "Chief " + "Very " * 2_100 + "Officer"
FORMULA: Final = '=HYPERLINK("http://evil.example","x")'


def key_of(email: str) -> str:
    return lead_keys(email, None, None, SECRET)[0]


HOSTILE: Final = key_of("hostile@evil.example")


def model(name: str = "b2b") -> Model:
    found = model_file.load(name)
    assert isinstance(found, Model), found
    return found


def event(kind: str, at: int, number: int, **fields: Any) -> bytes:
    return msgspec.json.encode(
        {"type": kind, "event_id": f"ev-{number}", "occurred_at": rfc3339(at), "source_kind": "server", **fields}
    )


def story(now: int) -> list[tuple[str, int, bytes]]:
    """Ada asks for a demo; a hostile lead says what hostile leads say; others read pages."""
    at = now - 48 * HOUR
    ada = {"email": "ada@looms.example"}
    evil = {"email": "hostile@evil.example"}
    company = {"company": "Lovelace Looms", "company_domain": "looms.example", "employees": "500", "country": "GB"}
    names = {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone": "+81 3 555 0100",
        "title": "Head of Operations",
    }
    said = {"form_type": "demo", "message": "A demo for our plant, please.", "industry": "Machinery"}
    attack = {
        "first_name": SCRIPT,
        "last_name": TURNED,
        "title": LONG[:4000],
        "company": FORMULA,
        "message": SCRIPT,
    }
    found = [
        (topics.WEB_VISITS, at, event("content_downloaded", at, 1, offer_type="whitepaper", offer_id="w1", **ada)),
        (
            topics.FORM_SUBMISSIONS,
            at + HOUR,
            event("form_submitted", at + HOUR, 2, **ada, **company, **names, **said),
        ),
        (
            topics.FORM_SUBMISSIONS,
            at + 2 * HOUR,
            event(
                "form_submitted",
                at + 2 * HOUR,
                3,
                form_type="contact",
                company_domain="evil.example",
                **evil,
                **attack,
            ),
        ),
    ]
    for number in range(30):
        then = at + number * MINUTE
        who = {"email": f"reader{number}@readers.example"}
        kind = {"offer_type": "whitepaper", "offer_id": f"w{number}", "company": "Readers"}
        found.append((topics.WEB_VISITS, then, event("content_downloaded", then, 100 + number, **who, **kind)))
    return found


class Shelf(NamedTuple):
    """A filled read model, and what a console on it needs."""

    store: Store
    local: Local
    now: int
    audit: Path

    @property
    def plain(self) -> str:
        return key_of("ada@looms.example")

    @property
    def account(self) -> str:
        return str(account_key("looms.example"))

    def leads(self) -> list[tuple[str, Lead]]:
        """Every lead; not the companies."""
        keys = [key for shard in self.local.shards for key in shard.table.dump() if not key.startswith("c-")]
        return [(key, lead) for key in keys if (lead := self.local.find(key)) is not None]

    def app(self, access: Access | None = None) -> web.Application:
        """Must be called where a loop runs."""
        settings = Settings(broker="127.0.0.1:1", delivery="at-least-once", secret=SECRET.value.decode())
        feed = Feed(settings, self.store, self.local.terms.model, lambda _: None)
        feed.ready.set()
        feed.trouble = None
        desk = Desk(settings, SECRET, self.store, feed, Hub(), Audit(self.audit), view.environment())
        app = application(desk, Guard(access, SECRET.value, Sessions()))

        async def close(_: web.Application) -> None:
            desk.audit.close()
            self.store.close()

        app.on_cleanup.append(close)
        return app


def written(store: Store, local: Local, now: int) -> Writer:
    """Everything that a pipeline in memory holds, as its topics would tell it."""
    writer = Writer(store.begin(), local.terms.model, len(local.shards))
    writer.connection.execute("BEGIN")
    for shard in local.shards:
        table = [SimpleNamespace(key=key.encode(), value=value) for key, value in shard.table.dump().items()]
        writer.apply(topics.LEAD_SCORES, shard.number, table, now)
    for topic in (topics.LEAD_TRANSITIONS, *HANDOFFS):
        writer.apply(topic, 0, [record(n, one) for n, one in enumerate(local.outputs.get(topic, []))], now)
    writer.count_accounts()
    writer.connection.execute("COMMIT")
    writer.connection.executescript(INDEXES)
    writer.bulk = False
    return writer


def record(offset: int, effect: Effect) -> Any:
    return SimpleNamespace(key=effect.key, value=effect.value, partition=0, offset=offset, timestamp=NOW)


def shelf(directory: Path, now: int = NOW) -> Shelf:
    local = Local(Terms(model(), SECRET), 2)
    for topic, at, value in story(now):
        local.feed(topic, value, at)
    store = Store(directory / "read-model.sqlite", "tests")
    written(store, local, now).connection.close()
    return Shelf(store, local, now, directory / "audit.jsonl")
