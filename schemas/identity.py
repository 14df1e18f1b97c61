"""What counts as an identity of a person. Text that cannot be one counts as absent, never as an error."""

import unicodedata

MAX_IDENTITY = 512
"""Characters; longer ones are not identities but accidents."""


def address(text: str) -> str | None:
    """An email address in the form that is compared: NFKC, no spaces around, lower case; None if it is not one."""
    found = unicodedata.normalize("NFKC", text).strip().lower()
    name, _, domain = found.rpartition("@")
    if not (name and domain) or len(found) > MAX_IDENTITY or any(map(str.isspace, found)):
        return None
    return found


def identifier(text: str) -> str | None:
    """A user id or anonymous id without spaces around it; None if nothing is left or it is absurdly long."""
    found = text.strip()
    return found if 0 < len(found) <= MAX_IDENTITY else None
