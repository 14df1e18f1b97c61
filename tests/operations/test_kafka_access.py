"""Kafka with TLS, logins and rights: every process works with what it needs, and says what it lacks and ends."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams import kafka_access, topics
from streams.broker import free_port
from streams.demo.processes import ask
from streams.settings import Settings
from tests.kafka.fleet import until
from tests.kafka.pipeline import PROGRAM
from tests.operations.guarded_kafka import Authority, grant, guarded_broker, mutual_variables, variables

PATIENCE_S = 180.0
PIPELINE = "leadstreams"
WORKER_READS = (*topics.SOURCES, topics.LEAD_SCORES, topics.LEAD_ORDER)
WORKER_WRITES = (
    *(
        topics.LEAD_SCORES,
        topics.LEAD_ORDER,
        topics.LEAD_FORWARDS,
        topics.LEAD_TRANSITIONS,
        topics.ACCOUNT_ACTIVITIES,
    ),
    *(topics.SALES_HANDOFFS, topics.SALES_HANDOFFS_SHADOW, topics.DEAD_LETTERS),
)

pytestmark = pytest.mark.kafka


class Site:
    """A guarded broker with the pipeline's topics, and what is granted to the roles as docs/operations.md says."""

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory)
        self.broker, self.address = guarded_broker(directory / "kafka", self.authority)

    def run(self, user: str, *command: str, **more: str) -> tuple[int, str]:
        """Exit code and what was said, of a command that ends by itself."""
        return self.run_by(False, user, *command, **more)

    def run_by(self, mutual: bool, user: str, *command: str, **more: str) -> tuple[int, str]:
        """The same, by password or by certificate."""
        ran = subprocess.run(
            [str(PROGRAM), *command],
            env=self.environment(user, mutual) | more,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        return ran.returncode, ran.stdout + ran.stderr

    def environment(self, user: str, mutual: bool = False) -> dict[str, str]:
        own = (mutual_variables if mutual else variables)(self.address, user, self.authority)
        ports = {"LEADSTREAMS_WORKER_PORT": str(free_port()), "LEADSTREAMS_COLLECTOR_PORT": str(free_port())}
        return os.environ | own | ports

    def grant_all(self) -> None:
        """docs/operations.md, Rights in Kafka."""
        grant(self.broker, [("worker", "READ", "TOPIC", name, False) for name in WORKER_READS])
        grant(self.broker, [("worker", "WRITE", "TOPIC", name, False) for name in WORKER_WRITES])
        grant(self.broker, [("worker", "READ", "GROUP", PIPELINE, False)])
        grant(self.broker, [("worker", "WRITE", "TRANSACTIONAL_ID", f"{PIPELINE}-", True)])
        written = (*topics.INPUTS, topics.DEAD_LETTERS)
        grant(self.broker, [("collector", "WRITE", "TOPIC", name, False) for name in written])
        grant(self.broker, [("connector", "READ", "TOPIC", topics.SALES_HANDOFFS, False)])
        grant(self.broker, [("connector", "WRITE", "TOPIC", topics.DEAD_LETTERS, False)])
        grant(self.broker, [("connector", "READ", "GROUP", f"{PIPELINE}-connect-webhook", False)])
        grant(self.broker, [("reader", right, "TOPIC", "*", False) for right in ("READ", "DESCRIBE_CONFIGS")])
        published = (topics.LEAD_MODELS, topics.LEAD_FORWARDS, topics.LEAD_SCORES)
        for right, names in (("READ", published), ("DESCRIBE_CONFIGS", published), ("WRITE", published[:2])):
            grant(self.broker, [("publisher", right, "TOPIC", name, False) for name in names])
        grant(self.broker, [("publisher", "WRITE", "TRANSACTIONAL_ID", f"{PIPELINE}-models", False)])
        grant(self.broker, [("sender", "WRITE", "TOPIC", name, False) for name in topics.INPUTS])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("guarded"))
    with made.broker:
        code, said = made.run("admin", "topics", "create")
        assert code == 0, said
        made.grant_all()
        yield made


COMMANDS = [("worker",), ("collector", "--dev"), ("topics", "check"), ("connect", "webhook")]
MORE = {
    "LEADSTREAMS_WEBHOOK_URL": "http://127.0.0.1:9/",
    "LEADSTREAMS_WEBHOOK_SECRET": "whsec_b25seS1pbi10ZXN0cy1vbmx5LWluLXRlc3Rz",
}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_a_wrong_password_is_said_and_ends_the_process(site: Site, command: tuple[str, ...]) -> None:
    code, said = site.run("worker", *command, **MORE, LEADSTREAMS_SASL_PASSWORD="not-this")

    assert code == 1, said
    assert "refuses the login of 'worker': set LEADSTREAMS_SASL_USERNAME and LEADSTREAMS_SASL_PASSWORD" in said
    assert "not-this" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_an_authority_that_is_not_ours_is_said_and_ends_the_process(
    site: Site, command: tuple[str, ...], tmp_path: Path
) -> None:
    other = Authority(tmp_path)

    code, said = site.run("worker", *command, **MORE, LEADSTREAMS_SSL_CAFILE=str(other.certificate))

    assert code == 1, said
    assert "is refused: " in said
    assert "LEADSTREAMS_SSL_CAFILE" in said


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_an_expired_certificate_is_said_and_ends_the_process(expired: Site, command: tuple[str, ...]) -> None:
    code, said = expired.run("worker", *command, **MORE)

    assert code == 1, said
    assert "is refused: certificate has expired" in said


@pytest.fixture(scope="module")
def expired(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose broker shows a certificate that has expired."""
    made = Site.__new__(Site)
    made.authority = site.authority
    made.broker, made.address = guarded_broker(tmp_path_factory.mktemp("expired"), made.authority, expired=True)
    with made.broker:
        yield made


@pytest.mark.parametrize(
    ("command", "lacks"),
    [
        (("worker",), "READ on topic web-visits"),
        (("collector", "--dev"), "WRITE on topic web-visits"),
        (("connect", "webhook"), "READ on topic sales-handoffs"),
    ],
)
def test_a_missing_right_is_named_and_ends_the_process(site: Site, command: tuple[str, ...], lacks: str) -> None:
    code, said = site.run("nobody", *command, **MORE)

    assert code == 1, said
    assert f"Kafka denies nobody: {lacks}" in said


def test_a_worker_without_its_transactional_ids_ends(site: Site) -> None:
    """Kafka tells only when one is opened."""
    other = "others"
    grant(site.broker, [("worker", "READ", "GROUP", other, False)])

    code, said = site.run("worker", "worker", LEADSTREAMS_PIPELINE=other)

    assert code == 1, said
    assert "TransactionalIdAuthorizationFailed" in said


PROCESSES = [("worker", ("worker",)), ("collector", ("collector", "--dev")), ("connector", ("connect", "webhook"))]


@pytest.mark.parametrize("mutual", [False, True], ids=["login", "certificate"])
@pytest.mark.parametrize(("user", "command"), PROCESSES, ids=lambda found: str(found[0]))
def test_with_the_documented_rights_a_process_becomes_ready(
    site: Site, user: str, command: tuple[str, ...], mutual: bool
) -> None:
    port = free_port()
    ports = {f"LEADSTREAMS_{name}_PORT": str(port) for name in ("WORKER", "COLLECTOR")}
    words = [*command, "--port", str(port)] if user == "connector" else [*command]
    process = subprocess.Popen(
        [str(PROGRAM), *words],
        env=site.environment(user, mutual) | ports | MORE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: ask(port, "/readyz") is not None or process.poll() is not None, PATIENCE_S, "being ready")
        assert process.poll() is None, process.stderr and process.stderr.read()
    finally:
        process.terminate()
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert "ERROR" not in said


@pytest.mark.parametrize("command", [("worker",), ("collector", "--dev"), ("connect", "webhook"), ("leads",)])
def test_without_a_certificate_of_its_own_a_client_is_refused(site: Site, command: tuple[str, ...]) -> None:
    more = MORE | {"LEADSTREAMS_SSL_CERTFILE": "/nonexistent.pem"}

    code, said = site.run_by(True, "worker", *command, **more)

    assert code in (1, 2), said
    assert "cannot read the TLS settings" in said
    assert "Traceback" not in said


# --- commands

LOOKING = [("topics", "check"), ("leads",), ("dead-letters", "list"), ("model", "list")]
EVENT = '{"event_id": "e1", "type": "page_viewed", "occurred_at": "2026-01-01T00:00:00Z", "anonymous_id": "a"}'


@pytest.mark.parametrize("mutual", [False, True], ids=["login", "certificate"])
@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_commands_that_only_look_need_to_read(site: Site, command: tuple[str, ...], mutual: bool) -> None:
    code, said = site.run_by(mutual, "reader", *command)

    assert code == 0, said


@pytest.mark.parametrize("mutual", [False, True], ids=["login", "certificate"])
def test_models_are_published_and_events_are_sent_with_the_documented_rights(
    site: Site, mutual: bool, tmp_path: Path
) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text(EVENT)

    for user, command in (("publisher", ("model", "publish", "b2b")), ("sender", ("send", str(events)))):
        code, said = site.run_by(mutual, user, *command)
        assert code == 0, said


@pytest.mark.parametrize("command", [*LOOKING, ("model", "publish", "b2b")], ids=" ".join)
def test_a_command_that_lacks_a_right_says_so_in_one_line(site: Site, command: tuple[str, ...]) -> None:
    code, said = site.run("nobody", *command)

    assert code == 1, said
    assert "Traceback" not in said
    assert "absent" not in said
    assert len(said.splitlines()) == 1, said


def test_the_documented_rights_are_those_that_are_checked() -> None:
    """The table in docs/operations.md names each topic that a process reads or writes."""
    table = (
        (Path(__file__).parents[2] / "docs" / "operations.md").read_text().split("| role |")[1].split("\n\n")[0]
    )
    rows = {row.split("|")[1].strip(): row for row in table.splitlines()[2:]}
    inputs = "the five inputs"
    for role, rights in (
        ("worker", kafka_access.of_worker(Settings())),
        ("collector", kafka_access.OF_COLLECTOR),
        ("connector NAME", kafka_access.of_connector("any")),
        ("connector NAME of nurture", kafka_access.of_connector("any", topics.LEAD_TRANSITIONS)),
    ):
        reads, writes = rows[role].split("|")[2:4]
        for said, needed in ((reads, rights.reads), (writes, rights.writes)):
            assert {f"`{name}`" for name in needed if name not in topics.INPUTS} == set(
                re.findall(r"`[^`]+`", said)
            ), role
            assert (inputs in said) is (set(topics.INPUTS) <= set(needed)), role
