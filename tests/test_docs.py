"""What the documents say is so: the README's commands give the output that stands there, links lead somewhere."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import typer.main
from rich.console import Console

from streams.cli import build
from streams.demo.play import Demo, Options, started
from streams.demo.processes import variables
from streams.demo.screen import Screen
from streams.demo.story import FEWEST

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
REQUIREMENTS = range(1, 57)
STATES = {"**works**", "*partly*", "not yet"}
WIDTH = "96"
PATIENCE_S = 20.0
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """The README's text under a heading."""
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


# --- the first minute


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """A pipeline as `make demo DEMO_ARGS=--keep` leaves it running, without its leads."""
    with started(Options(leads=FEWEST), Screen(Console(quiet=True))) as running:
        yield running


def here(command: str, demo: Demo) -> str:
    """A command of the README for the ports of this pipeline."""
    settings = demo.settings
    command = command.replace("127.0.0.1:8800", f"127.0.0.1:{settings.collector_port}")
    command = command.replace("127.0.0.1:9092", settings.broker)
    return command.replace(".venv/bin/", f"{Path(sys.executable).parent}/")


def lines_of(output: str) -> list[str]:
    """Without what differs from day to day: times, and the blanks that follow from them."""
    timeless = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", output)
    return [" ".join(line.split()) for line in timeless.splitlines() if line.strip()]


def run(command: str, environment: dict[str, str]) -> str:
    """What a command prints; its complaint if it fails."""
    ran = subprocess.run(["bash", "-ec", command], capture_output=True, text=True, env=environment, timeout=60)
    return ran.stdout if ran.returncode == 0 else f"exit code {ran.returncode}: {ran.stderr}"


def shown_within_patience(commands: list[str], environment: dict[str, str], wanted: str | None) -> str:
    """What the commands print together, as soon as it is what is wanted, or at the end of our patience."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        output = "\n".join(run(command, environment) for command in commands)
        good = "exit code" not in output if wanted is None else lines_of(output) == lines_of(wanted)
        if good or time.monotonic() > deadline:
            return output


@pytest.mark.embedded
def test_the_first_minute_gives_what_the_readme_shows(demo: Demo) -> None:
    environment = {**os.environ, **variables(demo.settings), "COLUMNS": WIDTH}
    blocks = [*BLOCK.findall(section("The first minute")), ("", "")]
    for (language, body), (following, shown) in pairwise(blocks):
        if language != "sh":
            continue
        lines = [here(line, demo) for line in body.splitlines() if not line.startswith("export ")]
        for change in (line for line in lines if line.startswith("curl ")):
            assert "success" in run(change, environment)
        shows = [line for line in lines if not line.startswith("curl ")]
        wanted = shown if following == "text" else None
        output = shown_within_patience(shows, environment, wanted)
        assert wanted is None or lines_of(output) == lines_of(wanted)
        assert "exit code" not in output


# --- what is said


def test_every_requirement_has_one_row_that_says_whether_it_works() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|", section("What works"), re.MULTILINE)

    assert [int(number) for number, _, _ in rows] == list(REQUIREMENTS)
    assert {state.strip() for _, _, state in rows} <= STATES


def test_the_commands_that_documents_name_exist() -> None:
    command = typer.main.get_command(build())
    known = set(getattr(command, "commands", {}))
    for document in DOCUMENTS:
        named = re.findall(r"(?:`|^|/|&& )leadstreams ([a-z][a-z-]*)", document.read_text(), re.MULTILINE)
        assert set(named) <= known, document


def test_the_targets_that_the_readme_names_are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_tests_that_documents_name_exist(document: Path) -> None:
    named = re.findall(r"`((?:streams|schemas|tests|deploy)/[\w/.]+)`", document.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []
