"""Which opens and clicks of one mail were a machine's, judged by how they follow each other. Pure.

Mail gateways follow every link before a person sees the mail, often as an ordinary browser. What gives them away
shows only with time: the delivery may be told after the click, the third link after the first. So each event is
judged again with each one that follows, and what was told as a person's and turns out not to be is taken back.

The verdict is a function of the set of events, whatever their order and however often they are repeated.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.collector.hooks.mail import CLICKED, DELIVERED, OPENED, MailEvent, Retraction
from streams.collector.hooks.payload import hashed

AFTER_DELIVERY = "click_after_delivery"
MANY_LINKS = "many_links_at_once"
HONEYPOT = "honeypot_link"
SAME_VISIT = "scanner_visit"
"""It came along with a machine's click."""

UNREADABLE_MS = 10_000
"""Nobody reads a mail and follows its link within ten seconds of its delivery, or before."""

AT_ONCE_MS, LINKS_AT_ONCE = 1_000, 3
"""Three different links in a second, the resolution of most providers' times; two may be a double click."""

VISIT_MS = 10_000
"""What happens to a mail this near to a machine's click belongs to the same visit."""

HONEYPOT_VISIT_MS = 60_000
"""Whoever follows a link that nobody can see is following all of them, and may take a minute for it."""

MOST_SEEN = 64
"""Opens and clicks of one mail that are remembered; beyond them the oldest are forgotten."""


class Seen(NamedTuple):
    """An open or click. `flag`: why it is a machine's, whatever else happened. `machine`: what was told of it."""

    event_id: str
    is_click: bool
    at: int
    link: str
    in_honeypot: bool
    flag: str | None
    machine: str | None
    retracted_at: int | None = None
    reason: str = ""


class Mail(NamedTuple):
    """What is known of one mail to one address: when it was delivered at the latest, and what followed by time."""

    delivered_at: int | None = None
    seen: tuple[Seen, ...] = ()


Told = list[MailEvent | Retraction]


def judge(mail: Mail, event: MailEvent, honeypots: frozenset[str]) -> tuple[Mail, Told]:
    """What is known then, and what is to be told: the event with its verdict, and retractions of earlier ones.

    A repeat is told as it was before, with all that was retracted: a sender repeats what was not acknowledged.
    """
    if event.type == DELIVERED:
        mail = mail._replace(delivered_at=max(event.at, mail.delivered_at or 0))
        return _retract(mail, event, [event], _machines(mail), repeat=True)
    if event.type not in (OPENED, CLICKED):
        return mail, [event]
    for seen in mail.seen:
        if seen.event_id == event.event_id:
            return _retract(mail, event, [event._replace(machine=seen.machine)], _machines(mail), repeat=True)
    return _judge_new(mail, event, honeypots)


def _judge_new(mail: Mail, event: MailEvent, honeypots: frozenset[str]) -> tuple[Mail, Told]:
    new = Seen(
        event.event_id, event.type == CLICKED, event.at, *_link(event, honeypots), event.machine, event.machine
    )
    reasons = _machines(Mail(mail.delivered_at, _by_time((*mail.seen, new))))
    machine = event.machine or reasons.get(event.event_id)
    if machine is not event.machine:
        new, event = new._replace(machine=machine), event._replace(machine=machine)
    mail = Mail(mail.delivered_at, _by_time((*mail.seen, new))[-MOST_SEEN:])
    return _retract(mail, event, [event], reasons, repeat=False)


def _by_time(seen: Iterable[Seen]) -> tuple[Seen, ...]:
    return tuple(sorted(seen, key=lambda one: (one.at, one.event_id)))


def _link(event: MailEvent, honeypots: frozenset[str]) -> tuple[str, bool]:
    """A digest of the link, which may name a person, and whether it is a honeypot."""
    url = event.link_url or ""
    return hashed(url)[:16], page(url) in honeypots


def page(url: str) -> str:
    """A link without query and fragment, as honeypots are compared."""
    return url.partition("#")[0].partition("?")[0].rstrip("/").lower()


def _retract(
    mail: Mail, event: MailEvent, told: Told, reasons: dict[str, str], *, repeat: bool
) -> tuple[Mail, Told]:
    if not reasons:
        return mail, told
    after: list[Seen] = []
    for seen in mail.seen:
        reason = reasons.get(seen.event_id)
        if seen.machine is None and reason is not None:
            fresh = seen.retracted_at is None
            if fresh:
                seen = seen._replace(retracted_at=max(seen.at, event.at), reason=reason)
            if fresh or repeat:
                told.append(_taken_back(seen, event))
        after.append(seen)
    return Mail(mail.delivered_at, tuple(after)), told


def _taken_back(seen: Seen, event: MailEvent) -> Retraction:
    at = seen.at if seen.retracted_at is None else seen.retracted_at
    return Retraction(seen.event_id, at, event.email, event.message_id, seen.reason)


def _machines(mail: Mail) -> dict[str, str]:
    """Reasons by event id of all that machines did."""
    clicks = [seen for seen in mail.seen if seen.is_click]
    culprits = {seen.event_id: reason for seen in clicks if (reason := _alone(seen, mail))}
    if len(clicks) >= LINKS_AT_ONCE:
        culprits |= dict.fromkeys(_at_once(clicks), MANY_LINKS)
    visits = [
        (click.at, HONEYPOT_VISIT_MS if click.in_honeypot else VISIT_MS)
        for click in clicks
        if click.event_id in culprits
    ]
    along = {seen.event_id: SAME_VISIT for at, reach in visits for seen in mail.seen if abs(seen.at - at) <= reach}
    return along | culprits


def _alone(click: Seen, mail: Mail) -> str | None:
    """Why a click by itself is a machine's."""
    if click.in_honeypot:
        return HONEYPOT
    if mail.delivered_at is not None and click.at - mail.delivered_at <= UNREADABLE_MS:
        return AFTER_DELIVERY
    return click.flag


def _at_once(clicks: list[Seen]) -> Iterator[str]:
    """The clicks on many links in one second; `clicks` are in order of time."""
    times = [click.at for click in clicks]
    for number, first in enumerate(clicks):
        window = clicks[number : bisect_right(times, first.at + AT_ONCE_MS)]
        if len({click.link for click in window}) >= LINKS_AT_ONCE:
            yield from (click.event_id for click in window)
