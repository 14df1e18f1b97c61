"""Whether Kafka lets us in: its certificate, our login, and the rights that a process needs. Asked at the start,
since Kafka's clients try again for ever where only an operator can help."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from kafka import KafkaAdminClient
from kafka.errors import GroupAuthorizationFailedError
from kafka.errors import KafkaError as AdminError

from streams import topics
from streams.kafka_client import client_options, unreadable
from streams.settings import Settings

PATIENCE_S: Final = 10.0
ASK_AGAIN_S: Final = 1.0
DENIED: Final = 29
"""Kafka's code for a topic that one may not even know about."""

_LOGIN: Final = (AuthenticationFailedError, SaslAuthenticationFailed)
_MECHANISM: Final = (AuthenticationMethodNotSupported, UnsupportedSaslMechanismError)
_OPTIONS: Final = (
    *("ssl_context", "security_protocol", "sasl_mechanism", "sasl_plain_username", "sasl_plain_password"),
)


class Away(Exception):
    """No broker answers: to be tried again."""


class Rights(NamedTuple):
    """What one kind of process does with Kafka; the group is a consumer group's name."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    group: str | None = None


def of_worker(settings: Settings) -> Rights:
    """A worker's. It also writes under transactional ids that begin with the pipeline's name and a hyphen."""
    reads = (*topics.SOURCES, topics.LEAD_SCORES, topics.LEAD_ORDER)
    outputs = (topics.SALES_HANDOFFS, topics.SALES_HANDOFFS_SHADOW, topics.LEAD_TRANSITIONS, topics.DEAD_LETTERS)
    loops = (topics.LEAD_FORWARDS, topics.ACCOUNT_ACTIVITIES)
    return Rights(reads, (topics.LEAD_SCORES, topics.LEAD_ORDER, *loops, *outputs), settings.pipeline)


def of_shadow(settings: Settings) -> Rights:
    """A shadow model's; its settings name a pipeline of their own, which group and transactional ids go by."""
    own = (topics.LEAD_SCORES_SHADOW, topics.LEAD_ORDER_SHADOW, topics.LEAD_FORWARDS_SHADOW)
    return Rights((*topics.INPUTS, *own), (*own, topics.LEAD_TRANSITIONS_SHADOW), settings.pipeline)


OF_COLLECTOR: Final = Rights(writes=(*topics.INPUTS, topics.DEAD_LETTERS))


def of_connector(group: str, topic: str = topics.SALES_HANDOFFS) -> Rights:
    """A connector's, which reads a topic as this consumer group."""
    return Rights((topic,), (topics.DEAD_LETTERS,), group)


async def denied(settings: Settings, rights: Rights) -> str | None:
    """One line that says what Kafka refuses and what to do; None if nothing. Raises Away.

    Without encryption and login there is nothing to be refused.
    """
    if settings.security_protocol == "PLAINTEXT":
        return None
    entered = await _enter(settings)
    if entered is not None or rights == Rights():
        return entered
    try:
        async with asyncio.timeout(2 * PATIENCE_S):
            lacking = await asyncio.to_thread(_lacking, settings, rights)
    except (AdminError, OSError, TimeoutError) as error:
        raise Away(type(error).__name__) from None
    if not lacking:
        return None
    who = settings.sasl_username or "this client's certificate"
    return f"Kafka denies {who}: {', '.join(lacking)}; grant it (docs/operations.md, Rights in Kafka)"


async def verdict(settings: Settings, rights: Rights) -> str | None:
    """As `denied`, but waits for a broker that is away."""
    while True:
        try:
            return await denied(settings, rights)
        except Away:
            await asyncio.sleep(ASK_AGAIN_S)


async def _enter(settings: Settings) -> str | None:
    """Connect and log in at the first address that answers."""
    unread = unreadable(settings)
    if unread is not None:
        return unread
    options, away = client_options(settings), "no address"
    for address in options["bootstrap_servers"]:
        host, _, port = address.rpartition(":")
        try:
            connection = await create_conn(
                host.strip("[]"),
                int(port),
                request_timeout_ms=int(PATIENCE_S * 1000),
                **{name: options[name] for name in _OPTIONS if name in options},
            )
        except (KafkaError, OSError, TimeoutError, ValueError) as error:
            if (refusal := _refusal(address, error, settings)) is not None:
                return refusal
            away = type(error).__name__
        else:
            connection.close()
            return None
    raise Away(away)


def _refusal(address: str, error: BaseException, settings: Settings) -> str | None:
    """In words, if trying again cannot help. The cause may be wrapped."""
    causes = [error, error.__cause__, error.__context__]
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message or "it is not valid"
            return f"the certificate of {address} is refused: {why}; renew it, or set LEADSTREAMS_SSL_CAFILE"
        if isinstance(cause, ssl.SSLError):
            return f"{address} does not agree on TLS ({cause.reason}): see LEADSTREAMS_SSL_* and the listener"
        if isinstance(cause, _LOGIN):
            return (
                f"{address} refuses the login of {settings.sasl_username!r}: set LEADSTREAMS_SASL_USERNAME and"
                " LEADSTREAMS_SASL_PASSWORD"
            )
        if isinstance(cause, _MECHANISM):
            return f"{address} does not know {settings.sasl_mechanism}: set LEADSTREAMS_SASL_MECHANISM"
    return None


def _lacking(settings: Settings, rights: Rights) -> list[str]:
    """The rights that are missing, in words. Raises kafka-python's KafkaError."""
    client = KafkaAdminClient(
        **client_options(settings), bootstrap_timeout_ms=int(PATIENCE_S * 1000), reconnect_backoff_max_ms=500
    )
    try:
        found = {topic["name"]: topic for topic in client.describe_topics([*{*rights.reads, *rights.writes}])}
        lacking = [
            *_lacking_of(found, rights.reads, "READ"),
            *_lacking_of(found, rights.writes, "WRITE"),
        ]
        if rights.group is not None and not _may_join(client, rights.group):
            lacking.append(f"READ on group {rights.group}")
        return lacking
    finally:
        client.close()


def _lacking_of(found: Mapping[str, Mapping[str, Any]], names: Iterable[str], operation: str) -> list[str]:
    return [
        f"{operation} on topic {name}"
        for name in names
        if (topic := found.get(name)) is not None
        and (topic["error_code"] == DENIED or (not topic["error_code"] and operation not in _operations(topic)))
    ]


def _operations(described: Mapping[str, Any]) -> list[str]:
    granted: list[str] | None = described.get("authorized_operations")
    if granted is None:
        granted = described.get("topic_authorized_operations")
    return granted or []


def _may_join(client: KafkaAdminClient, group: str) -> bool:
    try:
        described = client.describe_groups([group])
    except GroupAuthorizationFailedError:
        return False
    granted = _operations(described[group])  # none are told of a group that nobody has joined yet
    return not granted or "READ" in granted
