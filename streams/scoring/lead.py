"""A lead's record: everything that is kept about one lead, and its bytes in the changelog.

All lists are ordered by (instant, event id) and bounded, and what a bound drops depends on nothing but the
list itself, so that the record is the same whatever the order in which its events arrived.
"""

from enum import IntEnum, IntFlag
from struct import Struct as Layout
from typing import Final, NamedTuple

import msgspec

from streams.scoring.instant import NEVER

FORMAT: Final = 1
"""First byte of each state value; raised with every change that an older worker could not read."""

TICK: Final = ""
"""Stands where a step was caused by time alone; sorts before every event of the same instant."""

Position = tuple[int, str]
"""Where in a lead's history: (instant, event id)."""


class Stage(IntEnum):
    """Where a lead stands; the order decides which of two merged leads stands further."""

    VISITOR = 0
    LEAD = 1
    MQL = 2
    RECYCLED = 3
    DISQUALIFIED = 4
    SQL = 5
    ACCEPTED = 6
    OPPORTUNITY = 7
    CUSTOMER = 8

    @property
    def word(self) -> str:
        """The stage as it stands in events and on screens."""
        return WORDS[self]


WORDS: Final = tuple(stage.name.lower() for stage in Stage)


class Origin(IntFlag):
    """What kind of source an event came from, in the bits that a contribution keeps."""

    SERVER = 0
    BROWSER = 1
    IMPORT = 2
    CRM = 4
    INTENT = 8  # the event showed intent, by the model that counted it


class Contribution(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One counted event: what it gave under which model, and by which identity it came."""

    at: int
    id: str
    points: float
    model: int  # index into Lead.models
    distinct: str | None
    origin: int
    via: int  # index into Lead.via; 0 is the lead's own key


class Mark(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The first page of one group in a visit."""

    at: int
    id: str
    model: int
    origin: int
    via: int


class Visit(msgspec.Struct, array_like=True, gc=False):
    """A session: its first and last page view, and the first page of each page group in it."""

    start: int
    end: int
    session: str | None
    marks: dict[str, Mark]


class Version(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One value an attribute had from `at` on, and how far its source is trusted."""

    at: int
    id: str
    trust: int
    value: str | int | float | bool


class Feedback(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What sales said, at an instant, of a handoff (None: the newest open one)."""

    at: int
    id: str
    kind: str
    handoff: str | None
    reason: str | None
    not_before: int


Timer = tuple[int, str]
"""An instant and what time alone brings then."""


class Issued(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A handoff that was put on the sales topic: a fact that no later evidence takes back."""

    at: int
    id: str
    handoff: str
    cycle: int
    lane: str = ""
    timers: tuple[Timer, ...] = ()
    account: str = ""  # whose agent gave it out


class Merged(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Another lead turned out to be this one: where it stood at the instant of the link."""

    at: int
    id: str
    stage: int
    floor: int
    open: tuple[str, ...]
    source: str = ""  # the other's key: one event can link several
    back: int = NEVER
    spent: int = NEVER
    timers: tuple[Timer, ...] = ()
    account: str = ""  # whose agent gave out its newest handoff


class Move(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A step of the stage history, complete enough to go on from: a checkpoint of the fold.

    `floor`: evidence dated up to here no longer counts (the last return from sales that took the points).
    `back`: when a recycled lead's cool-down ends. `open`: ids of the handoffs that sales has not answered finally.
    `lane`: what met the criteria of the newest handoff. `spent`: requests and intent dated up to here have handed
    over. `timers`: what time will bring while nobody acts, in order. `grade`: a better fit than this ends the
    cool-down. `note`: no change of stage, but something that a person should know, with its deadline.
    """

    at: int
    id: str
    stage: int
    cycle: int
    floor: int
    back: int
    open: tuple[str, ...]
    lane: str = ""
    spent: int = NEVER
    timers: tuple[Timer, ...] = ()
    grade: str = ""
    note: str = ""
    deadline: int = NEVER


class Claim(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """That this key belongs to another lead, first said at (at, id); a browser's word is not trusted."""

    at: int
    id: str
    trusted: bool


class Owed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An effect not known to be delivered: the outbox where the broker has no transactions."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Lead(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """One key's record: a lead, or (with one claim that holds) the alias of another.

    What most leads have none of is an empty tuple, which costs nothing: there are millions of these.
    """

    clock: int = NEVER
    clock_id: str = ""
    quiet: int = NEVER  # up to here time alone moves nothing
    seen: dict[int, bytes] = {}  # see streams.scoring.memory
    evidence: dict[str, list[Contribution]] = {}
    visits: list[Visit] = []
    known: dict[
        str, Position
    ] = {}  # since when: email, phone, user; server: any, verified: a contact, not by a browser
    emails: dict[str, tuple[int, str]] = {}
    attributes: dict[str, list[Version]] = {}
    feedback: tuple[Feedback, ...] = ()
    occasions: tuple[tuple[int, str], ...] = ()  # events that may lift whatever they scored
    stale: tuple[tuple[int, str], ...] = ()  # events that arrived too late to hand a lead over
    retracted: dict[str, tuple[int, str]] = {}  # event id: when, by which event; NEVER before it came
    moves: list[Move] = []
    issued: tuple[Issued, ...] = ()
    merged: tuple[Merged, ...] = ()
    said: int = Stage.VISITOR
    said_cycle: int = 0
    models: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    claims: dict[str, Claim] = {}
    erased: int = NEVER
    arrival: int = NEVER  # the newest arrival: a stub unused for long is dropped
    owed: tuple[Owed, ...] = ()
    unproven: tuple[str, ...] = ()  # user ids among the aliases that only browsers named
    noted: tuple[tuple[int, str, str], ...] = ()  # the notes that were told: (instant, event id, note)
    accounts: tuple[str, ...] = ()  # the companies that were told of this person, the present one last
    present: int = NEVER  # from here on an act is news to the company's account
    touches: tuple[
        tuple[int, str, str], ...
    ] = ()  # the first and the last way it came: (instant, event id, channel)

    @property
    def position(self) -> Position:
        return self.clock, self.clock_id

    @property
    def state(self) -> Move:
        """The newest checkpoint of the stage history."""
        return self.moves[-1] if self.moves else START

    @property
    def stage(self) -> Stage:
        return Stage(self.state.stage)


START: Final = Move(0, "", Stage.VISITOR, 0, 0, NEVER, ())


class Header(NamedTuple):
    """What restore and the daily sweep read of a record without decoding it; instants, NEVER for none."""

    format: int
    stage: int
    due: int
    expires: int


_HEADER: Final = Layout(">BBqq")
HEADER_BYTES: Final = _HEADER.size
ALIAS: Final = 255
"""In a header's stage: an alias or an erased key, no lead of its own."""

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Lead)


def encode(lead: Lead, stage: int, due: int, expires: int) -> bytes:
    """A record's bytes: format version, stage, next timer and expiry, then the record as msgpack."""
    return pack(FORMAT, stage, due, expires) + _encoder.encode(lead)


def pack(form: int, stage: int, due: int, expires: int) -> bytes:
    """The fixed part of a record's bytes."""
    return _HEADER.pack(form, stage, due, expires)


def header(value: bytes) -> Header:
    """The fixed part of a record's bytes."""
    return Header._make(_HEADER.unpack_from(value))


def decode(value: bytes) -> Lead:
    """The record of `encode`'s bytes; the format is checked once, when the partition is restored."""
    return _decoder.decode(memoryview(value)[_HEADER.size :])
