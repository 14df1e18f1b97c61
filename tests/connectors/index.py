"""Finding a fake's records by the value of a field, as a database does: ten thousand are not looked through."""

from collections.abc import Mapping
from typing import Any


class Index:
    """Over records that tests may also add and delete by hand. Texts are compared without case."""

    def __init__(self, records: Mapping[str, Mapping[str, Any]], *fields: str) -> None:
        self._records = records
        self._fields = fields
        self._places: dict[tuple[str, str], dict[str, None]] = {}
        self._count = 0

    def note(self, number: str) -> None:
        """A record is new, or has new values."""
        self._count = len(self._records)
        for field in self._fields:
            if (value := _word(self._records[number], field)) != "":
                self._places.setdefault((field, value), {})[number] = None

    def find(self, field: str, value: object) -> list[str]:
        """Ids of the records with that value, in the order of their making."""
        if len(self._records) != self._count:
            for number in self._records:
                self.note(number)
        word = str(value or "").lower()
        known = (number for number in self._places.get((field, word), ()) if number in self._records)
        return [number for number in known if _word(self._records[number], field) == word]


def _word(record: Mapping[str, Any], field: str) -> str:
    return str(record.get(field) or "").lower()
