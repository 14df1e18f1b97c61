"""A lead's story in words that a salesperson would say, in the model's language and time zone."""

from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from streams.scoring.instant import MINUTE, rfc3339, zone
from streams.scoring.lead import Lead
from streams.scoring.model import Model
from streams.scoring.score import Line
from streams.words import request

MOST_REASONS: Final = 4
QUARTER: Final = 15 * MINUTE
"""No time zone's day begins within a quarter of an hour."""
NAMED: Final = frozenset({"offer", "name"})
"""What a rule may count apart that has a name worth telling."""
MOST_HISTORY: Final = 20
MOST_OPENS: Final = 3
"""Opens say little: the history keeps room for what says more."""


class Remark(msgspec.Struct):
    """One line of a lead's story. `day` and `time` are those of `at` where the model lives, as written there."""

    at: str
    type: str
    text: str
    day: str
    time: str = ""


def reason(lines: list[Line], lead: Lead, model: Model, first: str | None = None) -> str | None:
    """Why now: what a person said (`first`), requests and intent, then what gave most; each with its day."""
    found = (line for line in lines if line.value > 0 and line.rule in model.by_id)
    counted = sorted(found, key=lambda line: (not _first(line, model), -line.value, -line.at))
    texts: dict[str, str] = {}
    for line in counted:
        if line.rule not in texts:
            texts[line.rule] = f"{words(line, lead, model)} ({day(line.at, model)})"
    told = ([first] if first else []) + list(texts.values())
    joined = (", " if model.source.language == "en" else "、").join(told[:MOST_REASONS])
    return joined[:1].upper() + joined[1:] or None


def history(lines: list[Line], lead: Lead, model: Model) -> list[Remark]:
    """What the lead did: requests and intent first, in each part the newest first."""
    told: list[Remark] = []
    opens = 0
    for line in sorted(lines, key=lambda line: (not _first(line, model), -line.at, line.rule)):
        if line.rule not in model.by_id or line.event_id is None:
            continue
        opens += line.rule in model.opens
        if line.rule not in model.opens or opens <= MOST_OPENS:
            told.append(
                Remark(
                    rfc3339(line.at),
                    line.rule,
                    _named(line, lead, model),
                    day(line.at, model),
                    _time(line.at, model),
                )
            )
    return told[:MOST_HISTORY]


def _named(line: Line, lead: Lead, model: Model) -> str:
    """What a line stands for, with the name of the offer or of the occasion."""
    said, rule = words(line, lead, model), model.by_id[line.rule]
    if rule.distinct not in NAMED:
        return said
    name = next((c.distinct for c in lead.evidence.get(rule.id, ()) if c.id == line.event_id), None)
    if name is None or name == line.event_id:
        return said
    return f"{said} ({name})" if model.source.language == "en" else f"{said}（{name}）"


def _first(line: Line, model: Model) -> bool:
    rule = model.by_id.get(line.rule)
    return rule is not None and (rule.request or rule.intent)


def day(at: int, model: Model) -> str:
    """A day as people of the model's language write it, in the model's time zone."""
    return local_day(at, model.source.timezone, model.source.language)


def _time(at: int, model: Model) -> str:
    """The time of day in the model's time zone."""
    return f"{datetime.fromtimestamp(at / 1000, zone(model.source.timezone)):%H:%M}"


def local_day(at: int, timezone: str, language: str) -> str:
    """A day as people of a language write it, in a time zone."""
    return _day(at - at % QUARTER, timezone, language)


@lru_cache(maxsize=4_096)
def _day(at: int, timezone: str, language: str) -> str:
    local = datetime.fromtimestamp(at / 1000, zone(timezone))
    if language == "ja":
        return f"{local.month}月{local.day}日"
    return f"{local.day} {local:%b}"


def words(line: Line, lead: Lead, model: Model) -> str:
    """What a line of the ledger stands for; of a request, what was asked for."""
    rule = model.by_id.get(line.rule)
    if rule is None:
        return line.rule
    language = model.source.language
    if rule.request:
        asked = next((c.distinct for c in lead.evidence.get(rule.id, ()) if c.id == line.event_id), None)
        return request(asked, language) or rule.words[language]
    return rule.words[language]
