"""After a rebalance a partition that stayed ours goes on from its state, unless somebody committed in between."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

import pytest
from faust.types import TP

from streams import topics
from streams.lane import tenure as lane_tenure
from streams.lane.lane import Lane
from streams.lane.tenure import Tenure
from streams.lane.trouble import Unconfirmed
from streams.settings import Settings

TOPIC: Final = topics.WEB_VISITS
COMMITTED: Final = 7


class Kept:
    """A partition with nothing to flush."""

    number = 0
    pending = 0
    offsets: Final = {TOPIC: COMMITTED}


class Group:
    """The consumer's thread, before a broker whose group stands at one offset at each look, at last for good."""

    def __init__(self, *found: int) -> None:
        self.found = list(found)
        self.placed: dict[TP, int] = {}
        self.reader = self

    def wake(self) -> None:
        """There is nothing to read."""

    async def group_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        found = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        return dict.fromkeys(tps, found)

    async def ranges(self, tps: Iterable[TP]) -> dict[TP, tuple[int, int]]:
        return dict.fromkeys(tps, (0, 100))

    async def place(self, offsets: Mapping[TP, int]) -> None:
        self.placed.update(offsets)


def tenured(group: Group) -> Tenure:
    """A tenure amid a rebalance: no assignment is held, and its last flush was confirmed."""
    lane = Lane(Settings(broker="localhost:1"), lambda number, partitions: Kept(), [TOPIC], 1)  # type: ignore[arg-type,return-value]
    lane._thread = group  # type: ignore[assignment]
    tenure = lane.tenures[0] = Tenure(lane, 0)
    tenure.partition = Kept()  # type: ignore[assignment]
    tenure._committed = {TOPIC: COMMITTED}
    return tenure


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_tenure, "MARKER_S", 0)


async def test_nothing_is_asked_before_the_assignment_is_known() -> None:
    group = Group(COMMITTED - 3, COMMITTED)
    tenure = tenured(group)
    going_on = asyncio.create_task(tenure._reseat())
    for _ in range(5):
        await asyncio.sleep(0)
    assert group.found == [COMMITTED - 3, COMMITTED], "our own flush may be under way"
    tenure._lane.stable.set()
    await going_on
    assert group.placed == {TP(TOPIC, 0): COMMITTED}


async def test_a_commit_of_ours_that_cannot_be_read_yet_is_waited_for() -> None:
    group = Group(COMMITTED - 3, COMMITTED - 3, COMMITTED)
    tenure = tenured(group)
    tenure._lane.stable.set()
    await tenure._reseat()
    assert tenure.epoch
    assert group.placed == {TP(TOPIC, 0): COMMITTED}


@pytest.mark.parametrize("found", [COMMITTED - 3, COMMITTED + 1], ids=["never-ours", "somebody-else's"])
async def test_an_offset_that_is_not_ours_drops_the_state(found: int) -> None:
    group = Group(found)
    tenure = tenured(group)
    tenure._lane.stable.set()
    with pytest.raises(Unconfirmed, match=f"committed at {found}, not {COMMITTED}"):
        await tenure._reseat()
    assert not group.placed


async def test_what_somebody_else_committed_is_not_waited_for() -> None:
    looks: list[Any] = [COMMITTED + 1, COMMITTED]
    tenure = tenured(Group(*looks))
    tenure._lane.stable.set()
    with pytest.raises(Unconfirmed):
        await tenure._reseat()


@pytest.mark.parametrize("go_on", [Tenure._reseat, Tenure._seat], ids=["kept", "taken-over"])
async def test_a_state_that_is_lost_amid_a_rebalance_is_not_gone_on_with(
    go_on: Callable[[Tenure], Coroutine[Any, Any, None]],
) -> None:
    group = Group(COMMITTED)
    tenure = tenured(group)
    going_on = asyncio.create_task(go_on(tenure))
    await asyncio.sleep(0)
    tenure._lose(None)
    tenure._lane.stable.set()
    await going_on
    assert not group.placed
