"""What every request passes: known host, who it is, and whether it came from a page of ours; and what every answer
says to browsers."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from streams.console.access import EVERYBODY, Access, Person, Right, by_proxy, by_token
from streams.console.session import COOKIE, Sessions

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PERSON: Final = web.RequestKey("person", Person)
SIGN: Final = web.RequestKey("sign", str)
OPEN: Final = frozenset({"/login", "/healthz", "/readyz", "/static/{name}"})
"""What one may ask for without being anybody."""
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
SAFE: Final = frozenset({"GET", "HEAD"})
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """`access` None: only this machine can reach us, and whoever does may do everything."""

    def __init__(self, access: Access | None, pepper: bytes, sessions: Sessions) -> None:
        self.access = access
        self.sessions = sessions
        self._pepper = pepper or secrets.token_bytes(32)

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await self._checked(request, handler)
        except web.HTTPException as refusal:
            protect(refusal, request)
            raise
        if not response.prepared:
            protect(response, request)
        return response

    async def _checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._is_our_name(request):
            # A page elsewhere whose name was made to point here must not read anything.
            raise web.HTTPMisdirectedRequest(text="unknown host: add it to hosts in LEADSTREAMS_CONSOLE_ACCESS\n")
        resource = request.match_info.route.resource
        is_open = resource is not None and resource.canonical in OPEN
        person = self.person(request)
        if person is None and not is_open:
            if request.path.startswith("/api/") or request.method not in SAFE or request.path == "/events":
                raise web.HTTPUnauthorized(text="a token is needed: Authorization: Bearer ...\n")
            raise web.HTTPSeeOther("/login")
        cookie = request.cookies.get(COOKIE)
        if person is not None:
            request[PERSON] = person
            request[SIGN] = self.sessions.sign(person, cookie)
        if request.method not in SAFE:
            await self._came_from_us(request, person)
        return await handler(request)

    def person(self, request: web.Request) -> Person | None:
        """Who asks."""
        if self.access is None:
            return EVERYBODY
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return by_token(self.access, token.strip())
        proxied = by_proxy(self.access, request.remote, request.headers, self._pepper)
        return proxied or self.sessions.person(request.cookies.get(COOKIE))

    async def _came_from_us(self, request: web.Request, person: Person | None) -> None:
        """Against forms on pages of others. What carries a token in a header was no browser's own idea."""
        if request.headers.get("Authorization", "").lower().startswith("bearer "):
            return
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="this form came from another site\n")
        if request.path.startswith("/api/") and request.content_type == "application/json":
            return  # no form can send that, and a script of another site has to ask us first, which we deny
        if person is None:
            if origin is None:
                raise web.HTTPForbidden(text="a browser says where a form comes from\n")
            return
        sent = request.headers.get("X-Csrf-Token") or str((await request.post()).get("sign", ""))
        if not self.sessions.is_signed(person, request.cookies.get(COOKIE), sent):
            raise web.HTTPForbidden(text="this form is not ours, or too old: go back, reload and try again\n")

    def _is_our_name(self, request: web.Request) -> bool:
        name = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
        return name in LOOPBACK or (self.access is not None and name in self.access.hosts)


def protect(response: web.StreamResponse, request: web.Request) -> None:
    """The headers of every answer."""
    response.headers.update(HEADERS)
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")


def need(request: web.Request, right: Right) -> Person:
    """Who asks, if they may. Raises 403."""
    person = request[PERSON]
    if not person.may(right):
        raise web.HTTPForbidden(text=f"your roles do not include this: {', '.join(sorted(person.roles))}\n")
    return person
