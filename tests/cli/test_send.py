"""`leadstreams send`: every row is accounted for, and what is sent is where its lead is."""

import gzip
import json
from pathlib import Path

import pytest
import yaml

from streams import topics
from streams.broker import EmbeddedBroker
from streams.identity.keys import Kind, Secret, lead_key, partition_of
from tests.cli.conftest import SECRET, Cli, Pipeline
from tests.cli.records import records

pytestmark = pytest.mark.embedded

VISIT = {"type": "page_viewed", "occurred_at": "2025-06-01T10:00:00Z", "anonymous_id": "a1"}
MAPPING = {
    "source": "shop",
    "bots": {"user_agent": "agent"},
    "fields": {"anonymous_id": "visitor", "occurred_at": "at", "url": "page"},
    "events": [
        {"when": {"event": "view"}, "type": "page_viewed"},
        {
            "when": {"event": "popup"},
            "type": "form_submitted",
            "fields": {"email": {"column": "data", "json": "e"}},
        },
        {"when": {"event": "ping"}, "skip": "heartbeat"},
    ],
}
ROWS = """event,visitor,at,page,agent,data
view,v1,2025-06-01T10:00:00Z,https://example.com/,Mozilla/5.0,
view,v1,2025-06-01T10:01:00Z,https://example.com/pricing,Googlebot/2.1,
popup,v1,2025-06-01T10:02:00Z,https://example.com/,Mozilla/5.0,"{""e"": ""ann@example.com""}"
view,,2025-06-01T10:03:00Z,https://example.com/,Mozilla/5.0,
ping,v1,2025-06-01T10:03:00Z,,,
other,v1,2025-06-01T10:03:00Z,,,
view,v1,soon,https://example.com/,Mozilla/5.0,
view,v1
"""


def visits(*ids: str) -> bytes:
    return b"\n".join(json.dumps({**VISIT, "event_id": event_id}).encode() for event_id in ids) + b"\n"


def test_lines_go_to_their_leads_partition_with_their_leads_key(cli: Cli, pipeline: Pipeline) -> None:
    called = cli("send", "-", "--json", stdin=visits("1", "2", "3"), **pipeline.environment)

    assert called.code == 0, called.err
    assert called.json()["sent"] == 3
    key = lead_key(Kind.ANONYMOUS, "a1", Secret(SECRET.encode()))
    found = records(pipeline.settings.broker, topics.WEB_VISITS)
    assert [json.loads(record.value)["event_id"] for record in found] == ["1", "2", "3"]
    assert {(record.key, record.partition) for record in found} == {(key.encode(), partition_of(key, 4))}


def test_every_row_of_a_csv_file_is_sent_skipped_or_wrong(cli: Cli, pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(MAPPING))
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(gzip.compress(ROWS.encode()))

    called = cli("send", str(file), "--mapping", str(tmp_path / "mapping.yaml"), "--json", **pipeline.environment)

    account = called.json()
    assert called.code == 1
    assert account["types"] == {"page_viewed": 2, "form_submitted": 1}
    assert (account["sent"], account["machines"]) == (3, 1)
    assert account["skipped"] == {"missing_identity": 1, "heartbeat": 1, "no_rule": 1}
    assert account["errors"] == {"bad_field": 2}
    assert account["rows"] == 8 == account["sent"] + 3 + 2
    assert [(mistake["file"], mistake["line"]) for mistake in account["first_errors"]] == [
        (str(file), 8),
        (str(file), 9),
    ]
    (form,) = records(pipeline.settings.broker, topics.FORM_SUBMISSIONS)
    assert json.loads(form.value)["email"] == "ann@example.com"


def test_a_dry_run_says_the_same_and_sends_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(MAPPING))
    file = tmp_path / "rows.csv"
    file.write_text(ROWS)

    called = cli(
        *("send", str(file), "--mapping", str(tmp_path / "mapping.yaml"), "--dry-run", "--json"),
        LEADSTREAMS_SECRET=SECRET,
        LEADSTREAMS_BROKER="127.0.0.1:1",
    )

    assert called.json()["types"] == {"page_viewed": 2, "form_submitted": 1}
    assert called.json()["sent"] == 0


def test_wrong_rows_are_named_by_file_and_line_without_their_content(cli: Cli, pipeline: Pipeline) -> None:
    broken = b'{"email": "private@example.com", \n' + visits("1")

    called = cli("send", "-", stdin=broken, **pipeline.environment)

    assert called.code == 1
    assert "standard input:1: bad_json" in called.err
    assert "private" not in called.err + called.out
    assert len(records(pipeline.settings.broker, topics.WEB_VISITS)) == 1


def test_a_cut_file_is_wrong_from_there_on(cli: Cli, pipeline: Pipeline, tmp_path: Path) -> None:
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes(gzip.compress(visits("1"))[:-9])

    called = cli("send", str(file), "--json", **pipeline.environment)

    assert called.code == 1
    assert called.json()["errors"] == {"unreadable": 1}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rows.csv"], "--mapping"),
        (["rows.csv", "--mapping", "absent.yaml"], "cannot read the mapping"),
        (["rows.csv", "--source-kind", "trusted"], "--source-kind"),
    ],
)
def test_wrong_use_is_exit_code_2(cli: Cli, arguments: list[str], said: str) -> None:
    called = cli("send", *arguments, LEADSTREAMS_SECRET=SECRET)

    assert called.code == 2
    assert said in called.err


def test_a_missing_column_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(MAPPING))
    (tmp_path / "rows.csv").write_text("event,visitor\nview,v1\n")

    called = cli(
        *("send", str(tmp_path / "rows.csv"), "--mapping", str(tmp_path / "mapping.yaml"), "--dry-run"),
        LEADSTREAMS_SECRET=SECRET,
    )

    assert called.code == 2
    assert "no column agent, at, data, page" in called.err


def test_without_topics_the_remedy_is_named(cli: Cli, own_embedded: EmbeddedBroker) -> None:
    called = cli(
        *("send", "-"), stdin=visits("1"), LEADSTREAMS_BROKER=own_embedded.bootstrap, LEADSTREAMS_SECRET=SECRET
    )

    assert called.code == 1
    assert called.err.count("\n") == 1
    assert "leadstreams topics create" in called.err
