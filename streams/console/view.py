"""Templates: escaped by default, with instants in the model's time zone and numbers as the commands print them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from streams.console.language import Language, say
from streams.scoring.instant import zone
from streams.scoring.model import Model
from streams.words import CHANGES, HELD, LANES, NEXT_EVENT

HERE: Final = Path(__file__).parent
SHORT_KEY: Final = 10
TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Unicode's marks, embeddings, overrides and isolates of direction."""


def environment() -> Environment:
    """The templates beside this module."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=unturned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(points=points, short=short, number=number, share=share, seconds=seconds)
    return found


def unturned(value: Any) -> Any:
    """A text without the characters that turn the text around them: in browsers an isolated element does not
    contain what it leaves open."""
    if isinstance(value, str) and not value.isascii() and TURNING.search(value):
        return type(value)(TURNING.sub("", value))
    return value


def words(language: Language, model: Model) -> Mapping[str, Any]:
    """What a page needs to speak."""
    return {
        "_": partial(say, language=language),
        "language": language,
        "zone": model.source.timezone,
        "time": partial(time, zone_name=model.source.timezone),
        "left": partial(left, language=language),
        "held_by": partial(held_by, language=language),
        "lane": partial(lane, language=language),
        "changed": partial(changed, language=language),
    }


_spoken: Final[dict[tuple[str, Language], Model]] = {}


def speaking(model: Model, language: Language) -> Model:
    """The same model with its words in another language: not a point changes."""
    if model.source.language == language:
        return model
    found = _spoken.get((model.hash, language))
    if found is None:
        _spoken.clear()
        found = replace(model, source=model.source.model_copy(update={"language": language}))
        _spoken[model.hash, language] = found
    return found


def time(at: str | int | None, zone_name: str, form: str = "%Y-%m-%d %H:%M") -> Markup:
    """An instant as people of the model read it; machines read the attribute."""
    if at is None or at == 0:
        return Markup()
    moment = datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at / 1000, zone("UTC"))
    local = moment.astimezone(zone(zone_name))
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), f"{local:{form}}")


def points(value: float | None) -> str:
    """One decimal is enough for the eye."""
    return "" if value is None else f"{value:.1f}".removesuffix(".0")


def number(value: float) -> str:
    return f"{value:,.0f}"


def share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value * 1000:,.0f} ms" if value < 1 else f"{value:,.1f} s"


def short(key: str) -> Markup:
    """A key that can be read, whole for whoever points at it."""
    return Markup('<span class="key" title="{}">{}…</span>').format(key, key[:SHORT_KEY])


def left(hours: float | None, language: Language) -> Markup:
    """How much time is left, in business hours."""
    if hours is None:
        return Markup("–")
    late = "late" if hours < 0 else "soon" if hours < 1 else "ok"
    unit = "時間" if language == "ja" else " h"
    sign = "−" if hours < 0 else ""
    return Markup('<span class="left {}">{}{}{}</span>').format(late, sign, f"{abs(hours):.1f}", unit)


def held_by(code: str, language: Language) -> str:
    """A missing condition in words that fit many leads."""
    if code == "next_event":
        return NEXT_EVENT[language == "ja"]
    plain = GENERAL.get(code)
    found = plain or HELD.get(code)
    return code if found is None else found[language == "ja"]


def changed(name: str, language: Language) -> str:
    """What sales was told about a lead that it has."""
    found = CHANGES.get(name)
    return name if found is None else found[language == "ja"]


def lane(name: str, language: Language) -> str:
    found = LANES.get(name)
    if found is not None:
        return found[language == "ja"]
    return {"score": ("score", "スコア")}.get(name, (name, name))[language == "ja"]


GENERAL: Final = {
    "points": ("points missing for SQL", "SQLまでの点数不足"),
    "sql_points": ("points missing for SQL", "SQLまでの点数不足"),
    "mql_points": ("points missing for MQL", "MQLまでの点数不足"),
    "mql_behaviour": ("points of behaviour missing for MQL", "MQLまでの行動の点数不足"),
    "grade": ("fit grade too low", "適合度が不足"),
    "seniority": ("decision power too low", "決裁権が不足"),
    "active_days": ("too few active days", "活動日数が不足"),
    "cool_down": ("in its cool-down", "クールダウン期間中"),
}
"""Conditions whose words name one lead's numbers."""
