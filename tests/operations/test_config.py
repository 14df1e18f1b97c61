"""Settings can be looked at without their secrets, and what is wrong with them is said before Kafka is asked."""

import json
import logging
import os
import subprocess
from pathlib import Path

from streams.json_log import JsonFormatter
from tests.kafka.pipeline import PROGRAM


def run(*words: str, **more: str) -> tuple[int, str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADSTREAMS_")}
    own = {f"LEADSTREAMS_{name.upper()}": value for name, value in more.items()}
    environment = kept | {"LEADSTREAMS_CONFIG": "/nonexistent.toml"} | own
    ran = subprocess.run([str(PROGRAM), *words], env=environment, capture_output=True, text=True, timeout=60)
    return ran.returncode, ran.stdout, ran.stderr


def test_secrets_are_masked_and_everything_else_is_shown() -> None:
    code, said, _ = run(
        "config", "show", "--json", secret="do-not-print", sasl_password="nor-this", partitions="12"
    )

    assert code == 0
    assert "do-not-print" not in said
    assert "nor-this" not in said
    shown = json.loads(said)["settings"]
    assert shown["partitions"] == 12
    assert shown["secret"] == shown["sasl_password"] == "**********"


def test_what_is_wrong_is_named_and_the_exit_code_tells(tmp_path: Path) -> None:
    code, _, said = run("config", "show", model="no-such-model", write_keys=str(tmp_path / "none.toml"))

    assert code == 2
    for wrong in ("no identity secret", "no-such-model", "LEADSTREAMS_WRITE_KEYS: no file"):
        assert wrong in said


def test_a_login_without_a_password_is_refused_at_once() -> None:
    code, _, said = run("worker", secret="a-secret", security_protocol="SASL_SSL", sasl_username="worker")

    assert (code, said) == (2, "error: LEADSTREAMS_SASL_PASSWORD is needed with SASL_SSL\n")


def test_a_line_of_the_json_log_is_one_object_without_what_an_exception_says() -> None:
    try:
        raise ValueError("ada@lovelace.example")
    except ValueError as error:
        exception = (type(error), error, error.__traceback__)
    record = logging.LogRecord("streams.x", logging.ERROR, "", 0, "partition %s\nfails", (3,), exception)

    line = JsonFormatter().format(record)

    assert "\n" not in line
    assert "ada@" not in line
    assert json.loads(line) | {"time": ""} == {
        "time": "",
        "level": "ERROR",
        "logger": "streams.x",
        "message": "partition 3\nfails",
        "exception": "ValueError",
    }
