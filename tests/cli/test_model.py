"""`leadstreams model`: valid or not, and in words."""

from pathlib import Path

from tests.cli.conftest import Cli

BROKEN = """\
name: mine
version: "1"
rules:
  - id: opened
    when: [{type: email_opend}]
    points: 5
    keeps: 30 days
    reason: {en: opened, ja: 開封}
stages: {mql: {enter: 20, leave: 25}, sql: {enter: 40}}
colour: red
"""


def test_a_valid_model_is_said_to_be_with_its_identity(cli: Cli) -> None:
    called = cli("model", "check", "published")
    assert called.code == 0
    assert called.out.startswith("published is valid: published 1, ")


def test_every_fault_is_told_with_file_line_and_remedy(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(BROKEN)
    called = cli("model", "check", str(path))
    assert called.code == 1
    places = [line.removeprefix(f"{path}:").partition(": ")[0] for line in called.out.splitlines()]
    assert places == ["5", "7", "9", "10"]
    assert "unknown event type 'email_opend'" in called.out
    assert "expected a duration such as 30d" in called.out
    assert "4 faults" in called.err


def test_faults_are_json_for_scripts(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(BROKEN)
    called = cli("model", "check", str(path), "--json")
    assert called.code == 1
    assert [(fault["line"], fault["path"]) for fault in called.json()["faults"]][-1] == (10, "colour")


def test_a_model_that_is_not_there_is_one_line(cli: Cli) -> None:
    called = cli("model", "check", "/nobody/knows.yaml")
    assert called.code == 1
    assert "cannot read the model" in called.out


def test_show_prints_the_page_and_json_the_content(cli: Cli) -> None:
    page = cli("model", "show")
    assert page.code == 0
    assert page.out.startswith("# Scoring model b2b, version 1\n")
    found = cli("model", "show", "published", "--json").json()
    assert (found["name"], [rule["id"] for rule in found["rules"]][:2]) == ("published", ["visits", "whitepaper"])


def test_show_does_not_show_a_broken_model(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(BROKEN)
    called = cli("model", "show", str(path))
    assert (called.code, called.out) == (2, "")
    assert "and 3 more: leadstreams model check" in called.err
