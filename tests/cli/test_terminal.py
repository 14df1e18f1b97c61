"""What every command has in common: help that teaches, one clear line per failure, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from streams.broker import free_port
from streams.cli import COMMANDS
from tests.cli.conftest import PATIENCE_S, Cli


def test_help_names_every_command_and_shows_a_pipeline(cli: Cli) -> None:
    called = cli("--help")

    assert called.code == 0
    for name in COMMANDS:
        assert name.rstrip("_").replace("_", "-") in called.out
    assert "leadstreams topics create" in called.out


@pytest.mark.parametrize(
    "command",
    [
        *("broker", "topics create", "topics check", "collector", "worker", "send"),
        *("dead-letters list", "dead-letters show", "dead-letters retry"),
    ],
)
def test_the_help_of_each_command_has_an_example(cli: Cli, command: str) -> None:
    called = cli(*command.split(), "--help")

    assert called.code == 0
    assert f"leadstreams {command}" in called.out.replace("\n", " ") or "LEADSTREAMS_" in called.out


@pytest.mark.parametrize(
    "command", ["topics create", "topics check --json", "dead-letters list", "dead-letters retry --all", "send -"]
)
def test_an_unreachable_broker_is_one_line_with_address_and_remedy(cli: Cli, command: str) -> None:
    address = f"127.0.0.1:{free_port()}"

    called = cli(*command.split(), LEADSTREAMS_BROKER=address, LEADSTREAMS_SECRET="s")

    assert called.code == 1
    assert called.err.count("\n") == 1
    assert address in called.err
    assert "leadstreams broker" in called.err
    assert called.out == ""


@pytest.mark.parametrize("command", ["topics create", "worker", "collector --dev", "send -"])
def test_wrong_settings_are_one_line_and_exit_code_2(cli: Cli, command: str) -> None:
    called = cli(*command.split(), LEADSTREAMS_DELIVERY="perhaps")

    assert called.code == 2
    assert called.err.count("\n") == 1
    assert "LEADSTREAMS_DELIVERY" in called.err


@pytest.mark.parametrize("command", ["worker", "collector", "send -"])
def test_a_missing_secret_is_exit_code_2_and_says_how_to_make_one(cli: Cli, command: str) -> None:
    called = cli(*command.split())

    assert called.code == 2
    assert "openssl rand -hex 32" in called.err


def test_a_secret_never_shows_in_an_error(cli: Cli) -> None:
    called = cli("worker", LEADSTREAMS_SECRET="x" * 70)

    assert called.code == 2
    assert "xxx" not in called.err + called.out


def test_the_installed_command_is_the_same(environment: dict[str, str]) -> None:
    command = Path(sys.executable).with_name("leadstreams")
    called = subprocess.run(
        [command, "topics", "forget"], capture_output=True, env=environment, timeout=PATIENCE_S
    )

    assert called.returncode == 2
    assert b"forget" in called.stderr
    assert b"Traceback" not in called.stderr


def test_an_unknown_command_is_exit_code_2(cli: Cli) -> None:
    assert cli("forecast").code == 2


def test_the_version_is_printed(cli: Cli) -> None:
    assert cli("--version").out.startswith("leadstreams ")
