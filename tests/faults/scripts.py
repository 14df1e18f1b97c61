"""Faults that are a story: they need more than one step, or look at what the site does meanwhile."""

import random
import time
from collections.abc import Callable
from typing import Final

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.structs import TopicPartition

from streams import topics
from tests.faults import injection
from tests.faults.injection import Fault
from tests.faults.load import POISON
from tests.faults.site import PARTITIONS, Site
from tests.faults.watch import Watch
from tests.kafka.fleet import until
from tests.kafka.test_lane_faults import damage

OLD_TOPICS: Final = tuple(topic for topic in topics.SOURCES if topic != topics.SALES_FEEDBACK)
VICTIM: Final = b"a value that a disk will damage " * 20
RUBBISH: Final = 3_000
SMALL_POISON: Final = tuple(value for value in POISON if value is not None and len(value) < 1_000)


def in_turn(*faults: Fault) -> Callable[[Site, Watch, random.Random, float], None]:
    """Each fault once, in order, with a few seconds before each; then the rest of the time."""

    def play(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
        for fault in faults:
            time.sleep(rng.uniform(3.0, 6.0))
            fault(site, watch, rng)
        time.sleep(max(0.0, deadline - time.monotonic()))

    return play


def bad_deploy(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
    """A producer sends nothing but rubbish: the topic-partition halts, the others go on, the offset is kept; with
    LEADSTREAMS_REJECT_SHARE=1 all of it goes to dead letters."""
    time.sleep(3.0)
    watch.note("100 % poison")
    with _producer(site) as producer:
        for _ in range(RUBBISH):
            producer.send(topics.EMAIL_ENGAGEMENT, rng.choice(SMALL_POISON), b"x", partition=1)
        producer.flush(60)
    until(lambda: "email-engagement[1] is halted" in _reasons(site), 30, "halting")
    for worker in site.lasting:
        assert worker.stop() == 0
        worker.start()
    until(lambda: "email-engagement[1] is halted" in _reasons(site), 60, "halting again after a restart")
    assert all(worker.running for worker in site.lasting)
    for worker in site.lasting:
        assert worker.stop() == 0
        worker.start(LEADSTREAMS_REJECT_SHARE="1")
    watch.note("let through")
    time.sleep(max(0.0, deadline - time.monotonic()))


def _reasons(site: Site) -> str:
    return " ".join(worker.reasons for worker in site.lasting)


def _producer(site: Site) -> KafkaProducer:
    return KafkaProducer(bootstrap_servers=site.bootstrap, acks="all", linger_ms=5, max_block_ms=60_000)


def mended_bug(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
    """A version whose core fails at many events: it stops and keeps its offset; the version after it goes on."""
    watch.note("a bug at every tenth event")
    until(lambda: not any(worker.running for worker in site.lasting), 60, "the workers' end")
    for worker in site.lasting:
        worker.start(FAULTS="")
    watch.note("the bug is mended")
    time.sleep(max(0.0, deadline - time.monotonic()))


def bad_disk(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
    """A stored batch is damaged: nobody can decode it."""
    time.sleep(2.0)
    for worker in site.lasting:
        site.kill(worker)
    with _producer(site) as producer:
        producer.send(topics.WEB_VISITS, VICTIM, b"x", partition=2).get(20)
    site.broker.stop()
    damage(site.broker.directory / "data", topics.WEB_VISITS, 2, VICTIM)
    site.broker.start()
    for worker in site.lasting:
        worker.start()
    watch.note("a batch nobody can decode")
    while time.monotonic() < deadline - 8:
        time.sleep(rng.uniform(2.0, 8.0))
        injection.kill_worker(site, watch, rng)
    time.sleep(max(0.0, deadline - time.monotonic()))


def mixed_versions(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
    """A worker of a version that does not read one of the topics yet; kills; then it leaves."""
    old = site.worker("old", instance="old")
    old.start(FAULTS="sources=" + ",".join(OLD_TOPICS))
    watch.note("a worker that reads fewer topics")
    until(lambda: old.ready, 60, "its being ready")
    for _ in range(4):
        time.sleep(rng.uniform(3.0, 6.0))
        injection.kill_worker(site, watch, rng)
    old.stop()
    watch.note("it leaves")
    time.sleep(max(0.0, deadline - time.monotonic()))


def compaction(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
    """The changelog is compacted all the time, and workers restore from it."""
    settings = {
        "segment.bytes": str(1 << 20),
        "segment.ms": "1000",
        "min.cleanable.dirty.ratio": "0.001",
        "max.compaction.lag.ms": "1000",
        "delete.retention.ms": "100",
    }
    client = KafkaAdminClient(bootstrap_servers=site.bootstrap)
    try:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topics.LEAD_SCORES, settings)])
    finally:
        client.close()
    while time.monotonic() < deadline - 10:
        time.sleep(rng.uniform(3.0, 8.0))
        rng.choice((injection.kill_worker, injection.kill_worker_for_long))(site, watch, rng)
    time.sleep(max(0.0, deadline - time.monotonic()))


def moved_start(site: Site, watch: Watch, rng: random.Random, deadline: float) -> None:
    """Retention takes what was applied; workers are killed and come back."""
    while time.monotonic() < deadline - 12:
        time.sleep(rng.uniform(4.0, 8.0))
        client = KafkaAdminClient(bootstrap_servers=site.bootstrap)
        try:
            group = client.list_group_offsets(site.settings.pipeline)[site.settings.pipeline]
            client.delete_records(
                {
                    TopicPartition(topic, number): group[TopicPartition(topic, number)].offset
                    for topic in topics.INPUTS
                    for number in range(PARTITIONS)
                    if group.get(TopicPartition(topic, number)) and group[TopicPartition(topic, number)].offset > 0
                }
            )
        finally:
            client.close()
        watch.note("log start moved")
        injection.kill_worker(site, watch, rng)
    time.sleep(max(0.0, deadline - time.monotonic()))
