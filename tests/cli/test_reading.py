"""The commands that read a pipeline at work: explain, leads, replay; one worker has done its work before."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer
from pydantic import SecretStr

from streams import admin, log, progress, topics
from streams.broker import EmbeddedBroker, end, free_port, guarded
from streams.identity.keys import Kind, Secret, lead_key, partition_of
from streams.log import Stored
from streams.scoring.instant import rfc3339
from streams.settings import Settings
from tests.cli.conftest import SECRET, Cli
from tests.replay.recorded import document

pytestmark = pytest.mark.embedded

PATIENCE_S = 40
PARTITIONS = 2
HOUR = 3_600_000
KEYED = Secret(SECRET.encode())
JANE = lead_key(Kind.EMAIL, "jane@example.com", KEYED)
DEVICE = lead_key(Kind.ANONYMOUS, "device-1", KEYED)


class Lived:
    """A pipeline whose worker has applied everything, and which nobody works on any more."""

    def __init__(self, settings: Settings, environment: dict[str, str], start: int) -> None:
        self.settings = settings
        self.environment = environment
        self.start = start

    def stored(self, partition: int) -> Stored:
        async def read() -> Stored:
            async with log.opened(self.settings) as reader:
                return await log.stored(reader, partition)

        return log.run(read())


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    directory = tmp_path_factory.mktemp("lived")
    start = int(time.time() * 1000) - 2 * HOUR
    with EmbeddedBroker() as broker:
        settings = Settings(
            broker=broker.bootstrap, delivery="at-least-once", secret=SecretStr(SECRET), partitions=PARTITIONS
        )
        environment = {
            "LEADSTREAMS_BROKER": broker.bootstrap,
            "LEADSTREAMS_DELIVERY": "at-least-once",
            "LEADSTREAMS_SECRET": SECRET,
            "LEADSTREAMS_MODEL": "published",
            "LEADSTREAMS_PARTITIONS": str(PARTITIONS),
        }
        with admin.connect(settings) as client:
            admin.create(client, settings)
        found = Lived(settings, environment, start)
        send(broker.bootstrap, start)
        worker = start_worker(directory, environment)
        try:
            wait(found, worker)
        finally:
            end(worker, signal.SIGTERM, 15)
        yield found


def start_worker(directory: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADSTREAMS_")}
    own = {"LEADSTREAMS_WORKER_PORT": str(free_port()), "LEADSTREAMS_CONFIG": str(directory / "absent.toml")}
    with (directory / "worker.log").open("wb") as output:
        command = [sys.executable, "-c", "from streams.cli import main; main()", "worker"]
        return guarded(command, output, {**kept, **environment, **own})


def send(bootstrap: str, start: int) -> None:
    """Jane becomes SQL by two identities, Joe an MQL; somebody visits; one record is no event."""
    device, jane, joe = {"anonymous_id": "device-1"}, {"email": "jane@example.com"}, {"email": "joe@example.com"}
    named = {"first_name": "Jane", "last_name": "Doe", "company": "Doe KK", "form_type": "whitepaper"}
    events = [
        *(
            (topics.WEB_VISITS, document("page_viewed", f"v{n}", start + n * HOUR // 2, **device))
            for n in range(3)
        ),
        (topics.FORM_SUBMISSIONS, document("form_submitted", "w1", start + HOUR, **jane, **device, **named)),
        (topics.LEAD_ACTIVITIES, document("sales_contacted", "c1", start + HOUR + 1, **jane)),
        (topics.FORM_SUBMISSIONS, document("form_submitted", "w2", start + 2, **joe, form_type="whitepaper")),
        (topics.WEB_VISITS, document("page_viewed", "v9", start, anonymous_id="device-9")),
        (topics.WEB_VISITS, b"{"),
    ]
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=False)
    for number, (topic, value) in enumerate(events):
        producer.send(topic, value, partition=number % PARTITIONS)
    producer.close()


def wait(lived: Lived, worker: "subprocess.Popen[bytes]") -> None:
    """Until the handoff is there and nothing is left to read."""
    deadline = time.monotonic() + PATIENCE_S
    while not settled(lived):
        assert worker.poll() is None, "the worker ended by itself"
        assert time.monotonic() < deadline, f"not settled after {PATIENCE_S} s"
        time.sleep(0.2)


def settled(lived: Lived) -> bool:
    async def look() -> bool:
        async with log.opened(lived.settings) as reader:
            handed = 0
            for number in range(PARTITIONS):
                vouched = (await log.stored(reader, number)).progress
                for topic in topics.SOURCES:
                    _, following = await reader.bounds(topic, number)
                    if following > (vouched.offsets.get(topic, 0) if vouched else 0):
                        return False
                handed += (await reader.bounds(topics.SALES_HANDOFFS, number))[1]
            return handed > 0

    return log.run(look())


# --- explain


@pytest.mark.parametrize("asked", ["jane@example.com", "device-1", JANE, DEVICE])
def test_explain_finds_a_lead_by_whatever_is_known_of_it(lived: Lived, cli: Cli, asked: str) -> None:
    called = cli("explain", asked, "--json", **lived.environment)
    assert called.code == 0, called.err
    found = called.json()
    assert (found["lead_key"], found["stage"]) == (JANE, "sql")
    assert found["score"] == sum(point["value"] for point in found["points"]) == 60.0
    assert [(p["rule"], p["event_id"], p["via"]) for p in found["points"]] == [
        ("visits", "v2", "anonymous id"),
        ("whitepaper", "w1", "email"),
        ("sales_contact", "c1", "email"),
    ]
    assert [step["to_stage"] for step in found["history"]] == ["lead", "mql", "sql"]
    assert len(found["handoffs"]) == 1


def test_explain_shows_the_points_the_way_and_the_handoff(lived: Lived, cli: Cli) -> None:
    called = cli("explain", "jane@example.com", **lived.environment)
    assert called.code == 0, called.err
    for words in ("SQL", "spoke with a salesperson", "60", "handed to sales", "with sales", "model published 1"):
        assert words in called.out
    assert "jane@" not in called.out


def test_explain_tells_what_holds_a_lead_back_and_when_it_falls(lived: Lived, cli: Cli) -> None:
    called = cli("explain", "joe@example.com", **lived.environment)
    assert "20 more points (has 20 of 40)" in called.out
    assert "time alone acts on" in called.out


def test_explain_shows_an_earlier_instant(lived: Lived, cli: Cli) -> None:
    called = cli("explain", JANE, "--at", rfc3339(lived.start + HOUR), "--json", **lived.environment)
    assert (called.json()["stage"], called.json()["handoffs"]) == ("mql", [])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nobody@example.com"], 1, "no such lead (looked for e1-"),
        (["jane@example.com", "--at", "yesterday"], 2, "expected a time such as"),
    ],
)
def test_explain_errs_in_one_line_without_the_address(
    lived: Lived, cli: Cli, arguments: list[str], code: int, words: str
) -> None:
    called = cli("explain", *arguments, **lived.environment)
    assert (called.code, called.err.count("\n")) == (code, 1)
    assert words in called.err
    assert "@example.com" not in called.err


def test_explain_with_another_secret_says_so(lived: Lived, cli: Cli) -> None:
    called = cli("explain", JANE, **{**lived.environment, "LEADSTREAMS_SECRET": "another"})
    assert called.code == 1
    assert "another identity secret" in called.err


# --- leads


def test_leads_lists_who_is_where_the_highest_score_first(lived: Lived, cli: Cli) -> None:
    found = cli("leads", "--json", **lived.environment).json()
    assert found["counts"] == {"visitor": 1, "mql": 1, "sql": 1}
    assert [(row["stage"], row["score"]) for row in found["leads"]] == [
        ("sql", 60.0),
        ("mql", 20.0),
        ("visitor", 0.0),
    ]
    assert found["leads"][0]["company"] == "Doe KK"


def test_leads_shows_names_only_when_asked(lived: Lived, cli: Cli) -> None:
    assert "jane" not in cli("leads", **lived.environment).out.lower()
    named = cli("leads", "--stage", "sql", "--names", **lived.environment).out
    assert "Jane Doe" in named
    assert "jane@example.com" in named


def test_leads_can_be_chosen_and_sorted(lived: Lived, cli: Cli) -> None:
    held = cli("leads", "--held", "--json", **lived.environment).json()["leads"]
    assert [row["held_because"] for row in held] == ["20 more points (has 20 of 40)"]
    newest = cli("leads", "--sort", "entered", "--limit", "1", "--json", **lived.environment).json()["leads"]
    assert [row["lead_key"] for row in newest] == [JANE]


# --- replay


def test_replay_finds_no_difference(lived: Lived, cli: Cli) -> None:
    called = cli("replay", "--diff", **lived.environment)
    assert called.code == 0, called.out + called.err
    assert "no difference" in called.out


def test_replay_tells_what_came_of_the_log(lived: Lived, cli: Cli) -> None:
    found = cli("replay", "--json", **lived.environment).json()
    assert found["leads"] == {"visitor": 1, "mql": 1, "sql": 1}
    assert (len(found["handoffs"]), found["dead_letters"], found["aliases"]) == (1, 1, 1)


def test_replay_under_other_terms_refuses(lived: Lived, cli: Cli) -> None:
    called = cli("replay", "--diff", **{**lived.environment, "LEADSTREAMS_SECRET": "another"})
    assert called.code == 1
    assert "another identity secret" in called.err


def test_replay_diff_sees_one_changed_byte_in_the_table(lived: Lived, cli: Cli) -> None:
    """The last test of this pipeline: it is not right any more."""
    number = partition_of(JANE, PARTITIONS)
    stored = lived.stored(number)
    assert stored.progress is not None
    changed = stored.records[JANE].replace(b"v2", b"v8")
    producer = KafkaProducer(
        bootstrap_servers=lived.settings.broker, acks="all", enable_idempotence=False, compression_type=None
    )
    producer.send(topics.LEAD_SCORES, changed, JANE.encode(), partition=number)
    producer.send(topics.LEAD_SCORES, progress.encode(stored.progress), progress.KEY, partition=number)
    producer.send(topics.SALES_HANDOFFS, b"{}", b"", headers=[("handoff-id", b"ho-strange")], partition=0)
    producer.close()
    called = cli("replay", "--diff", "--json", **lived.environment)
    assert called.code == 1
    differences = {found["about"]: found["words"] for found in called.json()["differences"]}
    assert differences.keys() == {JANE, "ho-strange"}
    assert differences[JANE].startswith("visits: replay ")
    assert "2 differences" in called.err
