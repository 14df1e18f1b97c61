"""A guard against slowness that works on any machine: what the core costs in units of a fixed loop of pure Python.

Both are measured by turns in one process, so that the machine's speed and whatever else it does cancel out.
`python -m benchmarks.guard` prints the figure.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from benchmarks import load
from streams.changes import Record
from streams.identity.keys import Secret
from streams.lane.record import Record as LaneRecord
from streams.model_file import load as load_model
from streams.shard import Shard, Terms

EVENTS: Final = 12_000
LEADS: Final = 2_000
BATCH: Final = 1_000
ROUNDS: Final = 5
SECRET: Final = Secret(b"a secret for the guard of the speed")


class Measured(NamedTuple):
    """Processor seconds per event of the core, and per text of the loop."""

    core_s: float
    loop_s: float

    @property
    def ratio(self) -> float:
        return self.core_s / self.loop_s


def measure(model: str = "published") -> Measured:
    """Batches of events through one partition, between them texts through the loop; the middle one of rounds."""
    compiled = load_model(model)
    assert not isinstance(compiled, list), compiled
    batches, texts = _batches(), _texts()
    rounds = [_round(Shard(0, 1, Terms(compiled, SECRET)), batches, texts) for _ in range(ROUNDS)]
    return sorted(rounds, key=lambda measured: measured.ratio)[ROUNDS // 2]


def _round(shard: Shard, batches: list[tuple[str, list[Record]]], texts: list[str]) -> Measured:
    core = loop = 0.0
    for topic, records in batches:
        core += _took(partial(_apply, shard, topic, records))
        loop += _took(partial(_decode_all, texts))
    return Measured(core / EVENTS, loop / (len(batches) * len(texts)))


def _took(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _apply(shard: Shard, topic: str, records: Sequence[Record]) -> None:
    shard.apply(topic, records)
    shard.take()
    shard.confirm()


def _batches() -> list[tuple[str, list[Record]]]:
    """The load in batches of one topic, as the lane gives them."""
    waiting: dict[str, list[Record]] = {}
    offsets: dict[str, int] = {}
    found: list[tuple[str, list[Record]]] = []
    encode = msgspec.json.Encoder().encode
    for index, (topic, _, event) in enumerate(load.events(EVENTS, LEADS, 5)):
        offset = offsets.get(topic, 0)
        offsets[topic] = offset + 1
        at = load.START + index * load.STEP_MS
        waiting.setdefault(topic, []).append(LaneRecord(topic, 0, offset, at, b"", encode(event), []))
        if index % BATCH == BATCH - 1:
            found += waiting.items()
            waiting = {}
    return found


def _texts() -> list[str]:
    return [
        ";".join(f"{name}={value}" for name, value in event.items())
        for _, _, event in load.events(BATCH // 4, LEADS, 5)
    ]


def _decode_all(texts: list[str]) -> int:
    return sum(len(_decode(text)) for text in texts)


def _decode(text: str) -> dict[str, Any]:
    """The fixed loop: takes a text of names and values apart. Changing it makes older figures worthless."""
    fields: dict[str, Any] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if value.isdigit():
            fields[name] = int(value)
        elif value in ("True", "False"):
            fields[name] = value == "True"
        else:
            fields[name] = value
    return fields


if __name__ == "__main__":
    measured = measure()
    core, loop = 1e6 * measured.core_s, 1e6 * measured.loop_s
    print(f"{measured.ratio:.2f} loops an event ({core:.1f} us, the loop {loop:.1f} us)")
