"""Write keys and their file."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from streams.collector.request import Source, SourceKind
from streams.collector.write_keys import AnyKey, KeyFile, WriteKeys, basic_user, load_keys

HASH = sha256(b"s3cret").hexdigest()
BROWSER = '[[sources]]\nname = "site"\nkind = "browser"\nkey = "wk"\n'
SERVER = f'[[sources]]\nname = "backend"\nkind = "server"\nsha256 = "{HASH}"\n'


def load(tmp_path: Path, text: str) -> KeyFile | str:
    path = tmp_path / "keys.toml"
    path.write_text(text)
    return load_keys(path)


def test_each_key_finds_its_source(tmp_path: Path) -> None:
    loaded = load(tmp_path, 'trusted_proxies = ["10.0.0.0/8"]\n' + BROWSER + SERVER)
    assert isinstance(loaded, KeyFile)
    keys = WriteKeys(loaded.sources)
    assert keys.find("wk") == Source("site", SourceKind.BROWSER)
    assert keys.find("s3cret") == Source("backend", SourceKind.SERVER)
    assert keys.find(HASH) is None
    assert keys.find("") is None
    assert keys.find("\ud800") is None


def test_two_keys_of_a_source_live_at_a_time_and_a_third_does_not(tmp_path: Path) -> None:
    second, third = (BROWSER.replace('"wk"', f'"wk{number}"') for number in (2, 3))
    assert isinstance(load(tmp_path, BROWSER + second), KeyFile)
    assert "at most 2" in str(load(tmp_path, BROWSER + second + third))


def test_rates_have_defaults_and_may_be_set(tmp_path: Path) -> None:
    usual, own = load(tmp_path, BROWSER), load(tmp_path, "requests_per_second_of_an_address = 0.5\n" + BROWSER)
    assert isinstance(usual, KeyFile)
    assert isinstance(own, KeyFile)
    assert (usual.requests_per_second_of_an_address, usual.requests_per_second_of_a_source) == (200, 5000)
    assert own.requests_per_second_of_an_address == 0.5


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("requests_per_second_of_a_source = 0\n" + BROWSER, "requests_per_second_of_a_source"),
        ("", "sources"),
        ("[[sources", "not TOML"),
        (SERVER.replace(f'sha256 = "{HASH}"', 'key = "my-secret"'), "kept hashed"),
        (BROWSER.replace('key = "wk"', ""), "either `key` or `sha256`"),
        (BROWSER.replace("browser", "boss"), "sources.0.kind"),
        (BROWSER + BROWSER, "the same key"),
        (BROWSER + "colour = 1\n", "colour"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_that_shows_no_key(tmp_path: Path, text: str, complaint: str) -> None:
    problem = load(tmp_path, text)
    assert isinstance(problem, str)
    assert complaint in problem
    assert "\n" not in problem
    assert "my-secret" not in problem


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "no-such-file" in str(load_keys(tmp_path / "no-such-file"))


def test_in_development_the_key_s_beginning_chooses_the_kind() -> None:
    assert AnyKey().find("browser-anything") == Source("dev", SourceKind.BROWSER)
    assert AnyKey().find("anything") == Source("dev", SourceKind.SERVER)
    assert AnyKey().find("") is None


@pytest.mark.parametrize(
    ("header", "user"),
    [
        ("Basic " + b64encode(b"wk:").decode(), "wk"),
        ("basic " + b64encode(b"wk:pass").decode(), "wk"),
        ("Basic " + b64encode(b"wk").decode(), "wk"),
        ("Basic " + b64encode(b":").decode(), None),
        ("Basic " + b64encode(b"\xff:").decode(), None),
        ("Basic !", None),
        ("Basic \xff", None),
        ("Bearer abc", None),
        ("", None),
        (None, None),
    ],
)
def test_the_write_key_is_basic_s_user_name(header: str | None, user: str | None) -> None:
    assert basic_user(header) == user
