"""`leadstreams lead` on a pipeline whose worker has done its work and is gone."""

import json

import pytest

from streams import topics
from streams.identity.keys import Kind, lead_key
from tests.cli.conftest import Cli
from tests.cli.records import records
from tests.cli.test_reading import DEVICE, JANE, KEYED, Lived, lived

pytestmark = pytest.mark.embedded

__all__ = ["lived"]


def test_an_export_holds_all_of_one_person_and_nothing_of_another(lived: Lived, cli: Cli) -> None:
    told = cli("lead", "export", "jane@example.com", "--json", **lived.environment)
    assert told.code == 0, told.err
    document = told.json()
    assert (document["lead_key"], set(document["keys"])) == (JANE, {JANE, DEVICE})
    assert set(document["record"]) == {JANE, DEVICE}
    assert document["record"][JANE]["stage"] == "sql"
    held = document["records_by_topic"]
    assert {record["value"]["event_id"] for record in held[topics.WEB_VISITS]} == {"v0", "v1", "v2"}
    assert [record["value"]["event_id"] for record in held[topics.FORM_SUBMISSIONS]] == ["w1"]
    assert len(held[topics.SALES_HANDOFFS]) == 1
    assert "joe@example.com" not in told.out
    assert "device-9" not in told.out


@pytest.mark.parametrize("name", [JANE, DEVICE, "device-1"])
def test_whoever_is_named_by_an_alias_is_the_same_person(name: str, lived: Lived, cli: Cli) -> None:
    assert cli("lead", "export", name, "--json", **lived.environment).json()["lead_key"] == JANE


def test_for_people_it_says_where_how_much_is_held(lived: Lived, cli: Cli) -> None:
    told = cli("lead", "export", "jane@example.com", **lived.environment)
    assert told.code == 0
    assert "web-visits" in told.out
    assert "jane@example.com" not in told.out, "the data itself only where it is asked for"


@pytest.mark.parametrize("command", ["export", "erase"])
def test_of_somebody_unknown_there_is_nothing(command: str, lived: Lived, cli: Cli) -> None:
    told = cli("lead", command, "nobody@example.com", **lived.environment)
    assert told.code == 1
    assert "no such lead" in told.err
    assert "nobody@example.com" not in told.err


def test_without_the_secret_no_address_finds_anybody(lived: Lived, cli: Cli) -> None:
    environment = {name: value for name, value in lived.environment.items() if name != "LEADSTREAMS_SECRET"}
    told = cli("lead", "export", "jane@example.com", **environment)
    assert told.code == 2
    assert "LEADSTREAMS_SECRET" in told.err


def test_nobody_is_erased_by_accident(lived: Lived, cli: Cli) -> None:
    told = cli("lead", "erase", "jane@example.com", **lived.environment)
    assert told.code == 2
    assert "--yes" in told.err
    assert records(lived.settings.broker, topics.SALES_FEEDBACK) == []


def test_a_key_that_tells_no_identity_asks_for_one(lived: Lived, cli: Cli) -> None:
    visitor = lead_key(Kind.ANONYMOUS, "device-9", KEYED)
    told = cli("lead", "erase", visitor, "--yes", **lived.environment)
    assert told.code == 2
    assert "name the address, the user id or the anonymous id" in told.err


def test_an_erasure_that_no_worker_applies_says_what_is_lacking(lived: Lived, cli: Cli) -> None:
    told = cli("lead", "erase", JANE, "--yes", "--timeout", "1", "--json", **lived.environment)
    assert told.code == 1
    lacking = told.json()["lacking"]
    assert any("records are not erased yet: is a worker running?" in one for one in lacking)
    assert "not everything is through" in told.err
    (asked,) = records(lived.settings.broker, topics.SALES_FEEDBACK)
    event = json.loads(asked.value)
    assert (event["type"], event["email"], event["source_kind"]) == ("lead_erased", "jane@example.com", "server")
    assert asked.key.decode() == JANE
