"""Countries as people write them, in the codes that machines compare."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.core import get_global

from schemas.part import Scalar
from streams.fit.wording import LONGEST, plain

REMEMBERED: Final = 4096
LANGUAGES: Final = ("en", "ja", "de", "fr", "nl", "es", "it", "zh", "ko")
"""Languages whose names of countries are known, from Unicode CLDR; where two disagree the first is right."""
OTHER_NAMES: Final = {
    **dict.fromkeys(
        ("usa", "us", "america", "the united states", "united states of america", "アメリカ", "米国"), "US"
    ),
    **dict.fromkeys(
        ("uk", "gb", "britain", "great britain", "england", "scotland", "wales", "northern ireland"), "GB"
    ),
    **dict.fromkeys(("英国", "イングランド", "グレートブリテン"), "GB"),
    **dict.fromkeys(("日本国", "nippon", "nihon", "jp", "にほん", "にっぽん"), "JP"),
    **dict.fromkeys(("holland", "the netherlands", "オランダ王国"), "NL"),
    **dict.fromkeys(("korea", "republic of korea", "大韓民国"), "KR"),
    **dict.fromkeys(("prc", "mainland china", "中華人民共和国", "中国大陸"), "CN"),
    **dict.fromkeys(("hong kong", "hong kong sar", "香港"), "HK"),
    **dict.fromkeys(("macau", "マカオ"), "MO"),
    **dict.fromkeys(("taiwan", "台湾"), "TW"),
    **dict.fromkeys(("viet nam", "ベトナム社会主義共和国"), "VN"),
    **dict.fromkeys(("uae", "アラブ首長国連邦"), "AE"),
    **dict.fromkeys(("czech republic", "チェコ共和国"), "CZ"),
    **dict.fromkeys(("russian federation", "ロシア連邦"), "RU"),
    **dict.fromkeys(("turkey", "トルコ"), "TR"),
    **dict.fromkeys(("独国", "ドイツ連邦共和国"), "DE"),
    **dict.fromkeys(("仏国", "フランス共和国"), "FR"),
    **dict.fromkeys(("豪州", "オーストラリア連邦"), "AU"),
    **dict.fromkeys(("シンガポール共和国", "星国"), "SG"),
}
NO_COUNTRY: Final = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})
"""Codes of CLDR that are no country of ISO 3166."""
PUNCTUATION: Final = re.compile(r"[.'’]")
PARTS: Final = re.compile(r"\s*[,、/|;・:()\[\]–]+\s*|(?<=[^\x00-\x7f])\s+")


def _bare(text: str) -> str:
    """Without full stops and accents of Latin letters."""
    spread = unicodedata.normalize("NFD", PUNCTUATION.sub("", plain(text)))
    return unicodedata.normalize("NFC", re.sub(r"(?<=[a-z])[\u0300-\u036f]+", "", spread)).strip()


def _names() -> tuple[dict[str, str], dict[str, str]]:
    """Countries by name and three-letter code, and by two-letter code."""
    names: dict[str, str] = {}
    codes: dict[str, str] = {}
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code not in NO_COUNTRY:
                codes[code.casefold()] = code
                names.setdefault(_bare(name), code)
    for alias, codes_of in get_global("territory_aliases").items():
        if len(alias) == 3 and alias.isalpha() and codes_of[0] in codes.values():
            names.setdefault(alias.casefold(), codes_of[0])
    return names | OTHER_NAMES, codes


NAMES, CODES = _names()


def country(value: Scalar | None) -> str | None:
    """The ISO 3166 alpha-2 code of a country by name or code, in Japanese, English and some others; else None."""
    return _country(value[:LONGEST]) if isinstance(value, str) else None


@lru_cache(REMEMBERED)
def _country(text: str) -> str | None:
    whole = _bare(text)
    found = NAMES.get(whole) or CODES.get(whole)
    if found is not None:
        return found
    # Of an address the last part is the country; two letters there may as well be a state: CA is California.
    return next((NAMES[part] for part in reversed(PARTS.split(whole)) if part in NAMES), None)
