"""Coming in and going out, the language, and the files that pages need."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from streams.console.access import by_token
from streams.console.desk import DESK, LANGUAGE
from streams.console.guard import Guard
from streams.console.session import COOKIE, LASTS_S

GUARD: Final = web.AppKey("guard", Guard)
STATIC: Final = Path(__file__).parent / "static"
KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
KEPT_S: Final = 3600
YEAR_S: Final = 365 * 86_400


async def login_page(request: web.Request) -> web.Response:
    return request.app[DESK].page(request, "login.html", wrong=False)


async def login(request: web.Request) -> web.Response:
    """A session for a token."""
    guard = request.app[GUARD]
    token = str((await request.post()).get("token", "")).strip()
    person = by_token(guard.access, token) if guard.access is not None else None
    if person is None:
        response = request.app[DESK].page(request, "login.html", wrong=True)
        response.set_status(403)
        return response
    secure = guard.access is not None and guard.access.secure
    found = web.HTTPSeeOther("/")
    found.set_cookie(
        COOKIE,
        guard.sessions.begin(person),
        max_age=LASTS_S,
        httponly=True,
        samesite="Lax",
        secure=secure,
        path="/",
    )
    raise found


async def logout(request: web.Request) -> web.Response:
    request.app[GUARD].sessions.end(request.cookies.get(COOKIE))
    left = web.HTTPSeeOther("/login")
    left.del_cookie(COOKIE)
    raise left


async def language(request: web.Request) -> web.Response:
    """Remember the language and go back to where one was."""
    sent = await request.post()
    chosen, back = str(sent.get("language")), str(sent.get("back", "/"))
    place = urlsplit(back)
    safe = back if back.startswith("/") and not back.startswith(("//", "/\\")) and not place.netloc else "/"
    found = web.HTTPSeeOther(safe)
    if chosen in ("en", "ja"):
        found.set_cookie(LANGUAGE, chosen, max_age=YEAR_S, samesite="Lax", httponly=True, path="/")
    raise found


async def static(request: web.Request) -> web.Response:
    """One of the few files; nothing else of the disk can be named."""
    files = {path.name: path for path in STATIC.iterdir() if path.suffix in KINDS}
    found = files.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound(text="no such file\n")
    return web.Response(
        body=found.read_bytes(),
        content_type=KINDS[found.suffix],
        charset="utf-8",
        headers={"Cache-Control": f"max-age={KEPT_S}"},
    )


async def alive(_: web.Request) -> web.Response:
    return web.json_response({"status": "alive"})


async def ready(request: web.Request) -> web.Response:
    feed = request.app[DESK].feed
    if feed.ready.is_set():
        return web.json_response({"status": "ready", "reasons": []})
    reason = feed.trouble or "the read model is being built"
    return web.json_response({"status": "unready", "reasons": [reason]}, status=503)
