"""What a flush that is given up leaves behind: nothing that asyncio complains about."""

import asyncio
import gc
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import ConcurrentTransactions, ProducerFenced
from aiokafka.producer.sender import AddPartitionsToTxnHandler, SendProduceReqHandler
from aiokafka.protocol.transaction import AddPartitionsToTxnResponse_v0

from streams.changes import Changes
from streams.lane import transaction
from streams.lane.transaction import TransactionWriter


class Producer:
    """Hands out futures that are settled later, as aiokafka does."""

    def __init__(self) -> None:
        self.futures: list[asyncio.Future[Any]] = []

    async def send_batch(self, batch: object, topic: str, partition: int) -> "asyncio.Future[Any]":
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]


async def test_batches_that_fail_after_their_flush_was_cancelled_are_not_complained_about() -> None:
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(context))
    producer = Producer()
    packed: Any = {("topic", number): ["batch"] for number in range(3)}
    sent = await transaction._send(producer, packed)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await transaction._all(sent)
    del sent
    for future in producer.futures:
        future.set_exception(ProducerFenced())
    producer.futures.clear()
    del future
    await asyncio.sleep(0)
    gc.collect()
    await asyncio.sleep(0)
    assert said == []


async def test_batches_that_wait_for_a_broker_when_their_flush_is_given_up_may_fail_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(context))
    producer = AIOKafkaProducer()  # never started: nobody takes its batches
    accumulator = producer._message_accumulator

    async def filling(writer: TransactionWriter, producer: AIOKafkaProducer, changes: Changes) -> int:
        builder = producer.create_batch()
        builder.append(timestamp=None, key=None, value=b"x")
        asyncio.shield(await accumulator.add_batch(builder, TopicPartition("topic", 0), 1))
        raise TimeoutError

    monkeypatch.setattr(TransactionWriter, "_write", filling)
    writer = TransactionWriter({}, "pipeline", 0)
    writer._producer = producer
    changes = Changes([], (b"meta", b""), None, [], {}, 0)
    with pytest.raises(TimeoutError):
        await writer.write(changes)
    accumulator.fail_all(ProducerFenced())
    accumulator._batches.clear()
    await asyncio.sleep(0)
    gc.collect()
    await asyncio.sleep(0)
    writer._producer = None
    await producer.stop()
    assert said == []


async def test_a_transaction_asks_again_soon_while_the_markers_of_the_one_before_are_written() -> None:
    options = {"bootstrap_servers": "localhost:1"}
    producer = transaction._producer(options, client_id="it", transactional_id="it")
    handler = AddPartitionsToTxnHandler(producer._sender, {TopicPartition("topic", 0)})
    answer = AddPartitionsToTxnResponse_v0(0, [("topic", [(0, ConcurrentTransactions.errno)])])
    assert handler.handle_response(answer) == transaction.RETRY_BACKOFF_MS / 1000
    await producer.stop()


async def test_a_request_that_is_to_be_repeated_ends_with_its_producer(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a cut: the connection is closed, and what failed waits for metadata that nobody fetches."""

    async def waiting(handler: SendProduceReqHandler, node_id: int) -> None:
        await handler._client._maybe_wait_metadata()

    monkeypatch.setattr(SendProduceReqHandler, "do", waiting)
    producer = AIOKafkaProducer()
    _ = producer.client.force_metadata_update()
    request = asyncio.ensure_future(producer._sender._send_produce_req(1, {}))
    await asyncio.sleep(0)
    await transaction._close(producer)
    await asyncio.wait([request], timeout=1)
    assert request.cancelled()
