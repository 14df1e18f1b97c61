"""What a person agreed to hear from us: `consent_communication` as one text, in whatever form a source told it."""

from typing import Final

from streams.scoring.attribute import LONGEST, NO, Value, plain

VERSIONS: Final = ("wording_version", "version")


def granted(said: object) -> Value | None:
    """What was granted, in words; False if somebody was asked and granted nothing; None if nobody was asked."""
    if said is None:
        return None
    parts = said if isinstance(said, list) else [said]
    texts = [text for text in map(_one, parts) if text]
    if texts:
        return "; ".join(texts)[:LONGEST]
    return True if said is True else False if isinstance(said, list) or _refused(said) else None


def _refused(said: object) -> bool:
    return said is False or str(plain(said)).casefold() in NO


def _one(said: object) -> str | None:
    """One grant: its channel, its purpose, and which wording it was."""
    if isinstance(said, dict):
        about = ": ".join(str(said[name]) for name in ("channel", "purpose") if said.get(name))
        wording = next((str(said[name]) for name in VERSIONS if said.get(name)), None)
        return f"{about} ({wording})" if about and wording else about or None
    told = plain(said)
    return None if told is None or isinstance(told, bool) or _refused(told) else str(told)
