"""Starts and stops the console."""

import asyncio
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

import uvloop
from aiohttp import web

from streams.collector.server import is_loopback
from streams.console import (
    access,
    account_page,
    door,
    lead_page,
    list_page,
    model_room,
    now_page,
    operations_page,
    privacy_page,
    view,
)
from streams.console.access import Access
from streams.console.audit import Audit
from streams.console.desk import DESK, Desk, spoken
from streams.console.door import GUARD
from streams.console.feed import Feed, identity, own_model
from streams.console.guard import Guard, Handler
from streams.console.hub import Hub
from streams.console.language import Language, say
from streams.console.live import LIVE, Live
from streams.console.model_room import TRIALS
from streams.console.now_page import HELD_COUNT, HeldCount
from streams.console.operations_page import WATCH, Watch
from streams.console.session import Sessions
from streams.console.store import Store
from streams.console.trial import Trials
from streams.identity.keys import Secret
from streams.scoring.model import Model
from streams.seal import Seal
from streams.settings import Settings

STOP_S: Final = 3.0
MOST_BODY: Final = 256 * 1024

HEADINGS: Final = {403: "Not allowed", 404: "Not found", 503: "Not available now", 500: "Something went wrong"}

log = logging.getLogger(__name__)


class Plan(NamedTuple):
    """All that is needed to run, checked."""

    settings: Settings
    secret: Secret
    model: Model
    access: Access | None


def plan(settings: Settings) -> Plan | str:
    """What to run, or one line that says what is wrong with the settings."""
    secret = settings.require_secret()
    if isinstance(secret, str):
        return secret
    model = own_model(settings)
    if isinstance(model, str):
        return model
    if settings.console_access is None:
        if not is_loopback(settings.console_host):
            return (
                f"{settings.console_host} is reached by others: set LEADSTREAMS_CONSOLE_ACCESS to a TOML file of"
                " who may see what (docs/console.md), or listen on 127.0.0.1"
            )
        return Plan(settings, secret, model, None)
    found = access.load(settings.console_access)
    return found if isinstance(found, str) else Plan(settings, secret, model, found)


def application(desk: Desk, guard: Guard) -> web.Application:
    """All pages and the API."""
    app = web.Application(middlewares=[guard.check, _failing_in_words], client_max_size=MOST_BODY)
    app[DESK], app[GUARD], app[HELD_COUNT] = desk, guard, HeldCount()
    watch, pipeline = Watch(desk.settings), desk.settings.pipeline
    app[WATCH], app[TRIALS] = watch, Trials(desk.settings, desk.secret)
    app[LIVE] = Live(Seal(desk.secret, pipeline), watch.addresses)
    app.on_cleanup.append(app[LIVE].close)
    app.add_routes(
        [
            web.get("/", now_page.page),
            web.get("/now/figures", now_page.part),
            web.get("/events", now_page.events),
            web.get("/leads", list_page.page),
            web.get("/leads.csv", list_page.table),
            web.get("/leads/{key}", lead_page.page),
            web.get("/leads/{key}/export", privacy_page.export),
            web.post("/leads/{key}/erase", privacy_page.erase),
            web.get("/accounts", account_page.page),
            web.get("/accounts/{key}", account_page.page_of_one),
            web.get("/model", model_room.page),
            web.post("/model/trials", model_room.begin),
            web.get("/model/trials/{name}", model_room.trial_page),
            web.get("/model/trials/{name}/figures", model_room.trial_part),
            web.get("/model/trials/{name}/file", model_room.save),
            web.get("/operations", operations_page.page),
            web.get("/operations/dead-letters/{id}", operations_page.letter_page),
            web.post("/operations/dead-letters/retry", operations_page.retry),
            web.get("/api/v1/model", model_room.api),
            web.post("/api/v1/model/trials", model_room.api_begin),
            web.get("/api/v1/model/trials/{name}", model_room.api_trial),
            web.get("/api/v1/operations", operations_page.api),
            web.get("/api/v1/models", operations_page.api_models),
            web.get("/api/v1/dead-letters", operations_page.api_letters),
            web.get("/api/v1/dead-letters/{id}", operations_page.api_letter),
            web.get("/api/v1/now", now_page.api),
            web.get("/api/v1/leads", list_page.api),
            web.get("/api/v1/leads/{key}", lead_page.api),
            web.get("/api/v1/leads/{key}/score", lead_page.api_curve),
            web.get("/api/v1/accounts", account_page.api),
            web.get("/api/v1/accounts/{key}", account_page.api_of_one),
            web.get("/login", door.login_page),
            web.post("/login", door.login),
            web.post("/logout", door.logout),
            web.post("/language", door.language),
            web.get("/static/{name}", door.static),
            web.get("/healthz", door.alive),
            web.get("/readyz", door.ready),
        ]
    )
    return app


@web.middleware
async def _failing_in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A refusal is a page for people, text for programs; a bug tells its place to the log only."""
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        if (
            refusal.status < 400
            or request.path.startswith("/api/")
            or "text/html" not in request.headers.get("Accept", "")
        ):
            raise
        what, status = _said((refusal.text or refusal.reason).strip(), spoken(request)), refusal.status
    except Exception as bug:
        log.error("%s %s failed: %s", request.method, request.match_info.route.resource, _where(bug))
        if request.path.startswith("/api/"):
            raise web.HTTPInternalServerError(text="this is a bug; the log says where\n") from None
        what, status = say("Something went wrong", spoken(request)), 500
    heading = HEADINGS.get(status, "This did not work")
    page = request.app[DESK].page(request, "refusal.html", what=what, status=status, heading=heading)
    page.set_status(status)
    return page


def _said(text: str, language: Language) -> str:
    """What is before a colon are words of ours, what follows is what they are about."""
    words, colon, what = text.partition(": ")
    return text if not colon and say(text, language) == text else f"{say(words, language)}{colon}{what}"


def _where(bug: Exception) -> str:
    """Type and place, never the text, which may hold personal data."""
    trace = bug.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f"{type(bug).__name__}{place}"


@asynccontextmanager
async def consoling(planned: Plan) -> AsyncIterator[tuple[int, Desk]]:
    """A running console: its port, and what its pages work with. Raises OSError."""
    settings = planned.settings
    with tempfile.TemporaryDirectory(prefix="leadstreams-console-") as directory:
        path = settings.console_store or Path(directory) / "read-model.sqlite"
        store = Store(path, identity(settings, planned.secret.fingerprint()))
        audit, hub = Audit(settings.console_audit), Hub()
        feed = Feed(settings, store, planned.model, hub.tell)
        desk = Desk(settings, planned.secret, store, feed, hub, audit, view.environment())
        guard = Guard(planned.access, planned.secret.value, Sessions())
        app = application(desk, guard)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, settings.console_host, settings.console_port).start()
            feed.start()
            try:
                yield int(runner.addresses[0][1]), desk
            finally:
                hub.close()
                await asyncio.to_thread(app[TRIALS].close)
                await asyncio.to_thread(feed.stop)
        finally:
            await runner.cleanup()
            audit.close()


async def _until_stopped(planned: Plan) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with consoling(planned) as (port, _):
        print(f"console: http://{planned.settings.console_host}:{port}", flush=True)
        await stop.wait()


def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT: 0 after a clean stop, 1 if the port is taken, 2 if the settings are wrong."""
    planned = plan(settings)
    if isinstance(planned, str):
        print(planned, file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("aiokafka", "kafka"):  # the feed tells once that Kafka is away
        logging.getLogger(name).setLevel(logging.CRITICAL)
    os.umask(0o077)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_stopped(planned))
    except OSError as error:
        address = f"{settings.console_host}:{settings.console_port}"
        print(f"cannot run on {address}: {error.strerror or type(error).__name__}", file=sys.stderr)
        return 1
    return 0
