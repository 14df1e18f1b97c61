"""`leadstreams dead-letters`: seen, selected and sent once more."""

import pytest
from kafka import KafkaProducer

from schemas.dead_letter import Headers, Reason
from streams import topics
from tests.cli.conftest import Cli, Pipeline
from tests.cli.records import records

pytestmark = pytest.mark.embedded

REFUSED = b'{"email": "private@example.com", "type": "unheard_of"}'
BYTES = b"\xff\x00"


def headers(reason: Reason, topic: str, partition: int, offset: int) -> Headers:
    return Headers(reason, "type: expected an event type", topic, partition, offset, 1_750_000_000_000)


@pytest.fixture
def letters(pipeline: Pipeline) -> Pipeline:
    """Four dead letters in partitions 0 to 3; the last one a stranger's."""
    producer = KafkaProducer(bootstrap_servers=pipeline.settings.broker, enable_idempotence=False)
    written = (
        (REFUSED, b"key", headers(Reason.UNKNOWN_TYPE, topics.WEB_VISITS, 2, 17).encode()),
        (BYTES, None, headers(Reason.BAD_UTF8, topics.FORM_SUBMISSIONS, 1, 5).encode()),
        (b"batch", None, headers(Reason.UNDECODABLE_BATCH, topics.WEB_VISITS, 0, 9).encode()),
        (b"?", None, (("who", b"knows"),)),
    )
    try:
        for number, (value, key, head) in enumerate(written):
            producer.send(topics.DEAD_LETTERS, value, key, headers=list(head), partition=number).get(10)
    finally:
        producer.close()
    return pipeline


def test_the_list_counts_by_reason_and_shows_no_content(cli: Cli, letters: Pipeline) -> None:
    called = cli("dead-letters", "list", **letters.environment)

    assert called.code == 0, called.err
    for expected in ("unknown_type", "web-visits:2:17", "bad_utf8", "4 in all"):
        assert expected in called.out
    assert "private" not in called.out


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ([], ["0:0", "1:0", "2:0", "3:0"]),
        (["--reason", "bad_utf8"], ["1:0"]),
        (["--topic", "web-visits"], ["0:0", "2:0"]),
        (["--topic", "web-visits", "--reason", "unknown_type"], ["0:0"]),
        (["--reason", "unknown_type", "--reason", "bad_utf8"], ["0:0", "1:0"]),
    ],
)
def test_letters_are_selected_by_reason_and_topic(
    cli: Cli, letters: Pipeline, filters: list[str], ids: list[str]
) -> None:
    called = cli("dead-letters", "list", "--json", *filters, **letters.environment)

    assert sorted(letter["id"] for letter in called.json()["letters"]) == ids


def test_one_letter_is_shown_with_its_content(cli: Cli, letters: Pipeline) -> None:
    shown = cli("dead-letters", "show", "0:0", "--json", **letters.environment).json()

    assert shown["value"] == REFUSED.decode()
    assert shown["key"] == "key"
    assert (shown["reason"], shown["source_offset"]) == ("unknown_type", 17)
    assert cli("dead-letters", "show", "0:0", "--raw", **letters.environment).out == REFUSED.decode()


def test_a_retry_sends_the_same_bytes_to_where_they_came_from(cli: Cli, letters: Pipeline) -> None:
    called = cli(
        "dead-letters", "retry", "--reason", "unknown_type", "--reason", "bad_utf8", **letters.environment
    )

    assert called.code == 0, called.err
    (visit,) = records(letters.settings.broker, topics.WEB_VISITS)
    (form,) = records(letters.settings.broker, topics.FORM_SUBMISSIONS)
    assert (visit.partition, visit.key, visit.value) == (2, b"key", REFUSED)
    assert (form.partition, form.key, form.value) == (1, None, BYTES)
    assert dict(visit.headers) == {"retry-of": b"0:0"}
    assert len(records(letters.settings.broker, topics.DEAD_LETTERS)) == 4


def test_letters_of_one_large_batch_are_all_listed(cli: Cli, pipeline: Pipeline) -> None:
    producer = KafkaProducer(
        bootstrap_servers=pipeline.settings.broker, enable_idempotence=False, linger_ms=500, batch_size=1_000_000
    )
    head = list(headers(Reason.BAD_JSON, topics.WEB_VISITS, 0, 0).encode())
    for _ in range(1_200):
        producer.send(topics.DEAD_LETTERS, b"{", partition=1, headers=head)
    producer.close()

    called = cli("dead-letters", "list", "--json", **pipeline.environment)

    assert called.json()["count"] == {"bad_json": 1_200}


def test_what_cannot_be_sent_again_is_counted_with_its_reason(cli: Cli, letters: Pipeline) -> None:
    called = cli("dead-letters", "retry", "--all", "--json", **letters.environment)

    assert called.code == 1
    answer = called.json()
    assert (answer["selected"], answer["sent"]) == (4, 2)
    assert sum(answer["not_sent"].values()) == 2


def test_a_dry_run_sends_nothing(cli: Cli, letters: Pipeline) -> None:
    called = cli("dead-letters", "retry", "0:0", "--dry-run", **letters.environment)

    assert called.code == 0
    assert "1 dead letter would be sent again" in called.out
    assert records(letters.settings.broker, topics.WEB_VISITS) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["retry"], 2, "--all"),
        (["list", "--reason", "bad_luck"], 2, "unknown_type"),
        (["show", "0:99"], 1, "no dead letter 0:99"),
        (["retry", "0:0", "9:9"], 1, "no dead letter 9:9"),
    ],
)
def test_a_mistake_is_one_line(cli: Cli, letters: Pipeline, arguments: list[str], code: int, said: str) -> None:
    called = cli("dead-letters", *arguments, **letters.environment)

    assert called.code == code
    assert said in called.err
    assert called.err.count("\n") == 1
