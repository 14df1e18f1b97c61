"""A lead's story in words that a salesperson would say, in the model's language and time zone."""

from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from streams.scoring.model import Model
from streams.scoring.score import Line

MOST_REASONS: Final = 4
MOST_HISTORY: Final = 20
MOST_OPENS: Final = 3
"""Opens say little: the history keeps room for what says more."""
CAP: Final = "cap:"


def reason(lines: list[Line], model: Model) -> str | None:
    """Why now: what gave the most points, the strongest first, with the day of each."""
    counted = sorted((line for line in lines if line.value > 0), key=lambda line: (-line.value, -line.at))
    texts: dict[str, str] = {}
    for line in counted:
        if line.rule not in texts:
            texts[line.rule] = f"{_words(line.rule, model)} ({day(line.at, model)})"
    joined = (", " if model.source.language == "en" else "、").join(list(texts.values())[:MOST_REASONS])
    return joined[:1].upper() + joined[1:] or None


def history(lines: list[Line], model: Model) -> list[tuple[int, str, str]]:
    """What the lead did, the newest first: (instant, rule, text)."""
    told: list[tuple[int, str, str]] = []
    opens = 0
    for line in sorted(lines, key=lambda line: (-line.at, line.rule)):
        if line.rule.startswith(CAP) or line.event_id is None:
            continue
        opens += line.rule == "email_open"
        if line.rule != "email_open" or opens <= MOST_OPENS:
            told.append((line.at, line.rule, _words(line.rule, model)))
    return told[:MOST_HISTORY]


def day(at: int, model: Model) -> str:
    """A day as people of the model's language write it, in the model's time zone."""
    local = datetime.fromtimestamp(at / 1000, _zone(model.source.timezone))
    if model.source.language == "ja":
        return f"{local.month}月{local.day}日"
    return f"{local.day} {local:%b}"


def _words(rule_id: str, model: Model) -> str:
    rule = model.by_id.get(rule_id)
    return rule.words[model.source.language] if rule else rule_id


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
