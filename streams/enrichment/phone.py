"""Telephone numbers in E.164, `+81355550100`, as CRMs and diallers want them."""

import unicodedata
from functools import lru_cache

import phonenumbers

_LONGEST = 64  # characters; an E.164 number has 16


def normalised(raw: object, region: str | None) -> str | None:
    """The number, if it is a possible one; `region` (`JP`) says whose national form it may be in. Else None."""
    text = str(raw) if type(raw) is int else raw
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST:
        return None
    return _parsed(unicodedata.normalize("NFKC", text), region)


@lru_cache(maxsize=8192)
def _parsed(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or number.extension:  # E.164 has no room for an extension
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
