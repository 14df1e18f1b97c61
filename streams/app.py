"""The stream application on one page: which topics are read, by which agents, into which table.

    inputs, lead-forwards --> score ----------> lead-transitions, lead-forwards, account-activities, dead-letters
    lead-transitions -------> hand_over ------> sales-handoffs: of people without a company
    account-activities -----> keep_accounts --> sales-handoffs: of people of a company, who are known by then

An agent gets batches: all records of one topic-partition from one poll. It applies them to the partition's leads
and accounts, which are plain Python objects in memory; nothing here does I/O. The lane (streams/lane) brings the
batches, writes the changed records of both tables to the changelog (`lead-scores-changelog`), sends what follows
from them, and commits all of it with the offsets in one transaction per flush.
"""

from collections.abc import AsyncIterator
from typing import Any

import faust
from faust.app.base import BootStrategy

from streams import topics
from streams.lane import driver
from streams.lane.lane import Lane
from streams.lane.record import Batch
from streams.lane.recovery import LaneTables


class LaneOnly(BootStrategy):  # type: ignore[misc]
    """Neither Faust's producer nor its web server: the lane writes, the worker serves."""

    enable_kafka_producer = False
    enable_web = False
    enable_sensors = False


class App(faust.App):  # type: ignore[misc]
    """A Faust app whose records travel through a lane."""

    BootStrategy = LaneOnly
    lane: Lane

    def _create_directories(self) -> None:
        """None: the table is in memory and in Kafka."""


def create_app(lane: Lane) -> App:
    """The application, with its agents; call within the running event loop."""
    settings = lane.settings
    scheme = driver.SCHEME
    app = App(
        settings.pipeline,
        broker=";".join(f"{scheme}://{address.strip()}" for address in settings.broker.split(",")),
        TableManager=LaneTables,
        store="memory://",
        consumer_group_instance_id=settings.instance,
        broker_session_timeout=settings.session_timeout_s,
        key_serializer="raw",
        value_serializer="raw",
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        stream_recovery_delay=0,
        web_enabled=False,
    )
    app.lane = lane

    async def score(batches: AsyncIterator[Batch]) -> None:
        """Events, feedback, forwards and timers to the leads' records; transitions and dead letters come of it."""
        async for batch in batches:
            lane.apply(batch)

    async def hand_over(batches: AsyncIterator[Batch]) -> None:
        """Transitions into the qualified stage to handoffs."""
        async for batch in batches:
            lane.apply(batch)

    async def keep_accounts(batches: AsyncIterator[Batch]) -> None:
        """What a company's people do to its account; of their transitions the handoffs that name colleagues."""
        async for batch in batches:
            lane.apply(batch)

    others = {topics.LEAD_TRANSITIONS: hand_over, topics.ACCOUNT_ACTIVITIES: keep_accounts}
    for topic in lane.sources:
        agent = others.get(topic, score)
        app.agent(_source(app, topic), name=f"{agent.__name__}-{topic}")(agent)

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]
    async def flush_before_others_take_over(*_: Any, **__: Any) -> None:
        await lane.revoked()

    return app


def _source(app: App, topic: str) -> Any:
    """Raw, and without Faust's acknowledgements: progress is what the lane has committed."""
    return app.topic(topic, key_serializer="raw", value_serializer="raw", acks=False, internal=False)
