"""What a worker has in memory when it lets go in order: written to a file, to be compared with the changelog."""

import json
import os
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from streams.lane.lane import Lane
from tests.faults.failpoints import put


class Remains(NamedTuple):
    """One partition as a worker held it; `leads` are digests of records by key."""

    at: float
    offsets: dict[str, int]
    leads: dict[str, str]


def digest(value: bytes) -> str:
    return blake2b(value, digest_size=16).hexdigest()


def keep(directory: str) -> None:
    """In a worker: write what it holds each time that it has settled its partitions."""
    settle = Lane._settle

    async def settling(lane: Lane) -> None:
        await settle(lane)
        _write(Path(directory), lane)

    put(Lane, "_settle", settling)


def _write(directory: Path, lane: Lane) -> None:
    for number, tenure in lane.tenures.items():
        partition: Any = tenure.partition
        if partition is None or partition.pending:
            continue
        leads = {key: digest(value) for key, value in partition.table.dump().items()}
        found = Remains(time.time(), partition.offsets, leads)
        place = directory / f"{number}-{os.getpid()}.json"
        draft = place.with_suffix(".draft")
        draft.write_text(json.dumps(found._asdict()))
        draft.replace(place)


def read(directory: Path) -> dict[int, Remains]:
    """The newest of each partition."""
    found: dict[int, Remains] = {}
    for place in directory.glob("*.json"):
        number = int(place.name.partition("-")[0])
        remains = Remains(**json.loads(place.read_text()))
        if number not in found or found[number].at < remains.at:
            found[number] = remains
    return found
