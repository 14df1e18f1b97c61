"""A second model beside the live one: the same core over the same log, in topics of its own.

What it would have told goes to `lead-transitions-shadow`; a transition with a `handoff_id` is a handoff that it
would have made. Sales gets nothing of it, and what cannot be read the live pipeline has reported already.
"""

from collections.abc import Sequence
from typing import Final

from streams import kafka_access, order, topics
from streams.changes import Changes, Halted, Own, Record, Refused
from streams.lane.lane import MakePartition
from streams.lane.record import Record as Read
from streams.settings import Settings
from streams.shard import Shard, Terms
from streams.worker import Role

SOURCES: Final = (*topics.INPUTS, topics.LEAD_FORWARDS_SHADOW)
"""What a shadow reads. No transitions: nothing is handed over."""
OWN: Final = Own(topics.LEAD_SCORES_SHADOW, topics.LEAD_ORDER_SHADOW)
ROLE: Final = Role(OWN, kafka_access.of_shadow, "leadstreams_shadow_")

_OURS: Final = {
    topics.LEAD_FORWARDS: topics.LEAD_FORWARDS_SHADOW,
    topics.LEAD_TRANSITIONS: topics.LEAD_TRANSITIONS_SHADOW,
}
"""The core's word for a topic, and which one a shadow writes instead; to others it writes nothing."""
_THEIRS: Final = {ours: name for name, ours in _OURS.items()}


class Shadow(Shard):
    """A partition under the shadow's model. The core goes by the names of the live topics."""

    def __init__(self, number: int, partitions: int, terms: Terms) -> None:
        super().__init__(number, partitions, terms)
        self.own = OWN

    def restored(self) -> Refused | None:
        """Ready, or refused: what one model began another cannot go on with."""
        refused = super().restored()
        if refused is None and self.model.hash != self.terms.model.hash:
            return Refused(
                f"partition {self.number}: the shadow was begun with model {self.model.hash}; "
                "leadstreams shadow MODEL --anew begins again with another"
            )
        return refused

    @property
    def offsets(self) -> dict[str, int]:
        return {_ours(topic): offset for topic, offset in self.progress.offsets.items()}

    def apply(self, topic: str, records: Sequence[Record], again: bool = False) -> Halted | None:
        """As the live partition does; nothing is halted, since the live pipeline judges what is refused."""
        if topic == topics.LEAD_FORWARDS_SHADOW:
            return super().apply(topics.LEAD_FORWARDS, [_theirs(record) for record in records], again)
        return super().apply(topic, records, again)

    def refuse(self, topic: str, record: Record, detail: str) -> None:
        """Passed over; the log has no word of it but the failure that the lane tells."""
        super().refuse(_THEIRS.get(topic, topic), _theirs(record), detail)

    def take(self) -> Changes:
        """What is to be written, in the shadow's own topics."""
        changes = super().take()
        effects = [e._replace(topic=_OURS[e.topic]) for e in changes.effects if e.topic in _OURS]
        runs = changes.order and order.encode(
            [run._replace(topic=_ours(run.topic)) for run in order.decode(changes.order)]
        )
        return changes._replace(own=OWN, offsets=self.offsets, order=runs, effects=effects)


def _ours(topic: str) -> str:
    return _OURS.get(topic, topic)


def _theirs(record: Record) -> Record:
    """A record under the name of the live topic."""
    topic = _THEIRS.get(record.topic, record.topic)
    place = (topic, record.partition, record.offset, record.timestamp)
    return Read(*place, record.key, record.value, list(record.headers))


def maker(agreed: Terms) -> MakePartition:
    """What makes the partition of a number."""
    terms = agreed._replace(reject_share=1.0)
    return lambda number, partitions: Shadow(number, partitions, terms)


def settings_of(settings: Settings) -> Settings:
    """The settings under which a shadow runs: with a group, transactions and clients of its own."""
    return settings.model_copy(update={"pipeline": f"{settings.pipeline}-shadow"})
