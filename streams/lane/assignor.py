"""Who owns which partition: partition N of all source topics has one owner, whatever each member subscribes to.

An event may change a lead that another topic's events change too, so the topics of one partition number share
state. Faust's own assignor groups by equal subscription and scatters them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

NAME: Final = "leadstreams"
VERSION: Final = 0


class Claim(msgspec.Struct, array_like=True):
    """What a member says about itself: its stable name, and the partitions that it holds."""

    name: str = ""
    held: list[int] = []


class UnequalPartitions(Exception):
    """The source topics do not have the same number of partitions."""


def partition_count(counts: Mapping[str, int]) -> int:
    """The number of partitions that all topics share. Raises UnequalPartitions."""
    missing = sorted(topic for topic, count in counts.items() if count == 0)
    if missing:
        raise UnequalPartitions(f"topics do not exist: {', '.join(missing)}; run: leadstreams topics create")
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{topic} has {count}" for topic, count in sorted(counts.items()))
        raise UnequalPartitions(
            f"source topics must have equal numbers of partitions, but {listed}; see: leadstreams topics check"
        )
    return next(iter(counts.values()), 0)


def share(count: int, claims: Mapping[str, Claim]) -> dict[str, list[int]]:
    """Partitions 0 to count - 1 over the members: even, and each stays where it is as far as that is even.

    Deterministic; of two members that claim the same partition the first by name (then id) has it.
    """
    members = sorted(claims, key=lambda member: (claims[member].name, member))
    least, more = divmod(count, len(members))
    owner: dict[int, str] = {}
    shares: dict[str, list[int]] = {member: [] for member in members}
    roomy = more
    for member in members:
        kept = [p for p in sorted(set(claims[member].held)) if p < count and p not in owner]
        limit = least + (1 if roomy > 0 and len(kept) > least else 0)
        roomy -= limit - least
        for partition in kept[:limit]:
            owner[partition] = member
            shares[member].append(partition)
    for partition in (p for p in range(count) if p not in owner):
        member = min(members, key=lambda m: len(shares[m]))
        shares[member].append(partition)
    return {member: sorted(partitions) for member, partitions in shares.items()}


class Assignor(AbstractPartitionAssignor):  # type: ignore[misc]
    """aiokafka's interface to `share`; an instance, since a member must tell what it holds.

    A member gets the topics that it subscribes to of the partitions that it owns. The others of those partitions
    wait until the owner runs a version that reads them: nobody else may touch the leads of that partition.
    """

    name = NAME

    def __init__(self, member: str = "") -> None:
        self._member = member
        self.held: list[int] = []

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        claim = msgspec.msgpack.encode(Claim(self._member, self.held))
        return ConsumerProtocolMemberMetadata(VERSION, sorted(topics), claim)

    def assign(
        self, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        topics = sorted({topic for member in members.values() for topic in member.subscription})
        count = partition_count({topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics})
        shares = share(count, {member: _claim(data.user_data) for member, data in members.items()})
        return {
            member: ConsumerProtocolMemberAssignment(
                VERSION, [(topic, shares[member]) for topic in sorted(data.subscription) if shares[member]], b""
            )
            for member, data in members.items()
        }

    def on_assignment(self, assignment: Any) -> None:
        self.held = sorted({tp.partition for tp in assignment.partitions()})


def _claim(data: bytes) -> Claim:
    try:
        return msgspec.msgpack.decode(data, type=Claim)
    except msgspec.MsgspecError:
        return Claim()


def owned(assignment: Iterable[tuple[str, int]], topics: Iterable[str]) -> set[int]:
    """The partition numbers of an assignment. Raises AssertionError if one of them is not whole."""
    held: dict[str, set[int]] = {topic: set() for topic in topics}
    for topic, partition in assignment:
        if topic in held:
            held[topic].add(partition)
    distinct = {frozenset(numbers) for numbers in held.values()}
    if len(distinct) > 1:
        listed = ", ".join(f"{topic}: {sorted(numbers)}" for topic, numbers in sorted(held.items()))
        raise AssertionError(f"partitions are scattered over owners ({listed})")
    return set(next(iter(distinct), frozenset()))
