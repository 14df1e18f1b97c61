"""How much a worker may still read: what waits is counted once, however partitions come and go."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams import topics
from streams.changes import Halted
from streams.lane.lane import MAX_BUFFERED_BYTES, Lane
from streams.lane.record import Batch, Record
from streams.lane.tenure import Tenure
from streams.settings import Settings

TOPIC = topics.WEB_VISITS


class Idle:
    """A partition that takes everything and does nothing."""

    pending = 0
    number = 0

    def apply(self, topic: str, records: Any, again: bool = False) -> Halted | None:
        return None


steps = st.lists(st.one_of(st.integers(1, 1 << 20), st.sampled_from(["apply", "rebalance"])), max_size=30)


@given(steps)
@settings(deadline=None)
async def test_what_waits_is_what_was_received_and_neither_applied_nor_dropped(taken: list[int | str]) -> None:
    lane = Lane(Settings(broker="localhost:1"), lambda number, partitions: Idle(), [TOPIC], 1)  # type: ignore[arg-type,return-value]
    tenure = lane.tenures[0] = Tenure(lane, 0)
    tenure.partition = Idle()  # type: ignore[assignment]
    tenure.epoch = lane.next_epoch()
    waiting: list[Batch] = []
    offset = 0
    for step in taken:
        if step == "rebalance":
            tenure.suspend()
            tenure.epoch = lane.next_epoch()
            for batch in waiting:  # they were read for a time that is over
                tenure.apply(batch)
            waiting = []
        elif step == "apply" and waiting:
            tenure.apply(waiting.pop(0))
        elif isinstance(step, int):
            record = Record(TOPIC, 0, offset, 0, b"", b"", [])
            batch = Batch(TOPIC, 0, [record], offset + 1, offset + 1, tenure.epoch, step)
            assert lane.received(batch)
            waiting.append(batch)
            offset += 1
        assert lane.room() == MAX_BUFFERED_BYTES - sum(batch.size for batch in waiting)
