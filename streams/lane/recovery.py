"""Hangs the lane into Faust: its table manager's recovery is where a worker learns what it owns."""

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP
from mode import Service


class LaneRecovery(Recovery):  # type: ignore[misc]
    """In place of Faust's recovery, which waits for ever at transaction markers: the lane restores by itself."""

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        if generation_id == self.app.consumer_generation_id:
            self._generation_id = generation_id
            self.signal_recovery_start.set()

    @Service.task  # type: ignore[untyped-decorator]
    async def _restart_recovery(self) -> None:
        while not self.should_stop:
            if await self.wait_for_stopped(self.signal_recovery_start):
                break
            self.signal_recovery_start.clear()
            generation = self._generation_id
            consumer = self.app.consumer
            # Opens Faust's gates at once: what flows through them the lane decides, partition by partition.
            await self._resume_streams(generation_id=generation)
            if generation == self.app.consumer_generation_id:
                await self.app.lane.assigned(consumer.assignment(), generation, consumer.thread)


class LaneTables(TableManager):  # type: ignore[misc]
    """The app's `TableManager`: no Faust tables, the lane's recovery, no second of waiting at the start."""

    _recovery: Recovery | None

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery = LaneRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
