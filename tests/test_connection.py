"""A connection that closed a moment ago is a Kafka error on uvloop too, and not the end of a client."""

import asyncio

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest

from streams import connection
from streams.broker import EmbeddedBroker

pytestmark = pytest.mark.embedded


async def write_after_the_end(bootstrap: str) -> BaseException | None:
    """What a request comes to whose transport was closed before anybody noticed."""
    host, _, port = bootstrap.rpartition(":")
    conn = await create_conn(host, int(port), client_id="test")
    conn._read_task.cancel()
    conn._writer.transport.abort()
    await asyncio.sleep(0)
    try:
        await conn.send(ApiVersionRequest())
    except Exception as error:
        return error
    finally:
        conn.close()
    return None


def outcome(embedded: EmbeddedBroker) -> BaseException | None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(write_after_the_end(embedded.bootstrap))


def test_writing_to_a_connection_that_was_closed_is_a_kafka_error(embedded: EmbeddedBroker) -> None:
    connection.mend()
    connection.mend()
    assert isinstance(outcome(embedded), KafkaConnectionError)


def test_without_the_mending_it_is_an_error_that_aiokafka_does_not_expect(
    embedded: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When this fails the libraries have been mended, and `streams/connection.py` can go."""
    monkeypatch.setattr(AIOKafkaConnection, "send", connection._write)
    assert type(outcome(embedded)) is RuntimeError
