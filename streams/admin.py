"""Creates a pipeline's topics and compares what is there with what the pipeline needs.

Apache Kafka reports everything. The embedded broker ignores some settings (it stamps no arrival times, compacts
and expires nothing) and reports only those that were given when the topic was made: what a broker does not report
is noted, never held against it.
"""

import asyncio
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final, NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

from streams import kafka_access, topics
from streams.identity.keys import Secret
from streams.kafka_client import client_options
from streams.settings import Settings
from streams.topics import Topic

PATIENCE_MS: Final = 4_000
"""A broker that has not answered by then is reported, not waited for."""

QUORUM_COPIES: Final = 3
"""From this many copies on, a write waits for two of them: one broken disk then loses nothing."""

UNLIMITED: Final = -1

GONE_S: Final = 30.0
"""A deleted topic that is still there after this is reported."""
LOOK_S: Final = 0.1


class Unreachable(Exception):
    """No broker answered; the message is one line that names the addresses and the remedy."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            f"no Kafka broker answers at {settings.broker}: start one (leadstreams broker) or set"
            " LEADSTREAMS_BROKER=host:port"
        )


class Refused(Exception):
    """The broker answered and refused, or a step would do harm; one line."""


class Severity(StrEnum):
    """Whether a difference does harm."""

    ERROR = "error"
    NOTE = "note"


class Difference(NamedTuple):
    """One way in which a topic is not as the pipeline needs it, and what to do about it."""

    severity: Severity
    topic: str
    setting: str
    expected: str
    found: str
    remedy: str = ""


class Found(NamedTuple):
    """A topic as the broker describes it; `config` holds what the broker reports."""

    partitions: int
    config: Mapping[str, str]


class Created(NamedTuple):
    """What `create` did about one topic."""

    topic: str
    partitions: int
    new: bool


@contextmanager
def connect(settings: Settings, patience_ms: int = PATIENCE_MS) -> Iterator[KafkaAdminClient]:
    """An admin client; raises Unreachable, and Refused for what the broker says no to."""
    if not reachable(settings, patience_ms):
        raise Unreachable(settings)
    _enter(settings)
    try:
        client = KafkaAdminClient(
            **client_options(settings), bootstrap_timeout_ms=patience_ms, reconnect_backoff_max_ms=500
        )
    except KafkaError:
        raise Unreachable(settings) from None
    except OSError as error:  # a certificate file
        raise Refused(f"cannot read the TLS settings: {error.strerror or error}") from None
    try:
        yield client
    except KafkaError as error:
        raise Refused(f"the broker refused: {reason(error)}") from None
    finally:
        client.close()


def _enter(settings: Settings) -> None:
    """Raises Refused if a certificate or the login is refused, which the client would only try again."""
    if settings.security_protocol == "PLAINTEXT":
        return
    with ThreadPoolExecutor(1) as own:  # the caller may be in an event loop
        try:
            denied = own.submit(lambda: asyncio.run(kafka_access.denied(settings, kafka_access.Rights()))).result()
        except kafka_access.Away:
            raise Unreachable(settings) from None
    if denied is not None:
        raise Refused(denied)


def reachable(settings: Settings, patience_ms: int = PATIENCE_MS) -> bool:
    """Whether one of the addresses accepts connections. Asked first: a refusal is known at once, while Kafka's
    clients try until their patience is over and leave their sockets behind when they give up."""
    for address in settings.broker.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), patience_ms / 1000).close()
        except (OSError, ValueError, OverflowError):
            continue
        return True
    return False


def reason(error: KafkaError) -> str:
    """The name of a Kafka error in words; its text may hold a whole request."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def describe(client: KafkaAdminClient, names: Sequence[str]) -> dict[str, Found]:
    """Those of the topics that exist."""
    counts = partition_counts(client, names)
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in counts]
    reported = client.describe_configs(resources, config_filter="all").get("topic", {}) if resources else {}
    return {name: Found(count, _values(reported.get(name, {}))) for name, count in counts.items()}


def partition_counts(client: KafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    """How many partitions each of the topics has; one that does not exist is absent.

    Raises Refused for what may not be seen: nobody can say whether it is there, and who takes it for absent would
    leave it out.
    """
    answers = client.describe_topics(list(names))
    hidden = [one["name"] for one in answers if one["error_code"] == TopicAuthorizationFailedError.errno]
    if hidden:
        raise Refused(
            f"Kafka denies this client a look at {', '.join(sorted(hidden))}; grant DESCRIBE"
            " (docs/operations.md, Rights in Kafka)"
        )
    return {answer["name"]: len(answer["partitions"]) for answer in answers if not answer["error_code"]}


def _values(config: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(entry["value"]) for name, entry in config.items() if entry["value"] is not None}


def partitions_of(topic: Topic, settings: Settings) -> int:
    return 1 if topic.single_partition else settings.partitions


def create(
    client: KafkaAdminClient, settings: Settings, needed_days: float = 0, wanted: Sequence[Topic] = topics.ALL
) -> list[Created]:
    """Creates the topics that are missing and leaves the others alone. Raises Refused.

    `needed_days` is how far back the model looks: nothing of a lead is forgotten earlier.
    Partition N of all topics belongs together, so nothing is created beside topics with another count.
    """
    there = partition_counts(client, [topic.name for topic in wanted])
    for topic in wanted:
        count, right = there.get(topic.name), partitions_of(topic, settings)
        if count not in (None, right):
            raise Refused(
                f"{topic.name} has {count} partitions, not {right}: set LEADSTREAMS_PARTITIONS={count} to create"
                " the missing topics beside it"
            )
    missing = [topic for topic in wanted if topic.name not in there]
    if missing:
        _create(client, missing, settings, needed_days)
        client.wait_for_topics([topic.name for topic in missing])
    return [Created(topic.name, partitions_of(topic, settings), new=topic.name not in there) for topic in wanted]


def delete(client: KafkaAdminClient, unwanted: Sequence[Topic]) -> None:
    """Deletes those of the topics that are there, and waits until they are gone. Raises Refused."""
    names = [topic.name for topic in unwanted]
    there = [*partition_counts(client, names)]
    if there:
        client.delete_topics(there)
    deadline = time.monotonic() + GONE_S
    while partition_counts(client, names):
        if time.monotonic() > deadline:
            raise Refused(f"{', '.join(there)}: deleted, and still there after {GONE_S:.0f} s")
        time.sleep(LOOK_S)


def _create(client: KafkaAdminClient, missing: Sequence[Topic], settings: Settings, needed_days: float) -> None:
    wanted = {
        topic.name: {
            "num_partitions": partitions_of(topic, settings),
            "replication_factor": settings.replication,
            "configs": _config(topic, settings, needed_days),
        }
        for topic in missing
    }
    answers = client.create_topics(wanted, raise_errors=False)["topics"]
    for answer in answers:
        error = for_code(answer["error_code"])
        # Somebody else may have created it a moment ago: that is what was wanted.
        if answer["error_code"] and error is not TopicAlreadyExistsError:
            raise Refused(f"{answer['name']} was not created: {answer.get('error_message') or reason(error())}")


def _config(topic: Topic, settings: Settings, needed_days: float = 0) -> dict[str, str]:
    durable = {"min.insync.replicas": "2"} if settings.replication >= QUORUM_COPIES else {}
    kept = _kept(topic, needed_days)
    return {**topic.config, **durable, **({} if kept is None else {"retention.ms": kept})}


def _kept(topic: Topic, needed_days: float) -> str | None:
    """How long a topic keeps what it holds: as declared, or as far back as the model looks."""
    declared = topic.config.get("retention.ms")
    return None if declared is None else str(max(int(declared), int(needed_days * topics.DAY_MS)))


def check(client: KafkaAdminClient, settings: Settings, needed_days: float | None = None) -> list[Difference]:
    """All differences between the topics that are there and those that the pipeline needs.

    `needed_days` is the model's longest window plus its cool-down: no input may forget earlier.
    """
    found = describe(client, [topic.name for topic in topics.ALL])
    differences = [
        difference
        for topic in topics.ALL
        for difference in compare(topic, found.get(topic.name), partitions_of(topic, settings), needed_days)
    ]
    return differences + compare_limits(found)


def compare(
    topic: Topic, found: Found | None, partitions: int, needed_days: float | None = None
) -> list[Difference]:
    """One topic as declared and as found."""
    if found is None:
        return [
            Difference(Severity.ERROR, topic.name, "topic", "present", "absent", "run leadstreams topics create")
        ]
    differences = [_compare_setting(topic, name, value, found) for name, value in topic.config.items()]
    return [
        *_compare_partitions(topic, found, partitions),
        *(difference for difference in differences if difference is not None),
        *_compare_retention(topic, found, needed_days),
    ]


def _compare_partitions(topic: Topic, found: Found, partitions: int) -> list[Difference]:
    if found.partitions == partitions:
        return []
    remedy = "a lead's partition follows from the count: never add partitions to a pipeline that holds leads"
    return [Difference(Severity.ERROR, topic.name, "partitions", str(partitions), str(found.partitions), remedy)]


_TUNING: Final = frozenset({"segment.bytes", "min.cleanable.dirty.ratio", "max.compaction.lag.ms"})
"""Settings that cost time when they differ, never a lead."""

_JUDGED_ELSEWHERE: Final = frozenset({"retention.ms"})


def _compare_setting(topic: Topic, name: str, expected: str, found: Found) -> Difference | None:
    value = found.config.get(name)
    if name in _JUDGED_ELSEWHERE or value == expected:
        return None
    if value is None:
        return Difference(Severity.NOTE, topic.name, name, expected, "not reported", "this broker does not tell")
    if name == "max.message.bytes" and int(value) > int(expected):
        return None  # more fits; `compare_limits` looks at what follows from it
    severity = Severity.NOTE if name in _TUNING else Severity.ERROR
    return Difference(severity, topic.name, name, expected, value, _alter(topic.name, name, expected))


def _alter(topic: str, name: str, value: str) -> str:
    return f"kafka-configs --alter --entity-type topics --entity-name {topic} --add-config {name}={value}"


def _compare_retention(topic: Topic, found: Found, needed_days: float | None) -> list[Difference]:
    """Personal data is kept as long as declared, and never shorter than the model looks back."""
    declared, value = _kept(topic, needed_days or 0), found.config.get("retention.ms")
    if declared is None or value is None:
        return []
    needed = int(declared) if needed_days is None else int(needed_days * topics.DAY_MS)
    remedy = _alter(topic.name, "retention.ms", declared)
    if UNLIMITED < int(value) < needed:
        return [Difference(Severity.ERROR, topic.name, "retention.ms", f">={needed}", value, remedy)]
    if value != declared:
        return [Difference(Severity.NOTE, topic.name, "retention.ms", declared, value, remedy)]
    return []


def compare_limits(found: Mapping[str, Found]) -> list[Difference]:
    """A dead letter is its record plus headers: it must fit wherever the record did."""
    dead = found.get(topics.DEAD_LETTERS)
    inputs = [found[name].config.get("max.message.bytes") for name in topics.SCORED if name in found]
    largest = max((int(limit) for limit in inputs if limit is not None), default=0)
    limit = dead.config.get("max.message.bytes") if dead else None
    needed = largest + topics.DEAD_LETTER_HEADROOM
    if limit is None or not largest or int(limit) >= needed:
        return []
    remedy = _alter(topics.DEAD_LETTERS, "max.message.bytes", str(needed))
    return [Difference(Severity.ERROR, topics.DEAD_LETTERS, "max.message.bytes", f">={needed}", limit, remedy)]


def compare_secret(recorded: str | None, secret: Secret) -> list[Difference]:
    """The identity secret against the fingerprint of the pipeline's state, None if there is none."""
    ours = secret.fingerprint()
    if recorded is None or recorded == ours:
        return []
    remedy = "another identity secret gives every lead a new key: set the one that this pipeline began with"
    return [Difference(Severity.ERROR, topics.LEAD_SCORES, "identity secret", recorded, ours, remedy)]
