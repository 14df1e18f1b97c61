"""Points at which a worker dies, freezes or stumbles: what a fault needs from inside."""

import asyncio
import itertools
import os
import signal
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from streams import topics
from streams.lane import tenure, transaction
from streams.shard import Shard

ARRIVAL_S: Final = 0.3
"""Time for what was sent before to reach the broker."""

LONG_S: Final = 90.0

BUG: Final = b"/bug-in-scoring"
"""An event that holds this makes the core raise, where `bug` is on."""


def put(owner: object, name: str, instead: object) -> None:
    """Replace what a class or module has under a name."""
    setattr(owner, name, instead)


def crash_before_send(argument: str) -> None:
    """Die before the n-th round of sending: at least once, between order, state, effects and progress."""
    send, turns = transaction._send, itertools.count(1)

    async def sending(*arguments: Any) -> Any:
        if next(turns) >= int(argument):
            await _die()
        return await send(*arguments)

    put(transaction, "_send", sending)


def crash_before_commit(argument: str) -> None:
    """Die at the n-th commit: everything is sent, nothing is committed."""
    _at_commit(int(argument), before=_die)


def crash_after_commit(argument: str) -> None:
    """Die after the n-th commit, before anybody here knows of it."""
    _at_commit(int(argument), after=_die)


def freeze_before_commit(argument: str) -> None:
    """Stop the process (SIGSTOP) at the n-th commit; it commits when it is woken."""
    _at_commit(int(argument), before=_freeze)


def _at_commit(turn: int, before: Callable[[], Any] | None = None, after: Callable[[], Any] | None = None) -> None:
    commit, turns = AIOKafkaProducer.commit_transaction, itertools.count(1)

    async def committing(producer: AIOKafkaProducer) -> None:
        ours = next(turns) == turn
        if ours and before is not None:
            await before()
        await commit(producer)
        if ours and after is not None:
            await after()

    put(AIOKafkaProducer, "commit_transaction", committing)


async def _die() -> None:
    await asyncio.sleep(ARRIVAL_S)
    os._exit(9)


async def _freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def bug(_: str) -> None:
    """The core raises at every event that holds BUG."""
    apply = Shard._apply

    def applying(shard: Shard, *arguments: Any) -> Any:
        if any(BUG in (getattr(argument, "value", None) or b"") for argument in arguments):
            raise ZeroDivisionError
        return apply(shard, *arguments)

    put(Shard, "_apply", applying)


def long_transactions(_: str) -> None:
    """A transaction may stay open for long: a frozen worker can still commit it when it wakes."""
    put(transaction, "TRANSACTION_TIMEOUT_MS", int(LONG_S * 1000))


def long_flushes(_: str) -> None:
    """A flush may take long: a frozen worker goes on with it when it wakes, instead of giving it up."""
    put(tenure, "FLUSH_DEADLINE_S", LONG_S)


def sources(argument: str) -> None:
    """Read these topics only, as a version before the others were added."""
    put(topics, "SOURCES", tuple(argument.split(",")))


ALL: Final[dict[str, Callable[[str], None]]] = {
    "crash_before_send": crash_before_send,
    "crash_before_commit": crash_before_commit,
    "crash_after_commit": crash_after_commit,
    "freeze_before_commit": freeze_before_commit,
    "bug": bug,
    "long_transactions": long_transactions,
    "long_flushes": long_flushes,
    "sources": sources,
}
