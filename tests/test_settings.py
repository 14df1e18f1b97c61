"""Settings: arguments before environment before file, and no secret in any printed form."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from streams.identity.keys import Secret
from streams.settings import DEMO_SECRET, Settings


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings file and no variable of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("LEADSTREAMS_CONFIG", *(f"LEADSTREAMS_{field.upper()}" for field in Settings.model_fields)):
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_are_exactly_once_on_this_machine() -> None:
    settings = Settings()

    assert settings.delivery == "exactly-once"
    assert settings.broker == "127.0.0.1:9092"
    assert settings.collector_host == settings.worker_host == "127.0.0.1"


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "leadstreams.toml").write_text('broker = "file:1"\npipeline = "from-file"\n')
    monkeypatch.setenv("LEADSTREAMS_BROKER", "environment:2")

    settings = Settings()

    assert settings.broker == "environment:2"
    assert settings.pipeline == "from-file"


def test_another_file_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("partitions = 12\n")
    monkeypatch.setenv("LEADSTREAMS_CONFIG", str(tmp_path / "other.toml"))

    assert Settings().partitions == 12


@pytest.mark.parametrize(
    ("name", "value"),
    [("DELIVERY", "maybe"), ("PARTITIONS", "0"), ("PIPELINE", "Has Spaces"), ("COLLECTOR_PORT", "70000")],
)
def test_a_wrong_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"LEADSTREAMS_{name}", value)

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_an_unknown_setting_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "leadstreams.toml").write_text('brokers = "typo:1"\n')

    with pytest.raises(ValidationError, match="brokers"):
        Settings()


def test_secrets_are_masked_in_every_printed_form() -> None:
    settings = Settings(secret="do-not-print", sasl_password="nor-this")

    for text in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.require_secret())):
        assert "do-not-print" not in text
        assert "nor-this" not in text


def test_the_secret_can_stand_in_a_file_and_its_line_end_is_not_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("from a file\n")

    assert Settings(secret_file=path).require_secret() == Secret(b"from a file")


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        (Settings.model_construct(secret=None, secret_file=None), "set LEADSTREAMS_SECRET"),
        (Settings.model_construct(secret=None, secret_file=Path("/nowhere/secret")), "cannot read"),
    ],
)
def test_a_missing_secret_is_one_line_with_a_remedy(settings: Settings, remedy: str) -> None:
    answer = settings.require_secret()

    assert isinstance(answer, str)
    assert remedy in answer
    assert "\n" not in answer


def test_the_demo_secret_is_refused_where_it_matters() -> None:
    assert isinstance(Settings(secret=DEMO_SECRET).require_secret(), str)
    assert isinstance(Settings(secret=DEMO_SECRET, delivery="at-least-once").require_secret(), Secret)


def test_a_secret_longer_than_the_hash_takes_is_refused() -> None:
    assert isinstance(Settings(secret="x" * 65).require_secret(), str)
    assert isinstance(Settings(secret="x" * 64).require_secret(), Secret)
