"""Event ids are remembered for a day, each once, and no longer than is promised."""

from hypothesis import given
from hypothesis import strategies as st

from streams.scoring import memory
from streams.scoring.instant import DAY, HOUR
from streams.scoring.memory import Seen, digest

NOW = 1_770_000_000_000
IDS = st.lists(st.text(min_size=1, max_size=100), unique=True, max_size=30)


def remembered(*arrivals: tuple[str, int]) -> Seen:
    seen: Seen = {}
    for event_id, arrival in arrivals:
        memory.note(seen, digest(event_id), arrival)
    return seen


@given(IDS, IDS)
def test_what_was_noted_is_known_and_nothing_else(noted: list[str], others: list[str]) -> None:
    seen = remembered(*((name, NOW) for name in noted))
    assert all(memory.has(seen, digest(name)) for name in noted)
    assert not any(memory.has(seen, digest(name)) for name in others if name not in noted)


def test_an_id_is_known_for_a_day_whatever_else_arrives() -> None:
    assert memory.has(remembered(("a", NOW), ("b", NOW + DAY)), digest("a"))


def test_an_id_is_forgotten_some_hours_after_a_day() -> None:
    assert not memory.has(remembered(("a", NOW), ("b", NOW + DAY + 7 * HOUR)), digest("a"))


@given(st.permutations([("a", NOW), ("b", NOW + 5 * HOUR), ("c", NOW + DAY), ("d", NOW + 40 * HOUR)]))
def test_what_is_remembered_does_not_depend_on_the_order(arrivals: list[tuple[str, int]]) -> None:
    assert set(memory.digests(remembered(*arrivals))) == {digest("c"), digest("d")}


def test_the_end_of_one_digest_and_the_beginning_of_the_next_are_no_digest() -> None:
    seen = remembered(("a", NOW), ("b", NOW))
    [ids] = seen.values()
    assert not memory.has(seen, ids[3:11])
    seen = {0: ids[3:11] + ids}
    assert memory.has({0: ids[3:] + ids[:3] + ids[3:11]}, ids[3:11])
    assert memory.has(seen, ids[3:11])


def test_a_lead_remembers_so_many_ids_of_a_spell_the_newest() -> None:
    seen = remembered(*((str(number), NOW) for number in range(memory.MOST + 1)))
    assert not memory.has(seen, digest("0"))
    assert memory.has(seen, digest("1"))
    assert sum(map(len, seen.values())) == memory.MOST * memory.WIDTH


@given(IDS, IDS)
def test_two_memories_united_know_what_either_knew_once(left: list[str], right: list[str]) -> None:
    united = memory.unite(remembered(*((n, NOW) for n in left)), remembered(*((n, NOW) for n in right)))
    assert sorted(memory.digests(united)) == sorted(set(map(digest, [*left, *right])))
