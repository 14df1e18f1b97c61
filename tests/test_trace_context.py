"""The trace that an event belongs to goes with it into the handoff, and nothing else does."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import topics, trace_context
from streams.changes import Effect
from streams.identity.keys import partition_of
from streams.local import Local
from tests.laboratory import key_of, terms_of, wire
from tests.reference.events import EMAIL, at, met, whitepaper

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-1111111111111111aaaaaaaaaaaaaaaa-2222222222222222-00"
PARTITIONS = 7
ARRIVAL = at(day=2)


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.integers(0, 255))
def test_every_trace_context_is_taken_and_comes_back_from_headers(trace: int, span: int, flags: int) -> None:
    said = f"00-{trace:032x}-{span:016x}-{flags:02x}"

    assert trace_context.valid(said) == said
    assert trace_context.of([("other", b"x"), *trace_context.headers(said)]) == said


@pytest.mark.parametrize(
    "said",
    [
        "",
        "ada@firm.test",
        TRACE.upper(),
        TRACE + "\n",
        TRACE + "-more",
        TRACE.replace("00-", "ff-", 1),
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
    ],
)
def test_what_is_no_trace_context_is_not_passed_on(said: str) -> None:
    assert trace_context.valid(said) is None
    assert trace_context.of([("traceparent", said.encode())]) is None


@given(st.binary(max_size=80))
def test_no_bytes_in_a_header_do_harm(said: bytes) -> None:
    found = trace_context.of([("traceparent", said)])
    assert found is None or found.encode() == said


def test_without_a_trace_a_record_has_no_header() -> None:
    assert trace_context.headers(None) == ()
    assert trace_context.of([]) is None


def handed_over(partition: int, trace: str | None) -> tuple[Local, Effect]:
    """A pipeline after a lead's two events, read from that partition; the second comes with a trace."""
    pipeline = Local(terms_of(), PARTITIONS)
    first = wire(whitepaper("w", at(day=1), email=EMAIL))
    pipeline.feed(topics.WEB_VISITS, first, ARRIVAL, partition, trace_context.headers(OTHER))
    second = wire(met("m", at(day=1, hour=1), email=EMAIL))
    pipeline.feed(topics.LEAD_ACTIVITIES, second, ARRIVAL, partition, trace_context.headers(trace))
    (handoff,) = pipeline.outputs[topics.SALES_HANDOFFS]
    return pipeline, handoff


@pytest.mark.parametrize("partition", range(PARTITIONS))
def test_a_handoff_belongs_to_the_trace_of_the_event_that_caused_it_wherever_that_was_read(partition: int) -> None:
    pipeline, handoff = handed_over(partition, TRACE)

    assert trace_context.of(handoff.headers) == TRACE
    told = [json.loads(effect.value or b"") for effect in pipeline.outputs[topics.LEAD_TRANSITIONS]]
    assert {one["cause"]: one["traceparent"] for one in told} == {"w": OTHER, "m": TRACE}
    forwarded = partition != partition_of(key_of(email=EMAIL), PARTITIONS)
    passed_on = [effect for effect in pipeline.outputs[topics.LEAD_FORWARDS] if effect.headers]
    assert [trace_context.of(effect.headers) for effect in passed_on] == [OTHER, TRACE] * forwarded


def test_the_same_log_gives_the_same_traces() -> None:
    assert handed_over(0, TRACE)[0].outputs == handed_over(0, TRACE)[0].outputs


def test_a_handoff_without_a_trace_begins_one_that_follows_from_its_id() -> None:
    _, first = handed_over(0, None)
    _, again = handed_over(3, None)

    made = trace_context.of(first.headers)
    assert made == trace_context.of(again.headers)
    assert made is not None
    assert made[3:35] == dict(first.headers)["handoff-id"].decode().partition("-")[2]
