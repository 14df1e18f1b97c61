"""A snapshot as a file: frames of compressed msgpack, one partition after the other, and a checksum of all of it.

    magic, format byte
    frame   length (4 bytes), partition (4 bytes; NOBODY in the first and the last), zlib of msgpack
    ...
    checksum (16 bytes of BLAKE2b over everything before)

The first frame is the Head, the last one the number of records. Of each partition there is one Begin and then as
many frames of (key, value) as it takes. The file holds what the score table holds: data of persons.
"""

import os
import zlib
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from struct import Struct as Layout
from types import TracebackType
from typing import BinaryIO, Final, NamedTuple, Self, TypeVar

import msgspec

from streams import progress
from streams.changes import Refused
from streams.progress import Progress

MAGIC: Final = b"leadstreams-snapshot\n"
FORMAT: Final = 1
NOBODY: Final = 0xFFFFFFFF
FRAME_RECORDS: Final = 2_000
CHECKSUM_BYTES: Final = 16
CHUNK_BYTES: Final = 1 << 20
COMPRESSION: Final = 1
"""Fast: event ids are digests, which do not compress."""
_FRAME: Final = Layout(">II")

T = TypeVar("T")


class Unusable(Exception):
    """The file is no snapshot, damaged, or of a later version; one line."""


class Head(msgspec.Struct, array_like=True):
    """What the snapshot is of. `taken_at` in Unix milliseconds."""

    pipeline: str
    partitions: int
    taken_at: int


class Begin(msgspec.Struct, array_like=True):
    """Where one partition stands.

    `meta` is its record of progress, `order` the first position in `lead-order` that may hold what came after,
    `written` per topic that it writes the offset from which on everything came after, `own` its records of models.
    """

    meta: bytes
    order: int
    written: dict[str, int]
    own: dict[str, bytes]


class Standing(NamedTuple):
    """One partition: where it stands, and its records by lead key."""

    begin: Begin
    records: Mapping[str, bytes]

    @property
    def progress(self) -> Progress:
        """Raises Unusable."""
        found = progress.decode(self.begin.meta)
        if isinstance(found, Refused):
            raise Unusable(found.message)
        return found


class Draft:
    """Writes a snapshot beside its place and puts it there when it is whole. Use as a context manager."""

    def __init__(self, place: Path, head: Head) -> None:
        self._place = place
        self._draft = place.with_name(f".{place.name}.{os.getpid()}")
        self._head = head
        self._sum = blake2b(digest_size=CHECKSUM_BYTES)
        self.records = 0

    def __enter__(self) -> Self:
        # Readable by its owner only: it says what leads did.
        self._out = os.fdopen(os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self._write(MAGIC + bytes([FORMAT]))
        self._frame(NOBODY, msgspec.msgpack.encode(self._head))
        return self

    def add(self, number: int, standing: Standing) -> None:
        """One partition. Raises OSError."""
        self._frame(number, msgspec.msgpack.encode(standing.begin))
        items = list(standing.records.items())
        for first in range(0, len(items), FRAME_RECORDS):
            self._frame(number, msgspec.msgpack.encode(items[first : first + FRAME_RECORDS]))
        self.records += len(items)

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        with self._out:
            if kind is None:
                self._frame(NOBODY, msgspec.msgpack.encode(self.records))
                self._out.write(self._sum.digest())
                self._out.flush()
                os.fsync(self._out.fileno())
        if kind is None:
            self._draft.replace(self._place)
        else:
            self._draft.unlink(missing_ok=True)

    def _frame(self, number: int, payload: bytes) -> None:
        packed = zlib.compress(payload, COMPRESSION)
        self._write(_FRAME.pack(len(packed), number) + packed)

    def _write(self, data: bytes) -> None:
        self._sum.update(data)
        self._out.write(data)


class Snapshot:
    """A snapshot to read. Raises Unusable if it is none; `verify` says whether all of it is as it was written."""

    def __init__(self, place: Path) -> None:
        self.place = place
        with self._opened() as source:
            payload = next(self._frames(source, NOBODY), None)
        self.head = self._decoded(payload, Head)

    def verify(self) -> None:
        """Read all of it and compare the checksum. Raises Unusable."""
        size = self.place.stat().st_size
        found = blake2b(digest_size=CHECKSUM_BYTES)
        with self.place.open("rb") as source:
            left = size - CHECKSUM_BYTES
            while left > 0 and (chunk := source.read(min(CHUNK_BYTES, left))):
                found.update(chunk)
                left -= len(chunk)
            if left or source.read() != found.digest():
                raise Unusable(f"{self.place} is damaged or cut short: its checksum is wrong; take another")

    def standing(self, number: int) -> Standing | None:
        """One partition, None if it had nothing yet. Raises Unusable."""
        with self._opened() as source:
            frames = self._frames(source, number)
            first = next(frames, None)
            if first is None:
                return None
            begin = self._decoded(first, Begin)
            records = {
                key: value for frame in frames for key, value in self._decoded(frame, list[tuple[str, bytes]])
            }
        return Standing(begin, records)

    def _opened(self) -> BinaryIO:
        try:
            source = self.place.open("rb")
        except OSError as error:
            raise Unusable(f"cannot read {self.place}: {error.strerror}") from None
        head = source.read(len(MAGIC) + 1)
        if head[:-1] == MAGIC and head[-1] == FORMAT:
            return source
        source.close()
        if head[: len(MAGIC)] != MAGIC:
            raise Unusable(f"{self.place} is no snapshot of leadstreams")
        raise Unusable(f"{self.place} is of format {head[-1]}, this program reads {FORMAT}: upgrade it")

    def _frames(self, source: BinaryIO, wanted: int) -> Iterator[bytes]:
        """The frames of one partition, in order."""
        while len(head := source.read(_FRAME.size)) == _FRAME.size:
            length, number = _FRAME.unpack(head)
            if number == wanted:
                yield source.read(length)
            else:
                source.seek(length, os.SEEK_CUR)

    def _decoded(self, frame: bytes | None, kind: type[T]) -> T:
        try:
            return msgspec.msgpack.decode(zlib.decompress(frame or b""), type=kind)
        except (zlib.error, msgspec.MsgspecError):
            raise Unusable(f"{self.place} is damaged: take another snapshot") from None
