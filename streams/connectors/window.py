"""What is read and not yet delivered: which events may be sent now, and how far a partition may be committed.

Events of one lead go one after the other, in the order of the log; leads do not wait for each other. Pure: time is
an argument.
"""

import heapq
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Lane = tuple[int, bytes | None]
"""One lead: its partition and key."""


@dataclass(slots=True, eq=False)
class Entry(Generic[T]):
    """One record on its way. `attempts` counts those that failed."""

    partition: int
    offset: int
    key: bytes | None
    item: T
    attempts: int = 0
    dropped: bool = False


class Window(Generic[T]):
    """Records between the committed offset and the newest read one, of all partitions of one topic."""

    def __init__(self) -> None:
        self._open: dict[int, dict[int, Entry[T]]] = {}
        self._next: dict[int, int] = {}
        self._lanes: dict[Lane, deque[Entry[T]]] = {}
        self._ready: deque[Lane] = deque()
        self._waiting: list[tuple[float, int, int, bytes | None]] = []
        self._stamp = 0

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def add(self, partition: int, offset: int, key: bytes | None, item: T) -> None:
        """The next record of a partition; one that is already open or done is passed over."""
        if offset < self._next.get(partition, 0):
            return
        entry = Entry(partition, offset, key, item)
        self._next[partition] = offset + 1
        self._open.setdefault(partition, {})[offset] = entry
        lane = (partition, key)
        if lane in self._lanes:
            self._lanes[lane].append(entry)
        else:
            self._lanes[lane] = deque([entry])
            self._ready.append(lane)

    def take(self, most: int, now: float, alone_after: int = 2**31) -> list[Entry[T]]:
        """Up to `most` events, each of another lead, oldest first; they are busy until `finish` or `retry`.

        One that has failed `alone_after` times comes alone.
        """
        while self._waiting and self._waiting[0][0] <= now:
            _, _, partition, key = heapq.heappop(self._waiting)
            if (partition, key) in self._lanes:
                self._ready.append((partition, key))
        taken: list[Entry[T]] = []
        while self._ready and len(taken) < most:
            lane = self._lanes.get(self._ready[0])
            suspect = bool(lane) and lane is not None and lane[0].attempts >= alone_after
            if suspect and taken:
                break
            self._ready.popleft()
            if lane:
                taken.append(lane[0])
            if suspect:
                break
        return taken

    def finish(self, entry: Entry[T]) -> None:
        """The event is delivered, or a dead letter: its lead's next may follow."""
        if entry.dropped:
            return
        lane = (entry.partition, entry.key)
        del self._open[entry.partition][entry.offset]
        queue = self._lanes[lane]
        queue.popleft()
        if queue:
            self._ready.append(lane)
        else:
            del self._lanes[lane]

    def retry(self, entry: Entry[T], at: float) -> None:
        """The event could not be delivered: it is tried again at an instant, and its lead's others wait for it."""
        if entry.dropped:
            return
        self._stamp += 1
        heapq.heappush(self._waiting, (at, self._stamp, entry.partition, entry.key))

    def due(self) -> float | None:
        """When the next postponed event may be tried; None if there is none."""
        return self._waiting[0][0] if self._waiting else None

    def positions(self) -> dict[int, int]:
        """For each partition the next offset to read after a crash: everything before it is done."""
        return {p: next(iter(self._open.get(p) or ()), following) for p, following in self._next.items()}

    def busy(self, partitions: set[int]) -> int:
        """How many records of these partitions are not done."""
        return sum(len(self._open.get(partition, ())) for partition in partitions)

    def drop(self, partitions: set[int]) -> None:
        """These partitions belong to somebody else now: forget them, whatever comes back later."""
        for partition in partitions:
            for entry in self._open.pop(partition, {}).values():
                entry.dropped = True
            self._next.pop(partition, None)
        self._lanes = {lane: queue for lane, queue in self._lanes.items() if lane[0] not in partitions}
        self._ready = deque(lane for lane in self._ready if lane[0] not in partitions)
        self._waiting = [waiting for waiting in self._waiting if waiting[2] not in partitions]
        heapq.heapify(self._waiting)
