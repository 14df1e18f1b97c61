"""What a worker has in memory when it lets go in order: written to a file, to be compared with the changelog."""

import json
import os
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from streams.lane.lane import Lane
from tests.faults.failpoints import put


class Remains(NamedTuple):
    """One partition as a worker held it; `leads` are digests of records by key."""

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
        found = Remains(partition.offsets, leads)
        place = directory / f"{number}-{os.getpid()}.json"
        draft = place.with_suffix(".draft")
        draft.write_text(json.dumps(found._asdict()))
        draft.replace(place)


def read(directory: Path) -> dict[int, Remains]:
    """The newest of each partition, by the files' own times: a worker's clock may be a day off."""
    found: dict[int, Remains] = {}
    for place in sorted(directory.glob("*.json"), key=lambda place: place.stat().st_mtime_ns):
        found[int(place.name.partition("-")[0])] = Remains(**json.loads(place.read_text()))
    return found
