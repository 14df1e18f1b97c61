"""The mails of the last hour, within bounds: what the verdicts need to remember.

It lives in one process and is lost with it. Of several collectors each knows only what it was told, so that a
verdict needs all of a mail's events on one of them: send `/hooks/` to one process, or by a rule that keeps one
recipient on one. What a provider or a user agent says of an event needs no memory and holds everywhere.
"""

from collections import OrderedDict
from hashlib import blake2b

from streams.collector.hooks.mail import MailEvent
from streams.collector.hooks.verdicts import Mail, Told, judge

KEPT_MS = 3_600_000
"""Verdicts look a minute back; providers tell what happened within minutes, and repeat what failed a few times."""

MOST_REMEMBERED = 200_000
"""Mails, opens and clicks together: about 70 MB where each mail was opened and clicked once."""


class Recollection:
    """Remembers mails by a hash of source, message and recipient; the least recently told is forgotten first."""

    def __init__(self, honeypots: frozenset[str] = frozenset(), most: int = MOST_REMEMBERED) -> None:
        self._honeypots = honeypots
        self._most = most
        self._mails: OrderedDict[bytes, tuple[int, Mail]] = OrderedDict()
        self.weight = 0

    def judge(self, source: str, event: MailEvent, now: int) -> Told:
        """What is to be told of the event at `now` (milliseconds). Without a message id it stands for itself."""
        if event.message_id is None:
            return [event]
        key = _key(source, event)
        _, before = self._mails.pop(key, (now, Mail()))
        after, told = judge(before, event, self._honeypots)
        if _weight(after) > 0:
            self._mails[key] = now, after
        self.weight += _weight(after) - _weight(before)
        self._forget(now)
        return told

    def _forget(self, now: int) -> None:
        while self._mails:
            key, (at, mail) = next(iter(self._mails.items()))
            if self.weight <= self._most and now - at <= KEPT_MS:
                return
            del self._mails[key]
            self.weight -= _weight(mail)


def _weight(mail: Mail) -> int:
    return len(mail.seen) + 1 if mail.seen or mail.delivered_at is not None else 0


def _key(source: str, event: MailEvent) -> bytes:
    named = f"{source}\0{event.message_id}\0{event.email}"
    return blake2b(named.encode(errors="replace"), digest_size=16).digest()
