"""snapshot, replay --from-snapshot and rebuild, on the embedded broker: at least once, with a real worker."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaProducer
from pydantic import SecretStr

from streams import admin, progress, topics
from streams.broker import EmbeddedBroker, end
from streams.identity.keys import partition_of
from streams.scoring.instant import HOUR
from streams.settings import Settings
from tests.cli.conftest import SECRET, Cli
from tests.cli.test_reading import JANE, PARTITIONS, Lived, send, start_worker, wait
from tests.replay.recorded import document

pytestmark = pytest.mark.embedded


@pytest.fixture
def lived(own_embedded: EmbeddedBroker, tmp_path: Path) -> Lived:
    """A pipeline whose worker has applied a few events and has ended."""
    start = int(time.time() * 1000) - 2 * HOUR
    settings = Settings(
        broker=own_embedded.bootstrap,
        delivery="at-least-once",
        secret=SecretStr(SECRET),
        partitions=PARTITIONS,
        session_timeout_s=6,
    )
    environment = {
        "LEADSTREAMS_BROKER": own_embedded.bootstrap,
        "LEADSTREAMS_DELIVERY": "at-least-once",
        "LEADSTREAMS_SECRET": SECRET,
        "LEADSTREAMS_MODEL": "published",
        "LEADSTREAMS_PARTITIONS": str(PARTITIONS),
        "LEADSTREAMS_SESSION_TIMEOUT_S": "6",
    }
    with admin.connect(settings) as client:
        admin.create(client, settings)
    found = Lived(settings, environment, start)
    send(own_embedded.bootstrap, start)
    work(found, tmp_path)
    return found


def work(lived: Lived, directory: Path) -> None:
    """A worker, until it has applied everything."""
    worker = start_worker(directory, lived.environment)
    try:
        wait(lived, worker)
    finally:
        assert end(worker, signal.SIGTERM, 15) is None or worker.returncode == 0


def produce(lived: Lived, topic: str, *records: tuple[bytes | None, bytes], number: int = 0) -> None:
    producer = KafkaProducer(bootstrap_servers=lived.settings.broker, acks="all", enable_idempotence=False)
    for key, value in records:
        producer.send(topic, value, key=key, partition=number)
    producer.close()


def damage(lived: Lived) -> int:
    """Another lead's record stands under Jane's key, as if a worker had written it; her partition's number."""
    number = partition_of(JANE, PARTITIONS)
    there = lived.stored(number)
    assert there.progress is not None
    other = next(value for key, value in there.records.items() if key != JANE) if len(there.records) > 1 else b""
    other = other or next(iter(lived.stored(1 - number).records.values()))
    meta = progress.encode(there.progress)
    produce(lived, topics.LEAD_SCORES, (JANE.encode(), other), (progress.KEY, meta), number=number)
    return number


def test_what_came_after_a_snapshot_is_compared_from_there(lived: Lived, cli: Cli, tmp_path: Path) -> None:
    file = str(tmp_path / "leads.snapshot")
    taken = cli("snapshot", file, "--json", **lived.environment)
    assert taken.code == 0, taken.err
    assert taken.json()["records"] == sum(len(lived.stored(number).records) for number in range(PARTITIONS))
    assert cli("snapshot", file, "--check", "--json").json()["pipeline"] == "leadstreams"

    again = {"email": "jane@example.com", "form_type": "whitepaper"}
    ann = {"email": "ann@example.com", "form_type": "whitepaper"}
    produce(lived, topics.FORM_SUBMISSIONS, (None, document("form_submitted", "w7", lived.start + HOUR, **again)))
    produce(lived, topics.FORM_SUBMISSIONS, (None, document("form_submitted", "w8", lived.start + HOUR, **ann)))
    produce(
        lived, topics.LEAD_ACTIVITIES, (None, document("sales_contacted", "c8", lived.start + HOUR + 1, **ann))
    )
    work(lived, tmp_path)

    whole = cli("replay", "--diff", "--json", **lived.environment).json()
    since = cli("replay", "--diff", "--from-snapshot", file, "--json", **lived.environment)
    assert since.code == 0, since.err
    assert since.json()["differences"] == []
    assert since.json()["leads"] == whole["leads"]
    assert 0 < since.json()["events"] < whole["events"]
    assert len(since.json()["handoffs"]) == 1 < len(whole["handoffs"])

    produce(lived, topics.SALES_HANDOFFS, (b"k", b"{}"))  # a handoff that nobody issued
    assert cli("replay", "--diff", "--from-snapshot", file, **lived.environment).code == 1
    damage(lived)
    differing = cli("replay", "--diff", "--from-snapshot", file, "--json", **lived.environment).json()
    assert JANE in [found["about"] for found in differing["differences"]]


def test_a_rebuild_mends_a_table_and_a_worker_goes_on_from_it(lived: Lived, cli: Cli, tmp_path: Path) -> None:
    file = str(tmp_path / "leads.snapshot")
    assert cli("snapshot", file, **lived.environment).code == 0
    sound = [lived.stored(number).records for number in range(PARTITIONS)]
    damage(lived)
    for begin in ((), ("--from-snapshot", file)):
        plan = cli("rebuild", *begin, "--json", **lived.environment)
        assert plan.code == 0, plan.err
        assert {**plan.json(), "leads": 0} == {
            "partitions": PARTITIONS,
            "leads": 0,
            "changed": 1,
            "added": 0,
            "removed": 0,
            "never_sent": [],
            "not_given": [],
            "written": False,
        }
    assert cli("replay", "--diff", **lived.environment).code == 1  # nothing was written yet
    done = cli("rebuild", "--write", "--from-snapshot", file, **lived.environment)
    assert done.code == 0, done.err
    assert "1 changed, 0 new, 0 gone" in done.out
    assert [lived.stored(number).records for number in range(PARTITIONS)] == sound
    assert cli("replay", "--diff", **lived.environment).code == 0
    assert cli("rebuild", "--json", **lived.environment).json()["changed"] == 0

    more = {"email": "jane@example.com", "form_type": "whitepaper"}
    produce(lived, topics.FORM_SUBMISSIONS, (None, document("form_submitted", "w9", lived.start + HOUR, **more)))
    work(lived, tmp_path)
    after = cli("replay", "--diff", **lived.environment)
    assert after.code == 0, after.err


def test_a_table_that_is_lost_is_made_from_a_snapshot_and_the_log(lived: Lived, cli: Cli, tmp_path: Path) -> None:
    file = str(tmp_path / "leads.snapshot")
    assert cli("snapshot", file, **lived.environment).code == 0
    sound = [lived.stored(number).records for number in range(PARTITIONS)]
    with admin.connect(lived.settings) as client:
        client.delete_topics([topics.LEAD_SCORES])
        admin.create(client, lived.settings)
    done = cli("rebuild", "--write", "--from-snapshot", file, **lived.environment)
    assert done.code == 0, done.err
    assert [lived.stored(number).records for number in range(PARTITIONS)] == sound
    assert cli("replay", "--diff", **lived.environment).code == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw[:-1], "is damaged or cut short"),
        (lambda raw: b"{}", "is no snapshot of leadstreams"),
    ],
)
def test_a_snapshot_that_is_none_is_refused_before_anything_is_done(
    lived: Lived, cli: Cli, tmp_path: Path, change: Callable[[bytes], bytes], words: str
) -> None:
    file = tmp_path / "leads.snapshot"
    assert cli("snapshot", str(file), **lived.environment).code == 0
    file.write_bytes(change(file.read_bytes()))
    for command in (("replay", "--diff"), ("rebuild", "--write"), ("rebuild",)):
        called = cli(*command, "--from-snapshot", str(file), **lived.environment)
        assert (called.code, called.err.count("\n")) == (1, 1)
        assert words in called.err
    assert cli("snapshot", str(file), "--check").code == 1
