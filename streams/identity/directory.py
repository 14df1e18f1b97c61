"""Who an event is about: the keys of its identities, remembered, because hashing them takes time."""

from typing import Final

from streams.identity.keys import Secret, lead_keys, partition_of
from streams.scoring.event import Event

MOST_KNOWN: Final = 100_000
"""Identities whose keys are remembered."""

Identity = tuple[str | None, str | None, str | None]
"""Address, user id, anonymous id."""
Found = tuple[list[str], bool]
"""The keys of an event, the lead's first, and whether that one lives on this partition."""


class Directory:
    """One partition's. `known` may be read in place of `find` where an event names no previous identity."""

    def __init__(self, secret: Secret, partitions: int, number: int) -> None:
        self.known: dict[Identity, Found] = {}
        self._secret = secret
        self._partitions = partitions
        self._number = number

    def find(self, event: Event) -> Found:
        """The keys of an event, those that it says were the person's before included."""
        identity = event.email, event.user_id, event.anonymous_id
        found = self.known.get(identity)
        if found is None:
            found = self._remember(identity)
        if event.previous_id:
            previous = lead_keys(None, event.previous_id, event.previous_id, self._secret)
            return [*found[0], *(key for key in previous if key not in found[0])], found[1]
        return found

    def _remember(self, identity: Identity) -> Found:
        keys = lead_keys(*identity, self._secret)
        found = keys, bool(keys) and partition_of(keys[0], self._partitions) == self._number
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        self.known[identity] = found
        return found
