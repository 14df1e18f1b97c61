"""Text as people type it, brought to one form, and words found in it."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from schemas.part import Scalar

LONGEST: Final = 200
"""Characters of a short answer that are read: a title, a country, a headcount are shorter."""
REMEMBERED: Final = 8192
"""Answers whose plain form is kept."""
BLANKS: Final = re.compile(r"\s+")
START: Final = r"(?<![a-z0-9])"
END: Final = r"(?![a-z0-9])"
NOTHING: Final = frozenset(
    {
        *("n/a", "na", "none", "null", "nil", "no", "nothing", "unknown", "unemployed", "other", "others", "test"),
        *("asdf", "asdfgh", "qwerty", "hoge", "xxx", "tbd", "undecided", "not applicable", "to be determined"),
        *("select", "please select", "mr", "mrs", "ms", "miss", "dr", "なし", "無し", "無", "ナシ", "特になし"),
        *("特に無し", "ありません", "その他", "不明", "未定", "未設定", "未記入", "未回答", "わからない"),
        *("分からない", "空欄", "テスト", "無職", "主婦", "様", "選択してください"),
    }
)
"""Answers that say nothing."""


@lru_cache(REMEMBERED)
def plain(text: str) -> str:
    """Half width, lower case, single blanks: what is compared. At most `LONGEST` characters."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text[:LONGEST]).casefold())
    return BLANKS.sub(" ", folded).strip()[:LONGEST]


@lru_cache(REMEMBERED)
def says_nothing(text: str) -> bool:
    """Whether a plain text is no answer: blank, a dash, "なし", "test", one key pressed again and again."""
    bare = text.strip(" .-ー―_*/\\?!()[]。、…・〜~")
    return bare in NOTHING or not any(c.isalpha() for c in bare) or (len(bare) > 2 and len(set(bare)) == 1)


def said(value: Scalar | None) -> str:
    """A text value in its plain form; empty if it is none."""
    return plain(value) if isinstance(value, str) else ""


def word(text: str) -> str:
    """A pattern for a plain word: ASCII letters end at a boundary ("director" holds no "cto"), others anywhere."""
    start = START if text[:1].isascii() and text[:1].isalnum() else ""
    end = END if text[-1:].isascii() and text[-1:].isalnum() else ""
    return f"{start}{re.escape(text)}{end}"


class Lexicon:
    """Words and what each stands for: a text's meaning is that of the longest word that stands in it."""

    def __init__(self, words: Iterable[tuple[str, str]]) -> None:
        self._meaning: dict[str, str] = {}
        for written, meaning in words:
            self._meaning.setdefault(plain(written), meaning)
        longest_first = sorted(self._meaning, key=len, reverse=True)
        # Looking ahead finds words that overlap.
        self._words = re.compile(f"(?=({'|'.join(map(word, longest_first))}))" if longest_first else r"(?!)")

        self.meaning = lru_cache(REMEMBERED)(self._read)
        """What a plain text stands for; None if no word stands in it."""

    def _read(self, text: str) -> str | None:
        exact = self._meaning.get(text)
        if exact is not None:
            return exact
        found = max((match[1] for match in self._words.finditer(text)), key=len, default=None)
        return None if found is None else self._meaning[found]
