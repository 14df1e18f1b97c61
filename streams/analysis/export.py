"""A contact export of a marketing tool or CRM: whose it is, and the events that its rows stand for. Pure.

A row says who somebody is and what they did up to the export: totals ("page views: 14"), and a few dates. The
events made of it are as many as the totals say, but no more than the model can tell apart, dated between the dates
that the row names; how that is done stands with each kind below.
"""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from schemas.identity import address
from streams.analysis import header
from streams.scoring.instant import rfc3339

Cells = dict[str, str]
Document = dict[str, Any]

OTHER: Final = "CSV"
"""The tool of an export that no header tells."""
SEPARATOR: Final = " | "
CUSTOMER: Final = ("customer", "顧客", "closed won", "converted", "won", "evangelist")
OPPORTUNITY: Final = ("opportunity", "商談", "open deal")
LOST: Final = ("unqualified", "disqualified", "不適格", "closed lost", "bad timing", "recycled")
YES: Final = frozenset({"true", "yes", "1", "はい", "y", "t"})
MOST: Final = 12
"""Visits, opens or clicks made of one total: more says nothing more under any window."""
WHO: Final = ("first_name", "last_name", "title", "company", "company_domain", "phone", "employees", "revenue",
              "industry", "country", "referral_channel")  # fmt: skip
DATES: Final = (
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d"),
    *("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%m/%d/%Y, %I:%M %p", "%d.%m.%Y", "%Y年%m月%d日"),
    *("%b %d, %Y", "%m/%d/%Y %I:%M %p"),
)


class Layout(NamedTuple):
    """What an export's header says: the tool, our word for each column understood, and the columns left out."""

    tool: str
    columns: dict[str, str]
    ignored: tuple[str, ...]


class Problem(NamedTuple):
    """Why a row, or a cell of it, cannot be used; never with what stands in it."""

    kind: str


class Taken(NamedTuple):
    """A row as events, and what was wrong in it."""

    events: list[Document]
    problems: list[Problem]


def squeezed(name: str) -> str:
    """A header as it is compared."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in text if letter.isalnum())


_WORDS: Final = {squeezed(name): word for word, names in header.NAMES.items() for name in names.split(SEPARATOR)}
_SIGNS: Final = {tool: frozenset(map(squeezed, signs.split(SEPARATOR))) for tool, signs in header.SIGNS.items()}
_FORMS: Final = [(kind, words.split(SEPARATOR)) for kind, words in header.FORMS.items()]


def layout(first_line: Iterable[str]) -> Layout:
    """Which tool wrote this header, and which columns are understood; the first of two that mean the same."""
    columns: dict[str, str] = {}
    ignored: list[str] = []
    seen = list(first_line)
    for name in seen:
        word = _WORDS.get(squeezed(name))
        if word is None or word in columns:
            ignored.append(name)
        else:
            columns[word] = name
    names = {squeezed(name) for name in seen}
    hits = {tool: len(names & signs) for tool, signs in _SIGNS.items()}
    best = max(hits, key=lambda tool: hits[tool])
    return Layout(best if hits[best] >= 2 else OTHER, columns, tuple(ignored))


def instant(text: str, zone: tzinfo) -> int | None:
    """A date or time as a spreadsheet writes it, in Unix ms; without an offset on the clocks of `zone`."""
    plain = unicodedata.normalize("NFKC", text).strip()
    try:
        moment = datetime.fromisoformat(plain)
    except ValueError:
        moment = next((found for form in DATES if (found := _by(plain, form)) is not None), datetime.min)
    if moment == datetime.min:
        return None
    try:
        return max(int(moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC).timestamp() * 1000), 1)
    except (OverflowError, ValueError):
        return None


def _by(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def number(text: str) -> int | None:
    """A total: `1,204`, `12.0`; None for what is none."""
    try:
        return max(int(float(unicodedata.normalize("NFKC", text).replace(",", "").strip())), 0)
    except (ValueError, OverflowError):
        return None


class Row:
    """One row by our words."""

    def __init__(self, cells: Cells, layout: Layout, zone: tzinfo, now: int) -> None:
        self._cells = cells
        self._layout = layout
        self._zone = zone
        self.now = now
        self.problems: list[Problem] = []
        self.email = address(self.text("email") or "")

    def text(self, word: str) -> str | None:
        column = self._layout.columns.get(word)
        return (self._cells.get(column, "").strip() or None) if column else None

    def number(self, word: str) -> int:
        text = self.text(word)
        found = 0 if text is None else number(text)
        if found is None:
            self.problems.append(Problem(f"{word}_is_no_number"))
        return found or 0

    def at(self, word: str) -> int | None:
        """A date of the row; one that lies after the export is none."""
        text = self.text(word)
        if text is None:
            return None
        found = instant(text, self._zone)
        if found is None:
            self.problems.append(Problem(f"{word}_is_no_date"))
        elif found > self.now:
            self.problems.append(Problem(f"{word}_is_in_the_future"))
            return None
        return found

    def says(self, word: str, words: Iterable[str]) -> bool:
        text = (self.text(word) or "").casefold()
        return any(one in text for one in words)


def events(cells: Cells, layout: Layout, zone: tzinfo, now: int) -> Taken:
    """The events of a row. Everything arrives when it happened: what would have been, not what is too old now."""
    row = Row(cells, layout, zone, now)
    if row.email is None:
        return Taken([], [Problem("no_email" if row.text("email") is None else "email_is_no_address")])
    created = row.at("created") or row.at("first_visit") or row.at("first_form") or now
    found = [_event(row, "lead_identified", created, source_kind="crm", **_who(row))]
    found += _visits(row, created) + _mails(row, created) + _forms(row, created) + _sales(row)
    return Taken(found, row.problems)


def _event(row: Row, kind: str, at: int, **fields: Any) -> Document:
    known = {name: value for name, value in fields.items() if value is not None}
    name = f"{row.email}\0{kind}\0{at}\0{sorted(known.items())}".encode()
    own = {"event_id": f"try-{blake2b(name, digest_size=12).hexdigest()}", "type": kind}
    return {
        **own,
        "occurred_at": rfc3339(at),
        "email": row.email,
        "source": "try",
        "source_kind": "server",
        **known,
    }


def _who(row: Row) -> Document:
    known = {word: row.text(word) for word in WHO}
    name = row.text("name")
    if name and known["last_name"] is None:
        first, _, last = name.partition(" ")
        known |= {"first_name": first, "last_name": last or None}
    return known


def spread(number: int, first: int, last: int) -> list[int]:
    """So many instants from the first to the last, evenly; the last one always."""
    if number <= 1:
        return [last] if number else []
    return [first + (last - first) * place // (number - 1) for place in range(number)]


def _visits(row: Row, created: int) -> list[Document]:
    """As many sessions as were counted, evenly between the first and the last; of which pages, nobody knows."""
    number = row.number("visits") or min(row.number("pages"), 1)
    last = row.at("last_visit") or row.at("last_form") or created
    first = min(row.at("first_visit") or created, last)
    return [_event(row, "page_viewed", at, url="/") for at in spread(min(number, MOST), first, last)]


def _mails(row: Row, created: int) -> list[Document]:
    found: list[Document] = []
    for word, kind, when in (("opens", "email_opened", "last_open"), ("clicks", "email_clicked", "last_click")):
        last = row.at(when)
        if last is not None:
            for at in spread(min(row.number(word) or 1, MOST), min(created, last), last):
                found.append(_event(row, kind, at, source_kind="mail"))
    if row.says("unsubscribed", YES):
        found.append(_event(row, "email_unsubscribed", created, source_kind="mail"))
    if row.text("bounced") is not None and not row.says("bounced", ("false", "no", "いいえ", "0")):
        found.append(_event(row, "email_bounced", created, source_kind="mail", bounce_type="hard"))
    return found


def form_type(name: str | None) -> str:
    """What a form is for, by its name."""
    text = unicodedata.normalize("NFKC", name or "").casefold()
    return next((kind for kind, words in _FORMS if any(word in text for word in words)), "other")


def _forms(row: Row, created: int) -> list[Document]:
    """The first and the last form by name and date; those between them are only a number and are left out."""
    made: dict[tuple[int, str], Document] = {}
    for name, when in (("first_form_name", "first_form"), ("last_form_name", "last_form")):
        at, text = row.at(when), row.text(name)
        if at is None and text is None:
            continue
        kind = form_type(text)
        own = {**_who(row), "form_type": kind, "form_id": (text or "form")[:100]}
        message = row.text("message") if kind in ("demo", "contact", "quote", "question") else None
        own |= {"message": message, "source_kind": "webhook"}
        made[at or created, text or ""] = _event(row, "form_submitted", at or created, **own)
    return list(made.values())


def _sales(row: Row) -> list[Document]:
    """What the CRM says of the outcome; dated, so that nothing after it counts as its cause."""
    found: list[Document] = []
    contact, meeting, won = row.at("last_contact"), row.at("meeting"), row.at("won")
    if meeting is not None:
        found.append(_event(row, "meeting_booked", meeting, source_kind="crm"))
    if row.says("stage", LOST):
        found.append(_event(row, "handoff_rejected", contact or row.now, source_kind="crm", reason="crm"))
    elif row.says("stage", CUSTOMER):
        found.append(_event(row, "deal_won", won or contact or row.now, source_kind="crm"))
    elif row.says("stage", OPPORTUNITY):
        found.append(_event(row, "opportunity_created", contact or row.now, source_kind="crm"))
    return found
