"""A lead's story in words that a salesperson would say, in the model's language and time zone."""

from datetime import datetime
from typing import Final

import msgspec

from streams.scoring.instant import rfc3339, zone
from streams.scoring.model import Model
from streams.scoring.score import Line

MOST_REASONS: Final = 4
MOST_HISTORY: Final = 20
MOST_OPENS: Final = 3
"""Opens say little: the history keeps room for what says more."""


class Remark(msgspec.Struct):
    """One line of a lead's story. `day` is the day of `at` where the model lives, as people write it."""

    at: str
    type: str
    text: str
    day: str


def reason(lines: list[Line], model: Model) -> str | None:
    """Why now: requests and intent, then what gave the most points, with the day of each."""
    found = (line for line in lines if line.value > 0 and line.rule in model.by_id)
    counted = sorted(found, key=lambda line: (not _first(line, model), -line.value, -line.at))
    texts: dict[str, str] = {}
    for line in counted:
        if line.rule not in texts:
            texts[line.rule] = f"{_words(line.rule, model)} ({day(line.at, model)})"
    joined = (", " if model.source.language == "en" else "、").join(list(texts.values())[:MOST_REASONS])
    return joined[:1].upper() + joined[1:] or None


def history(lines: list[Line], model: Model) -> list[Remark]:
    """What the lead did: requests and intent first, in each part the newest first."""
    told: list[Remark] = []
    opens = 0
    for line in sorted(lines, key=lambda line: (not _first(line, model), -line.at, line.rule)):
        if line.rule not in model.by_id or line.event_id is None:
            continue
        opens += line.rule in model.opens
        if line.rule not in model.opens or opens <= MOST_OPENS:
            told.append(Remark(rfc3339(line.at), line.rule, _words(line.rule, model), day(line.at, model)))
    return told[:MOST_HISTORY]


def _first(line: Line, model: Model) -> bool:
    rule = model.by_id.get(line.rule)
    return rule is not None and (rule.request or rule.intent)


def day(at: int, model: Model) -> str:
    """A day as people of the model's language write it, in the model's time zone."""
    local = datetime.fromtimestamp(at / 1000, zone(model.source.timezone))
    if model.source.language == "ja":
        return f"{local.month}月{local.day}日"
    return f"{local.day} {local:%b}"


def _words(rule_id: str, model: Model) -> str:
    rule = model.by_id.get(rule_id)
    return rule.words[model.source.language] if rule else rule_id
