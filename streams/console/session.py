"""Sessions of people who came in with a token, and the sign that a form was ours (CSRF).

A session is kept in this process's memory: a restart ends all of them.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final

from streams.console.access import Person

COOKIE: Final = "leadstreams-console"
LASTS_S: Final = 12 * 3600
MOST: Final = 10_000


class Sessions:
    """Who is in. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, Person]] = {}
        self._secret = secrets.token_bytes(32)

    def begin(self, person: Person) -> str:
        """The cookie's value."""
        now = self._clock()
        self._known = {name: kept for name, kept in self._known.items() if kept[0] > now}
        while len(self._known) >= MOST:
            self._known.pop(next(iter(self._known)))
        name = secrets.token_urlsafe(32)
        self._known[name] = now + LASTS_S, person
        return name

    def person(self, cookie: str | None) -> Person | None:
        """Whose session it is, if it is not over."""
        until, person = self._known.get(cookie or "", (0.0, None))
        return person if until > self._clock() else None

    def end(self, cookie: str | None) -> None:
        self._known.pop(cookie or "", None)

    def sign(self, person: Person, cookie: str | None) -> str:
        """What each of this person's forms carries; nobody else can know it."""
        said = f"{person.by}\0{person.name}\0{cookie or ''}".encode()
        return hmac.new(self._secret, said, hashlib.sha256).hexdigest()

    def is_signed(self, person: Person, cookie: str | None, sign: str) -> bool:
        return hmac.compare_digest(self.sign(person, cookie), sign)
