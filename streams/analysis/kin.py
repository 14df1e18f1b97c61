"""Which identities can have to do with each other: what has to be replayed together, and what side by side."""

from collections.abc import Iterable
from typing import Final

from schemas.identity import address, identifier

LONE: Final = 0
"""The way of an event that names one identity: it joins nothing."""


class Kin:
    """Identities joined by the events that name several of them. Two people at one device are kin too."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._numbers: dict[str, int] = {}
        self._ways: dict[tuple[str | None, ...], tuple[int, int]] = {}

    def join(
        self, email: str | None, user: str | None, anonymous: str | None, previous: str | None, browser: bool
    ) -> tuple[int, int] | None:
        """A member of the kin that an event belongs to, and the way in which it was named: the same words again
        join nothing new. None for an event that names nobody."""
        words = (email, user, anonymous, previous, "b" if browser else None)
        found = self._ways.get(words)
        if found is None:
            numbers = [self._number(name) for name in _names(email, user, anonymous, previous)]
            if not numbers:
                return None
            for other in numbers[1:]:
                self._unite(numbers[0], other)
            found = self._ways[words] = numbers[0], LONE if len(numbers) == 1 else len(self._ways) + 1
        return found

    def unite(self, members: Iterable[int]) -> None:
        """These are kin for a reason of their own."""
        first, *others = members
        for other in others:
            self._unite(first, other)

    def root(self, member: int) -> int:
        """The one number of a kin."""
        parents = self._parents
        while parents[member] != member:
            parents[member] = member = parents[parents[member]]
        return member

    def _number(self, name: str) -> int:
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = len(self._parents)
            self._parents.append(found)
        return found

    def _unite(self, one: int, other: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self._parents[second] = first


def _names(email: str | None, user: str | None, anonymous: str | None, previous: str | None) -> Iterable[str]:
    if email and (found := address(email)):
        yield f"e{found}"
    for kind, text in (("u", user), ("a", anonymous), ("u", previous), ("a", previous)):
        if text and (found := identifier(text)):
            yield f"{kind}{found}"
