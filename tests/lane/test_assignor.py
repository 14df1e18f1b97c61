"""Who owns which partition."""

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from hypothesis import given
from hypothesis import strategies as st

from streams.lane.assignor import Assignor, Claim, UnequalPartitions, owned, partition_count, share

CLAIMS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.builds(Claim, st.text("xyz", max_size=2), st.lists(st.integers(0, 12), max_size=12)),
    min_size=1,
    max_size=6,
)


class Cluster:
    """The one question that the assignor asks about the cluster."""

    def __init__(self, **counts: int) -> None:
        self._counts = counts

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self._counts[topic])) if topic in self._counts else None


def assigned(cluster: Cluster, **members: ConsumerProtocolMemberMetadata) -> dict[str, dict[str, list[int]]]:
    found = Assignor().assign(cluster, members)
    return {member: dict(assignment.assignment) for member, assignment in found.items()}


@given(st.integers(0, 12), CLAIMS)
def test_every_partition_has_exactly_one_owner_and_shares_differ_by_at_most_one(
    count: int, claims: dict[str, Claim]
) -> None:
    shares = share(count, claims)
    assert sorted(p for partitions in shares.values() for p in partitions) == list(range(count))
    sizes = [len(partitions) for partitions in shares.values()]
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(0, 12), CLAIMS)
def test_an_assignment_that_was_made_is_made_again(count: int, claims: dict[str, Claim]) -> None:
    first = share(count, claims)
    again = share(count, {member: Claim(claims[member].name, held) for member, held in first.items()})
    assert again == first


def test_a_newcomer_takes_only_its_share() -> None:
    shares = share(6, {"a": Claim("a", [0, 1, 2]), "b": Claim("b", [3, 4, 5]), "c": Claim("c", [])})
    assert set(shares["a"]) < {0, 1, 2}
    assert set(shares["b"]) < {3, 4, 5}
    assert len(shares["c"]) == 2


def test_partition_n_of_all_topics_goes_to_one_member_whatever_each_subscribes_to() -> None:
    every, few = Assignor("every").metadata(["x", "y", "z"]), Assignor("few").metadata(["x", "y"])
    found = assigned(Cluster(x=4, y=4, z=4), every=every, few=few)
    assert set(found["few"]) == {"x", "y"}
    assert found["few"]["x"] == found["few"]["y"]
    assert found["every"]["x"] == found["every"]["y"] == found["every"]["z"]
    assert not set(found["few"]["x"]) & set(found["every"]["z"])


def test_a_member_without_a_share_is_assigned_no_topic() -> None:
    found = assigned(Cluster(x=1), a=Assignor("a").metadata(["x"]), b=Assignor("b").metadata(["x"]))
    assert found == {"a": {"x": [0]}, "b": {}}


def test_a_strangers_claim_is_ignored() -> None:
    stranger = ConsumerProtocolMemberMetadata(0, ["x"], b"\xff\xff")
    assert assigned(Cluster(x=2), a=stranger) == {"a": {"x": [0, 1]}}


def test_what_a_member_holds_is_told_at_its_next_join() -> None:
    member = Assignor("a")
    found = member.assign(Cluster(x=3), {"a": member.metadata(["x"])})
    member.on_assignment(found["a"])
    assert member.held == [0, 1, 2]


def test_unequal_partition_counts_are_refused_by_name() -> None:
    with pytest.raises(UnequalPartitions, match="x has 4, y has 3"):
        partition_count({"x": 4, "y": 3})


def test_missing_topics_are_refused_by_name() -> None:
    with pytest.raises(UnequalPartitions, match="y, z; run: leadstreams topics create"):
        partition_count({"x": 4, "z": 0, "y": 0})


def test_a_scattered_assignment_is_noticed() -> None:
    assert owned([("x", 1), ("y", 1), ("other", 7)], ["x", "y"]) == {1}
    assert owned([], ["x", "y"]) == set()
    with pytest.raises(AssertionError, match="scattered"):
        owned([("x", 1), ("y", 2)], ["x", "y"])
