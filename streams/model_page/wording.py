"""Saying things in the page's language: lists, spans of time, numbers, rows of tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.model import Language
from schemas.part import Words
from streams.model_page.vocabulary import UNITS, Both
from streams.scoring.instant import span

Lines = list[str]


@dataclass(frozen=True)
class Wording:
    """Words in one language."""

    language: Language

    def say(self, en: str, ja: str) -> str:
        """The one of two texts that is in the page's language."""
        return ja if self.language == "ja" else en

    def text(self, words: Words) -> str:
        """The model's own words."""
        return self.say(words.en, words.ja)

    def term(self, terms: Both, name: object) -> str:
        """What a name of the model is called; the name itself where nobody gave it words."""
        found = terms.get(str(name))
        return str(name) if found is None else self.say(*found)

    def terms(self, terms: Both, names: Iterable[object]) -> str:
        """Names of which any will do."""
        return self.either([self.term(terms, name) for name in names])

    def either(self, parts: Sequence[str]) -> str:
        """`a, b or c`."""
        if self.language == "ja":
            return "／".join(parts)
        return " or ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)

    def all_of(self, parts: Iterable[str]) -> str:
        """Things that must all be so."""
        return self.say("; ", "、").join(parts)

    def duration(self, ms: int) -> str:
        """A span in words: `30 days`."""
        short = span(ms) if ms else "0s"
        if short[-1] not in UNITS or short.endswith("ms"):
            return short
        return self.count(short[:-1], *UNITS[short[-1]])

    def business(self, number: float, en: str, ja: str) -> str:
        """Business hours or days: `8 business hours`."""
        return self.count(f"{number:g}", f"business {en}", f"営業{ja}")

    def count(self, number: object, en: str, ja: str) -> str:
        """A number of things."""
        return self.say(f"{number} {en}{'s' * (str(number) != '1')}", f"{number}{ja}")

    def points(self, number: float) -> str:
        """`8 points`."""
        return self.count(f"{number:g}", "point", "点")


def signed(points: float) -> str:
    """`+10`, `-5`, `0`."""
    return f"{points:+g}" if points else "0"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Lines:
    """A Markdown table. A column whose name ends with `:` is of numbers."""
    lines = ["| " + " | ".join(column.removesuffix(":") for column in columns) + " |"]
    lines.append("|" + "|".join("---:" if column.endswith(":") else "---" for column in columns) + "|")
    return lines + ["| " + " | ".join(map(cell, row)) + " |" for row in rows]


def cell(text: str) -> str:
    """A text that stays within its cell."""
    return text.replace("|", "\\|").replace("\n", " ").strip()
