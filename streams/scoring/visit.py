"""Visits: page views joined into sessions, kept as intervals because a late page can join two of them."""

import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from streams.scoring.instant import MINUTE
from streams.scoring.lead import Mark, Visit

GAP: Final = 30 * MINUTE
"""Page views without a session id belong to one visit while each is less than this after the one before."""

MOST: Final = 64
"""Visits kept per lead at most: two a day for a month; the newest stay."""
SPARE: Final = 8
"""Visits kept beyond what a rule needs: late pages may join some, and some may turn out to be a machine's."""


class Reach(NamedTuple):
    """Which visits rules can use: the newest `most`, none older than `span` (ms) before the newest."""

    span: int
    most: int = MOST


ANY: Final = ""
"""The mark of the first page that counts at all."""


def page(visits: list[Visit], session: str | None, groups: tuple[str, ...], mark: Mark, reach: Reach) -> bool:
    """Add a page view to the visits; whether a mark was set or moved (evidence changed).

    Every page belongs to the chain; `groups` names the marks it may set: none for a page that counts nowhere.
    Visits out of every rule's reach are dropped.
    """
    at = mark.at
    if not visits or at > visits[-1].start:  # in order
        running = _running(visits, session)
        if running is None or (session is None and at - running.end >= GAP):
            visits.append(Visit(at, at, session, dict.fromkeys(groups, mark)))
            _prune(visits, reach)
            return bool(groups)
        if at > running.end:
            running.end = at
        return _mark(running, groups, mark)
    before = [visit.marks for visit in visits]
    visits[:] = unite(visits, [Visit(at, at, session, dict.fromkeys(groups, mark))], reach)
    return before != [visit.marks for visit in visits]


def goes_on(newest: Visit, at: int, session: str | None, groups: tuple[str, ...]) -> bool:
    """Whether a page is one more of the newest visit and no news; it is taken in then. The usual case."""
    end = newest.end
    if at <= end or newest.session != session or (session is None and at - end >= GAP):
        return False
    marks = newest.marks
    for group in groups:
        if group not in marks:
            return False
    newest.end = at
    return True


def _running(visits: list[Visit], session: str | None) -> Visit | None:
    """The newest visit that a page of this session may continue."""
    for visit in reversed(visits):
        if visit.session == session:
            return visit
    return None


def _prune(visits: list[Visit], reach: Reach) -> None:
    span, most = reach
    if len(visits) > most or visits[0].end <= visits[-1].start - span:
        oldest = max(visit.end for visit in visits) - span
        visits[:] = [visit for visit in visits if visit.end > oldest][-most:]


def unite(visits: list[Visit], more: list[Visit], reach: Reach) -> list[Visit]:
    """The visits of two sets of page views as if they had been one: chains joined, marks at their earliest."""
    joined: list[Visit] = []
    sessions: dict[str, Visit] = {}
    chain: Visit | None = None
    for visit in sorted((*visits, *more), key=_order):
        before = chain if visit.session is None else sessions.get(visit.session)
        if before is not None and (visit.session is not None or visit.start - before.end < GAP):
            before.end = max(before.end, visit.end)
            for group, mark in visit.marks.items():
                _mark(before, (group,), mark)
            continue
        own = Visit(visit.start, visit.end, visit.session, dict(visit.marks))
        joined.append(own)
        if own.session is None:
            chain = own
        else:
            sessions[own.session] = own
    _prune(joined, reach)
    return joined


def _order(visit: Visit) -> tuple[int, str]:
    return visit.start, visit.session or ""


def _mark(visit: Visit, groups: tuple[str, ...], mark: Mark) -> bool:
    changed = False
    for group in groups:
        before = visit.marks.get(group)
        if before is None or (mark.at, mark.id) < (before.at, before.id):
            visit.marks[group] = mark
            changed = True
    return changed


Patterns = tuple[tuple[str, bool, tuple[str, ...]], ...]
"""(group, counts, paths) in the order in which they are tried."""


@lru_cache(maxsize=16_384)
def groups_of(url: str | None, patterns: Patterns) -> tuple[str, ...]:
    """The marks that a page of this address sets: its group, and any page where the group counts as a visit.

    The path is decoded, NFKC, lower case, without query; it equals a pattern or continues it with `/`; `*` at
    a pattern's end stands for any continuation; a locale in front (`/en`, `/ja-jp`) is skipped.
    """
    path = _path(url or "")
    for group, counts, paths in patterns:
        if any(_matches(path, pattern) for pattern in paths):
            return (ANY, group) if counts else (group,)
    return (ANY,)


def _path(url: str) -> str:
    try:
        raw = urlsplit(url).path
    except ValueError:  # a broken address is a page all the same
        return "/"
    path = unicodedata.normalize("NFKC", unquote(raw)).lower().rstrip("/") or "/"
    first, _, rest = path[1:].partition("/")
    language, _, region = first.partition("-")
    is_locale = len(language) == 2 and language.isalpha() and language.isascii() and len(region) in (0, 2)
    return f"/{rest}" if is_locale else path


def _matches(path: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return path.startswith(pattern[:-1])
    return path == pattern or path.startswith(pattern + "/")
