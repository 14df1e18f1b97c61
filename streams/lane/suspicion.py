"""Finds the record at which the core fails: a bug in scoring must cost one event, not the partition."""

from collections.abc import Iterator, Mapping, Sequence

from streams.changes import Halted, Partition, Record


class Suspected(Exception):
    """The core failed on records of `topic`: restore the partition and apply them again.

    `guilty` is the offset of the record that is known to be the cause, None while it is looked for.
    """

    def __init__(self, topic: str, guilty: int | None, error: Exception) -> None:
        super().__init__(f"{type(error).__name__} at {topic}")
        self.topic = topic
        self.guilty = guilty
        self.error = error


class Suspicion:
    """Applies records, and knows which of them to doubt.

    A batch that failed is applied record by record after the partition is restored. A record that fails once more,
    alone, is guilty: from then on it is refused, which makes it a dead letter, and the others are applied.
    """

    def __init__(self) -> None:
        self._doubted: dict[str, tuple[int, int]] = {}
        self._guilty: dict[tuple[str, int], str] = {}

    def apply(
        self, partition: Partition, topic: str, records: Sequence[Record], again: bool = False
    ) -> Halted | None:
        """As `Partition.apply`. Raises Suspected: the partition's state may be half changed."""
        for piece in self._pieces(topic, records):
            guilt = self._guilty.get((topic, piece[0].offset)) if self._guilty else None
            if guilt is not None:
                partition.refuse(topic, piece[0], guilt)
                continue
            try:
                halted = partition.apply(topic, piece, again)
            except MemoryError:  # the machine's fault, not the record's
                raise
            except Exception as error:
                raise Suspected(topic, self._doubt(topic, piece, error), error) from error
            if halted is not None:
                return halted
        return None

    def settle(self, offsets: Mapping[str, int]) -> None:
        """What is before these offsets is durable and will not come again."""
        for topic, offset in [place for place in self._guilty if place[1] < offsets.get(place[0], 0)]:
            del self._guilty[topic, offset]
        for topic in [
            topic for topic, (_, following) in self._doubted.items() if following <= offsets.get(topic, 0)
        ]:
            del self._doubted[topic]

    def _pieces(self, topic: str, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """The records in order, each that is doubted or guilty by itself."""
        if not self._guilty and topic not in self._doubted:
            yield records
            return
        first, following = self._doubted.get(topic, (0, 0))
        clean: list[Record] = []
        for record in records:
            if first <= record.offset < following or (topic, record.offset) in self._guilty:
                if clean:
                    yield clean
                    clean = []
                yield [record]
            else:
                clean.append(record)
        if clean:
            yield clean

    def _doubt(self, topic: str, piece: Sequence[Record], error: Exception) -> int | None:
        """The offset of the culprit, if it is found."""
        offset = piece[0].offset
        first, following = self._doubted.get(topic, (0, 0))
        if len(piece) == 1 and first <= offset < following:
            self._guilty[topic, offset] = type(error).__name__
            return offset
        self._doubted[topic] = offset, piece[-1].offset + 1
        return None
