"""What a lane says about itself."""

from streams import topics
from streams.lane.lane import Lane
from streams.settings import Settings


def test_a_worker_without_its_first_assignment_does_not_blame_the_broker() -> None:
    lane = Lane(Settings(broker="localhost:1"), lambda number, partitions: None, [topics.WEB_VISITS], 1)  # type: ignore[arg-type,return-value]
    assert lane.unready() == ["the group has not assigned partitions yet"]
