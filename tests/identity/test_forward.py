"""What partitions tell each other survives the wire, and what is not readable is known as such."""

import pytest

from streams.identity import forward

MESSAGES: list[forward.Forward] = [
    forward.EventForward("web-visits", 1, 2, 3, 4, b"{}", "a1-x"),
    forward.Link("e1-x", 1, "id", False, 2, ("u1-x",)),
    forward.Merge("a1-x", 1, "id", 2, 0, b"record"),
    forward.Erase("e1-x", 1, 2),
    forward.Tick(7),
    forward.Sweep(8),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_read_as_it_was_written(message: forward.Forward) -> None:
    assert forward.decode(forward.encode(message)) == message


@pytest.mark.parametrize("value", [None, b"", b"\x02\x90", b"\x01", b"\x01\xc0", forward.encode(MESSAGES[0])[:-2]])
def test_anything_else_is_no_message(value: bytes | None) -> None:
    assert forward.decode(value) is None
