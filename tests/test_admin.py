"""Topics: what is created is what is needed, and every harmful difference is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import admin, topics
from streams.admin import Difference, Found, Severity, compare, compare_limits, compare_secret
from streams.broker import EmbeddedBroker, free_port
from streams.identity.keys import Secret
from streams.settings import Settings
from streams.topics import DAY_MS, Topic

BY_NAME = {topic.name: topic for topic in topics.ALL}
VISITS = BY_NAME[topics.WEB_VISITS]
SCORES = BY_NAME[topics.LEAD_SCORES]


def as_declared(topic: Topic, partitions: int = 4, **changes: str) -> Found:
    named = {name.replace("_", "."): value for name, value in changes.items()}
    return Found(partitions, {**topic.config, **named})


def errors(differences: list[Difference]) -> list[str]:
    return [found.setting for found in differences if found.severity is Severity.ERROR]


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda topic: topic.name)
def test_a_topic_as_declared_has_no_difference(topic: Topic) -> None:
    assert compare(topic, as_declared(topic), 4) == []


def test_a_missing_topic_is_an_error_that_names_the_command() -> None:
    (difference,) = compare(VISITS, None, 4)

    assert difference.severity is Severity.ERROR
    assert "leadstreams topics create" in difference.remedy


@pytest.mark.parametrize(
    ("topic", "found", "setting"),
    [
        (VISITS, as_declared(VISITS, partitions=5), "partitions"),
        (VISITS, as_declared(VISITS, message_timestamp_type="CreateTime"), "message.timestamp.type"),
        (VISITS, as_declared(VISITS, max_message_bytes="1000"), "max.message.bytes"),
        (VISITS, as_declared(VISITS, retention_ms=str(89 * DAY_MS)), "retention.ms"),
        (SCORES, as_declared(SCORES, cleanup_policy="delete"), "cleanup.policy"),
        (SCORES, as_declared(SCORES, cleanup_policy="compact,delete"), "cleanup.policy"),
    ],
)
def test_what_loses_or_misplaces_leads_is_an_error(topic: Topic, found: Found, setting: str) -> None:
    assert errors(compare(topic, found, 4)) == [setting]


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        (SCORES, as_declared(SCORES, segment_bytes="1000000")),
        (VISITS, as_declared(VISITS, retention_ms="-1")),
        (VISITS, as_declared(VISITS, retention_ms=str(400 * DAY_MS))),
        (VISITS, Found(4, {})),
    ],
    ids=["slower restore", "kept for ever", "kept longer", "a broker that reports nothing"],
)
def test_what_does_no_harm_is_at_most_a_remark(topic: Topic, found: Found) -> None:
    assert errors(compare(topic, found, 4)) == []


@given(kept=st.integers(1, 1000), needed=st.integers(1, 1000))
def test_inputs_must_be_kept_as_long_as_the_model_looks_back(kept: int, needed: int) -> None:
    found = as_declared(VISITS, retention_ms=str(kept * DAY_MS))

    assert (errors(compare(VISITS, found, 4, needed)) == ["retention.ms"]) == (kept < needed)


def test_a_dead_letter_must_fit_wherever_its_record_did() -> None:
    larger = as_declared(VISITS, max_message_bytes=str(2 * topics.MAX_STATE_BYTES))
    letters = BY_NAME[topics.DEAD_LETTERS]
    found = {topics.WEB_VISITS: larger, topics.DEAD_LETTERS: as_declared(letters)}

    assert compare(VISITS, larger, 4) == []
    assert errors(compare_limits(found)) == ["max.message.bytes"]
    assert compare_limits({name: as_declared(BY_NAME[name]) for name in found}) == []


def test_another_identity_secret_is_found_without_telling_either() -> None:
    first, second = Secret(b"one"), Secret(b"two")

    assert compare_secret(None, first) == []
    assert compare_secret(first.fingerprint(), first) == []
    (difference,) = compare_secret(first.fingerprint(), second)
    assert difference.severity is Severity.ERROR
    assert "one" not in str(difference.found)


def test_a_copy_on_three_brokers_waits_for_two() -> None:
    assert admin._config(VISITS, Settings(replication=3))["min.insync.replicas"] == "2"
    assert "min.insync.replicas" not in admin._config(VISITS, Settings(replication=1))


@pytest.mark.embedded
def test_created_topics_pass_the_check_and_creating_again_changes_nothing(own_embedded: EmbeddedBroker) -> None:
    settings = Settings(broker=own_embedded.bootstrap, partitions=3)
    with admin.connect(settings) as client:
        first = admin.create(client, settings)
        second = admin.create(client, settings)
        differences = admin.check(client, settings)

    assert [made.topic for made in first if made.new] == [topic.name for topic in topics.ALL]
    assert not any(made.new for made in second)
    assert {made.topic: made.partitions for made in second}[topics.LEAD_MODELS] == 1
    assert errors(differences) == []


@pytest.mark.embedded
def test_topics_are_not_created_beside_others_with_another_count(own_embedded: EmbeddedBroker) -> None:
    settings = Settings(broker=own_embedded.bootstrap, partitions=3)
    with admin.connect(settings) as client:
        admin.create(client, settings)
        with pytest.raises(admin.Refused, match="LEADSTREAMS_PARTITIONS=3"):
            admin.create(client, settings.model_copy(update={"partitions": 4}))


def test_an_unreachable_broker_is_one_line_with_address_and_remedy() -> None:
    settings = Settings(broker=f"127.0.0.1:{free_port()}")

    with (
        pytest.raises(admin.Unreachable, match=f"{settings.broker}.*leadstreams broker"),
        admin.connect(settings, 500),
    ):
        pass
