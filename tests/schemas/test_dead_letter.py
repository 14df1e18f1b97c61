"""A dead letter's headers say where it came from and why."""

import pytest

from schemas.dead_letter import Headers, Reason

HEADERS = Headers(Reason.BAD_FIELD, "event_id: expected text", "web-visits", 3, 17, 1_793_581_200_000)


def test_the_headers_are_read_back_as_written() -> None:
    encoded = HEADERS.encode()
    assert [name for name, _ in encoded] == [
        "reason",
        "detail",
        "source-topic",
        "source-partition",
        "source-offset",
        "source-timestamp",
    ]
    assert Headers.decode([*encoded, ("traceparent", b"00")]) == HEADERS


@pytest.mark.parametrize("missing", range(6))
def test_headers_of_which_one_is_missing_are_not_a_dead_letters(missing: int) -> None:
    encoded = list(HEADERS.encode())
    del encoded[missing]
    assert Headers.decode(encoded) is None


@pytest.mark.parametrize(("name", "value"), [("reason", b"because"), ("source-offset", b"\xff")])
def test_unreadable_headers_are_not_a_dead_letters(name: str, value: bytes) -> None:
    assert Headers.decode((dict(HEADERS.encode()) | {name: value}).items()) is None
