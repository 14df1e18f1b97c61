"""Amounts of money as people write them: `月額100万円`, `10億円`, `$1.5M`, `USD 10,000 per month`."""

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from schemas.part import Scalar
from streams.fit.number import NUMBER, scaled
from streams.fit.quantity import DATE, REMEMBERED, TO, amount, bare, lower
from streams.fit.wording import plain

Period = Literal["year", "month"]
MONTHS: Final = 12


class Money(NamedTuple):
    """An amount a year, in a currency by its ISO 4217 code."""

    a_year: float
    currency: str


CODES: Final = (
    *(
        "jpy",
        "usd",
        "eur",
        "gbp",
        "aud",
        "cad",
        "sgd",
        "chf",
        "cny",
        "hkd",
        "krw",
        "twd",
        "inr",
        "nzd",
        "sek",
        "nok",
    ),
    *(
        "dkk",
        "pln",
        "czk",
        "huf",
        "thb",
        "vnd",
        "idr",
        "myr",
        "php",
        "brl",
        "mxn",
        "zar",
        "aed",
        "sar",
        "ils",
        "try",
    ),
)
WRITTEN: Final = {
    **{code: code.upper() for code in CODES},
    **dict.fromkeys(("¥", "円", "yen", "日本円"), "JPY"),
    **dict.fromkeys(("$", "us$", "ドル", "米ドル", "dollar", "dollars", "us dollars"), "USD"),
    **dict.fromkeys(("€", "euro", "euros", "ユーロ"), "EUR"),
    **dict.fromkeys(("£", "pound", "pounds", "ポンド"), "GBP"),
    **dict.fromkeys(("a$", "au$", "豪ドル"), "AUD"),
    **dict.fromkeys(("c$", "ca$", "カナダドル"), "CAD"),
    **dict.fromkeys(("s$", "sg$", "シンガポールドル"), "SGD"),
    **dict.fromkeys(("hk$", "香港ドル"), "HKD"),
    **dict.fromkeys(("nt$", "台湾ドル"), "TWD"),
    **dict.fromkeys(("rmb", "yuan", "元", "人民元"), "CNY"),
    **dict.fromkeys(("₩", "won", "ウォン"), "KRW"),
    **dict.fromkeys(("₹", "rs", "rupees", "ルピー"), "INR"),
    **dict.fromkeys(("フラン", "francs"), "CHF"),
    **dict.fromkeys(("バーツ", "baht"), "THB"),
    "nz$": "NZD",
    "r$": "BRL",
}
SHARED: Final = {"$": ("AUD", "CAD", "SGD", "HKD", "TWD", "NZD", "MXN"), "¥": ("CNY",)}
"""Signs of several currencies: the model's own, if it is one of them."""
_SIGN: Final = "|".join(
    f"{re.escape(word)}(?![a-z])" if word[-1:].isalpha() and word.isascii() else re.escape(word)
    for word in sorted(WRITTEN, key=len, reverse=True)
)
AMOUNT: Final = re.compile(
    rf"(?:(?<![a-z])(?P<before>{_SIGN})\s*)?(?P<low>{NUMBER})\s*(?P<after>{_SIGN})?"
    rf"(?:(?:以上)?{TO}(?:{_SIGN})?\s*(?P<high>{NUMBER})\s*(?P<end>{_SIGN})?)?"
)
_MONTH: Final = r"[かカヶケヵ箇]\s*月|months?(?![a-z])"
PERIODS: Final[tuple[tuple[re.Pattern[str], float], ...]] = (
    (re.compile(r"四半期|quarter(?:ly)?|/\s*q(?![a-z])"), 4.0),
    (
        re.compile(
            r"(?<!\d)月(?:額|商|間|々|次|当たり|あたり)?|(?:(?:per|a|each|every) )?(?<![a-z])month(?:ly)?(?![a-z])"
            r"|/\s*mo?(?![a-z])"
        ),
        12.0,
    ),
    (re.compile(r"週(?:額|間|次)?|(?:per|a|each) week|weekly|/\s*w(?:ee)?k(?![a-z])"), 52.0),
    (re.compile(r"日額|(?:per|a|each) day|daily|/\s*day(?![a-z])"), 365.0),
    (
        re.compile(
            r"年(?:額|商|間|度|次|当たり|あたり)?|(?:per|a|each) year|annual(?:ly)?|yearly|/\s*y(?:ea)?r?(?![a-z])"
            r"|(?<![a-z])(?:p\.?a\.?|per annum)(?![a-z])"
        ),
        1.0,
    ),
)
"""What says how often an amount is spent, and how often that is in a year."""
SPANS: Final = re.compile(rf"(?<![\d.,])(\d{{1,2}})\s*(?:({_MONTH})|年間?|years?(?![a-z]))")
"""`3ヶ月`, `2年間`: the amount is for the whole of it."""
NEGATIVE: Final = re.compile(rf"(?:{_SIGN})?\s*[-−▲△]\s*(?:{_SIGN})?\s*\d")
WORDS: Final = re.compile(
    r"予算|広告費|広告宣伝費|売上高?|売り上げ|売上金額|資本金|総額|税[抜込別]き?"
    r"|(?<![a-z])(?:budget|revenue|sales|turnover|ad spend)(?![a-z])"
)


def money(value: Scalar | None, period: Period, currency: str) -> Money | None:
    """An amount a year, of a band its lower end; None if the value is none.

    A value that does not say so is for `period` and in `currency` (ISO 4217).
    """
    if isinstance(value, str):
        return _money(value, period, currency)
    if value is None or isinstance(value, bool):
        return None
    plain_amount = amount(value)
    return None if plain_amount is None else Money(plain_amount * (MONTHS if period == "month" else 1), currency)


@lru_cache(REMEMBERED)
def _money(text: str, period: Period, currency: str) -> Money | None:
    if NEGATIVE.match(plain(text)):
        return None
    clean, times = _period(DATE.sub(" ", plain(text)), period)
    match = next((found for found in AMOUNT.finditer(clean) if _is_money(found)), None)
    if match is None:
        alone = bare(WORDS.sub(" ", clean).strip())
        low = None if alone is None else lower(alone, clean)
        return None if low is None else Money(low * times, currency)
    low = lower(match, clean)
    sign = match["before"] or match["after"] or match["end"]
    return None if low is None else Money(low * times, _currency(sign, currency))


def _is_money(match: re.Match[str]) -> bool:
    signed = match["before"] or match["after"] or match["end"]
    return bool(signed) or scaled(match["low"]) or (match["high"] is not None and scaled(match["high"]))


def _currency(sign: str | None, currency: str) -> str:
    if sign is None or currency in SHARED.get(sign, ()):
        return currency
    return WRITTEN[sign]


def _period(text: str, period: Period) -> tuple[str, float]:
    """The text without the words of its period, and how often that is in a year."""
    span = SPANS.search(text)
    if span is not None and int(span[1]) > 0:
        return SPANS.sub(" ", text), (12.0 if span[2] else 1.0) / int(span[1])
    for pattern, times in PERIODS:
        if pattern.search(text):
            return pattern.sub(" ", text), times
    return text, 12.0 if period == "month" else 1.0
