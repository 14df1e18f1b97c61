from collections import Counter

import pytest

from streams.connectors import runner as module
from streams.connectors.event import Event
from streams.connectors.outcome import Delivered, Outcome, Postponed, Refused
from tests.connectors.handoffs import handoff, lead_key, update
from tests.connectors.memory import MemoryDeadLetters, MemorySource, Scripted, run_until


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is committed at once, so that no test waits for it."""
    monkeypatch.setattr(module, "COMMIT_S", 0.02)


def topic(*values: tuple[int, bytes]) -> MemorySource:
    return MemorySource([(lead_key(number).encode(), value) for number, value in values])


async def test_every_event_is_delivered_once_and_committed() -> None:
    source = topic(*((number, handoff(number)) for number in range(50)))
    receiver, letters = Scripted(batch=7), MemoryDeadLetters()

    await run_until(lambda: len(receiver.delivered) == 50, receiver, source, letters)

    assert source.done
    assert Counter(event.key for event in receiver.delivered) == Counter(lead_key(n) for n in range(50))
    assert letters.letters == []


async def test_a_leads_events_arrive_in_order_though_the_receiver_fails_now_and_then() -> None:
    source = topic(*((n % 5, handoff(n % 5, cycle=1 + n // 5)) for n in range(50)))
    asked: Counter[str] = Counter()

    def now_and_then(event: Event) -> Outcome:
        asked[event.id] += 1
        return Postponed("busy", 0.001) if asked[event.id] % 3 else Delivered()

    receiver = Scripted(now_and_then, batch=2)
    await run_until(lambda: source.done, receiver, source, MemoryDeadLetters(), attempts=100)

    for number in range(5):
        cycles = [event.cycle for event in receiver.delivered if event.key == lead_key(number)]
        assert cycles == list(range(1, 11))


async def test_a_refused_event_becomes_a_dead_letter_and_its_leads_next_goes_on() -> None:
    source = topic((0, handoff(0)), (1, handoff(1)), (0, update(0)))
    receiver = Scripted(lambda event: Refused("HTTP 400") if event.id.startswith("ho-") else Delivered())
    letters = MemoryDeadLetters()

    await run_until(lambda: source.done, receiver, source, letters)

    assert letters.letters == [(0, "crm_refused", "test: HTTP 400"), (1, "crm_refused", "test: HTTP 400")]
    assert [event.change for event in receiver.delivered] == ["opted_out"]


async def test_what_is_no_event_becomes_a_dead_letter_and_an_unknown_type_is_passed_over() -> None:
    strange = b'{"specversion":"1.0","id":"1","type":"com.leadstreams.other.v9","subject":"s","time":"x"}'
    source = MemorySource([(b"a", b"\xff"), (b"b", None), (b"c", b"{}"), (b"d", strange), (b"e", handoff())])
    receiver, letters = Scripted(), MemoryDeadLetters()

    await run_until(lambda: source.done, receiver, source, letters)

    assert [(offset, reason) for offset, reason, _ in letters.letters] == [
        (0, "bad_utf8"),
        (1, "null_value"),
        (2, "bad_field"),
    ]
    assert len(receiver.delivered) == 1


async def test_an_event_that_alone_never_passes_is_given_up_and_blocks_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "backoff", lambda attempt, chance: 0.001)
    source = topic(*((number, handoff(number)) for number in range(30)))
    receiver = Scripted(lambda event: Postponed("HTTP 500") if event.key == lead_key(3) else Delivered())
    letters = MemoryDeadLetters()

    await run_until(lambda: len(receiver.delivered) == 29, receiver, source, letters, attempts=3, width=1)
    # The last one is alone now; nothing but another success tells it from a receiver that is away.
    source.records += [
        r._replace(offset=r.offset + 30) for r in topic(*((n, handoff(n)) for n in range(90, 99))).records
    ]
    source.rewind()
    receiver.delivered.clear()
    await run_until(lambda: bool(letters.letters), receiver, source, letters, attempts=3, width=1)

    assert letters.letters[0][:2] == (3, "crm_refused")
    assert "HTTP 500" in letters.letters[0][2]


async def test_a_receiver_that_is_away_gets_no_dead_letters_and_everything_when_it_is_back() -> None:
    source = topic(*((number, handoff(number)) for number in range(10)))
    away = [Postponed("HTTP 503", 0.02, everyone=True)] * 5
    receiver = Scripted(lambda _: away.pop() if away else Delivered())
    letters = MemoryDeadLetters()

    await run_until(lambda: source.done, receiver, source, letters, attempts=1)

    assert letters.letters == []
    assert len(receiver.delivered) == 10


async def test_a_wrong_set_up_does_not_drain_the_topic_into_dead_letters() -> None:
    source = topic(*((number, handoff(number)) for number in range(400)))
    receiver, letters = Scripted(lambda _: Refused("HTTP 400"), batch=10), MemoryDeadLetters()

    runner = await run_until(lambda: len(receiver.asked) > 105, receiver, source, letters)

    assert len(letters.letters) < 100
    assert not source.done
    assert "refused" in runner.trouble


async def test_no_more_deliveries_run_at_once_than_allowed() -> None:
    source = topic(*((number, handoff(number)) for number in range(60)))
    receiver = Scripted()
    await run_until(lambda: source.done, receiver, source, MemoryDeadLetters(), width=3)
    assert max(receiver.at_once) <= 3


async def test_what_was_not_committed_is_delivered_again_after_a_crash() -> None:
    source = topic(*((number, handoff(number)) for number in range(20)))
    receiver = Scripted()
    await run_until(lambda: source.done, receiver, source, MemoryDeadLetters())
    source.committed[0] = 15
    source.rewind()
    await run_until(lambda: source.done, receiver, source, MemoryDeadLetters())
    assert [event.key for event in receiver.delivered[20:]] == [lead_key(number) for number in range(15, 20)]


async def test_a_bug_in_a_connector_loses_nothing() -> None:
    source = topic((0, handoff(0)))
    broken = [True]

    def answer(_: Event) -> Outcome:
        if broken.pop() if broken else False:
            raise ZeroDivisionError
        return Delivered()

    receiver = Scripted(answer)
    await run_until(lambda: source.done, receiver, source, MemoryDeadLetters())
    assert len(receiver.delivered) == 1
