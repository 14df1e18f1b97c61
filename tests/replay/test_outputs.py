"""What the core gave out against what the topics hold."""

from collections import Counter

from streams import topics
from streams.replay.outputs import Expected, Written, compare

TRANSITION = (topics.LEAD_TRANSITIONS, 0, b"t")
FORWARD = (topics.LEAD_FORWARDS, 1, b"f")


def expected(**fields: object) -> Expected:
    return Expected(
        **{"owed": Counter([TRANSITION, FORWARD]), "handoffs": {"ho-1": b"h"}, "read": {0: 1}, **fields}  # type: ignore[arg-type]
    )


def written(
    owed: Counter[tuple[str, int, bytes]] | None = None,
    handoffs: dict[str, Counter[bytes]] | None = None,
    due: set[str] | None = None,
) -> Written:
    there = Counter([TRANSITION, FORWARD]) if owed is None else owed
    transitions = Counter({name: n for name, n in there.items() if name[0] == topics.LEAD_TRANSITIONS})
    return Written(there, {"ho-1": Counter([b"h"])} if handoffs is None else handoffs, due or set(), transitions)


def told(written: Written, exactly_once: bool = True) -> list[tuple[str, str]]:
    return [(d.about, d.words) for d in compare(expected(), written, exactly_once)]


def test_all_there_and_once_is_no_difference() -> None:
    assert told(written()) == []


def test_a_handoff_that_is_not_there_is_missing() -> None:
    assert told(written(handoffs={})) == [("ho-1", "is missing in the topic")]


def test_a_handoff_with_one_other_byte_is_seen() -> None:
    assert told(written(handoffs={"ho-1": Counter([b"H"])})) == [("ho-1", "has other bytes in the topic")]


def test_a_handoff_twice_is_wrong_exactly_once_and_right_at_least_once() -> None:
    twice = written(handoffs={"ho-1": Counter({b"h": 2})})
    assert told(twice) == [("ho-1", "is in the topic 2 times")]
    assert told(twice, exactly_once=False) == []


def test_a_repeat_with_other_bytes_is_wrong_in_any_case() -> None:
    other = written(handoffs={"ho-1": Counter([b"h", b"H"])})
    assert told(other, exactly_once=False) == [("ho-1", "was repeated with other bytes")]


def test_a_handoff_that_the_core_does_not_give_is_seen_unless_its_transition_is_newer() -> None:
    strange = {"ho-1": Counter([b"h"]), "ho-2": Counter([b"x"])}
    assert told(written(handoffs=strange)) == [("ho-2", "is in the topic, and the core does not give it")]
    assert told(written(handoffs=strange, due={"ho-2"})) == []


def test_a_lost_forward_is_seen_though_the_table_that_it_never_reached_agrees() -> None:
    lost = written(owed=Counter([TRANSITION]))
    assert told(lost) == [("lead-forwards[1]", "lacks 1 records that the core gives out")]
    assert told(lost, exactly_once=False) == told(lost)


def test_a_transition_twice_is_wrong_exactly_once() -> None:
    twice = written(owed=Counter({TRANSITION: 2, FORWARD: 1}))
    assert told(twice) == [("lead-transitions[0]", "holds 1 records not given by the core")]
    assert told(twice, exactly_once=False) == []
