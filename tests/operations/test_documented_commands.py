"""Every command of docs/operations.md is run, of a block or of a sentence, on a pipeline that has had leads."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console

from streams import shipped
from streams.demo.play import Demo, Options, started
from streams.demo.processes import variables
from streams.demo.screen import Screen
from streams.demo.story import FEWEST
from streams.settings import Settings
from tests.kafka.pipeline import PROGRAM

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docs" / "operations.md").read_text()
LINES: Final = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    for line in block.replace("\\\n", "").splitlines()
    if line.strip() and not line.startswith("#")
]
SPOKEN: Final = sorted(set(re.findall(r"`(leadstreams [^`]+)`", TEXT)))
ELSEWHERE: Final = {
    "docker compose": "test_compose.py runs what it would run",
    "kubectl": "test_deployment.py validates what it would apply",
    "pip install": "test_deployment.py: the extra is one of pyproject.toml's",
    "leadstreams worker": "test_compose.py",
    "leadstreams collector": "test_compose.py",
    "leadstreams connect": "test_compose.py",
    "leadstreams shadow": "tests/test_shadow.py and tests/kafka/test_shadow.py",
}
"""Commands that need what is not here, or that do not end, and what shows that they are right."""
PATIENCE_S: Final = 90.0
DIFFERS: Final = "leadstreams topics check"
"""Has something to tell: the demo's topics keep their records as long as the demo needs them."""

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with started(Options(leads=FEWEST), Screen(Console(quiet=True))) as running:
        running.play()
        yield running


@pytest.fixture(scope="module")
def desk(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the document takes for granted: a model of one's own, published."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(shipped.MODELS / "lists", folder / "lists")
    (folder / "mine.yaml").write_text(
        (shipped.MODELS / "b2b.yaml").read_text().replace('version: "1"', 'version: "2"')
    )
    code, said = run("leadstreams model publish mine.yaml", demo, folder)
    assert code == 0, said
    return folder


def run(line: str, demo: Demo, folder: Path) -> tuple[int, str]:
    """Exit code and what was said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADSTREAMS_")}
    path = {"PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", "COLUMNS": "200"}
    ran = subprocess.run(
        ["bash", "-ec", line],
        env={**kept, **variables(demo.settings), **path},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    return ran.returncode, ran.stdout + ran.stderr


def filled_in(line: str, demo: Demo, folder: Path) -> str:
    """The document's example values, as they are here."""
    _, listed = run("leadstreams model list --json", demo, folder)
    published = re.findall(r'"hash": "([0-9a-f]{8})', listed)[-1]
    places = {
        "3f0c9a12": published,
        "HOST:PORT...": f"127.0.0.1:{demo.settings.worker_port} --once",
        "TOPIC": "web-visits",
    }
    for said, here in places.items():
        line = line.replace(said, here)
    return line


def elsewhere(line: str) -> bool:
    plain = re.sub(r"^(?:\w+=\S+ )+", "", line)
    return any(plain.startswith(words) for words in ELSEWHERE)


COMMANDS: Final = [line for line in LINES if not line.startswith("export ") and not elsewhere(line)]


@pytest.mark.parametrize("line", COMMANDS, ids=lambda line: line.partition("#")[0].strip())
def test_a_command_of_a_block_does_its_work(line: str, demo: Demo, desk: Path) -> None:
    code, said = run(filled_in(line, demo, desk), demo, desk)

    assert code == 0 or (line.startswith(DIFFERS) and "retention.ms" in said), said


@pytest.mark.parametrize("command", [command for command in SPOKEN if not elsewhere(command)])
def test_a_command_of_a_sentence_does_its_work(command: str, demo: Demo, desk: Path) -> None:
    whole = filled_in(command, demo, desk)
    if re.search(r"\b[A-Z]{3,}\b", whole) or command in ABBREVIATED:
        whole = help_of(command)

    code, said = run(whole, demo, desk)

    assert code == 0 or (whole.startswith(DIFFERS) and "retention.ms" in said), said
    for option in re.findall(r" (--[a-z-]+)", command):
        assert option in said or whole == filled_in(command, demo, desk), option


ABBREVIATED: Final = {"leadstreams model show", "leadstreams dead-letters retry"}
"""Named without what they need."""


def help_of(command: str) -> str:
    words = [word for word in shlex.split(command) if re.fullmatch(r"[a-z][a-z-]*", word)]
    return " ".join([*words, "--help"])


def test_what_is_exported_are_settings_and_variables_of_others() -> None:
    known = {f"LEADSTREAMS_{name.upper()}" for name in Settings.model_fields}
    exported = {name for line in LINES for name in re.findall(r"\b(LEADSTREAMS_\w+)=", line)}
    assert exported <= known
    others = {name for line in LINES if line.startswith("export ") for name in re.findall(r"\b([A-Z_]+)=", line)}
    assert {name for name in others - exported if not name.startswith("OTEL_")} == set()


def test_what_is_run_elsewhere_is_still_in_the_document() -> None:
    for words in ELSEWHERE:
        assert (
            any(elsewhere(line) and words in line for line in [*LINES, *SPOKEN]) or words == "leadstreams connect"
        )
