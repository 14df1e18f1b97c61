# ruff: noqa: E501  headers as they stand in a file
"""Exports of contacts: recognised, read, and what the model makes of them."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.event import parse
from streams.analysis import export
from streams.analysis.export import events, form_type, instant, layout, spread
from streams.scoring.instant import milliseconds
from tests.analysis.exports import HUBSPOT, JAPANESE, MARKETO, SALESFORCE, written
from tests.cli.conftest import Cli, cli, environment  # noqa: F401

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = milliseconds("2026-11-02T00:00:00Z")


@pytest.mark.parametrize(
    ("rows", "tool"),
    [(HUBSPOT, "HubSpot"), (JAPANESE, "HubSpot"), (MARKETO, "Marketo"), (SALESFORCE, "Salesforce"),
     ([{"mail": "a@b.example", "name": "x"}], "CSV")],
)  # fmt: skip
def test_the_tool_is_told_by_its_headers(rows: list[dict[str, str]], tool: str) -> None:
    found = layout(name for row in rows for name in row)
    assert found.tool == tool
    assert "email" in found.columns


def test_japanese_headers_mean_what_the_english_ones_mean() -> None:
    found = layout(JAPANESE[0])
    assert found.ignored == ("レコードID",)
    taken = events(JAPANESE[0], found, TOKYO, NOW)
    assert taken.problems == []
    assert [event["type"] for event in taken.events] == ["lead_identified", *["page_viewed"] * 4, "form_submitted"]
    form = taken.events[-1]
    assert (form["form_type"], form["occurred_at"]) == ("contact", "2026-09-20T02:00:00.000Z")


@pytest.mark.parametrize("rows", [HUBSPOT, JAPANESE, MARKETO, SALESFORCE])
def test_every_event_made_is_one_of_the_contract(rows: list[dict[str, str]]) -> None:
    import msgspec

    found = layout(name for row in rows for name in row)
    for row in rows:
        for event in events(row, found, TOKYO, NOW).events:
            assert type(parse(msgspec.json.encode(event))).__name__ != "Rejected", event


def test_a_row_makes_no_more_visits_than_were_counted_and_none_outside_its_dates() -> None:
    taken = events(HUBSPOT[0], layout(HUBSPOT[0]), TOKYO, NOW).events
    visits = [event["occurred_at"] for event in taken if event["type"] == "page_viewed"]
    assert len(visits) == 4
    assert (visits[0], visits[-1]) == ("2026-09-01T00:00:00.000Z", "2026-09-20T02:00:00.000Z")


@given(st.integers(0, 50), st.integers(0, 10**12), st.integers(0, 10**12))
def test_spread_instants_stay_between_first_and_last(number: int, one: int, other: int) -> None:
    first, last = sorted((one, other))
    found = spread(number, first, last)
    assert len(found) == number
    assert found == sorted(found)
    assert all(first <= at <= last for at in found)
    assert not found or found[-1] == last


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-09-01", "2026-08-31T15:00:00Z"),
        ("2026-09-01T00:00:00Z", "2026-09-01T00:00:00Z"),
        ("9/1/2026", "2026-08-31T15:00:00Z"),
        ("2026年9月1日", "2026-08-31T15:00:00Z"),
        ("2026/09/01 10:30", "2026-09-01T01:30:00Z"),
    ],
)
def test_dates_as_spreadsheets_write_them(text: str, wanted: str) -> None:
    assert instant(text, TOKYO) == milliseconds(wanted)


@given(st.text())
def test_no_text_breaks_the_reading_of_dates_and_numbers(text: str) -> None:
    instant(text, TOKYO)
    export.number(text)
    assert form_type(text)


def test_hubspot_as_a_user_sees_it(cli: Cli, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "contacts.csv"
    path.write_bytes(written(HUBSPOT))
    called = cli("try", str(path), "--json")
    assert called.code == 0, called.err
    found = called.json()
    assert (found["tool"], found["rows"], found["persons"], found["repeated"]) == ("HubSpot", 6, 3, 1)
    (handed,) = found["handoffs"]
    assert (handed["line"], handed["company"], handed["criteria"]) == (2, "Kitano Machinery", "asked for a demo")
    assert "email" not in handed
    assert found["problems"] == {
        "email_is_no_address": 1, "no_email": 1, "created_is_no_date": 1, "visits_is_no_number": 1
    }  # fmt: skip
    assert found["ignored_columns"] == ["Record ID", "Lead Owner Note"]
    shown = cli("try", str(path), "--names")
    assert "1 would have been handed to sales" in shown.out
    assert "Aya Mori, aya@kitano.example, VP Marketing" in shown.out
    assert "aya@" not in cli("try", str(path)).out


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8-sig", ","), ("cp932", ";"), ("utf-16", "\t")])
def test_files_as_spreadsheets_save_them(cli: Cli, tmp_path: Path, encoding: str, delimiter: str) -> None:  # noqa: F811
    path = tmp_path / "contacts.csv"
    path.write_bytes(written(JAPANESE, encoding, delimiter))
    found = cli("try", str(path), "--json").json()
    assert found["handoffs"][0]["title"] == "情報システム部 部長"


def test_a_file_without_addresses_is_one_line(cli: Cli, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "contacts.csv"
    path.write_text("Name,Company\nx,y\n")
    called = cli("try", str(path))
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert "no column for the email address" in called.err


@pytest.mark.parametrize(
    ("tool", "names", "words"),
    [
        # Labels of Marketo's list of standard fields in Japanese.
        ("Marketo", "名前（名） 名前（姓） メールアドレス 企業名 年間売上高 業界 国 代表電話 リードのソース リードのステータス",
         "first_name last_name email company revenue industry country phone referral_channel stage"),
        # The REST names, which a bulk extract puts into the first line.
        ("Marketo", "email firstName lastName company title numberOfEmployees leadSource leadStatus leadScore emailInvalid",
         "email first_name last_name company title employees referral_channel stage bounced"),
        # HubSpot's internal names, which an export gives when asked.
        ("HubSpot", "email jobtitle numemployees hs_analytics_num_visits hs_analytics_source hs_lead_status hs_email_optout",
         "email title employees visits referral_channel stage unsubscribed"),
        # Labels and API names of Salesforce's field reference; a report joins company and account.
        ("Salesforce", "Full_Name Title Company_/_Account Email Lead_Source Lead_Status Employees Annual_Revenue Last_Activity",
         "name title company email referral_channel stage employees revenue last_contact"),
        ("Salesforce", "Id FirstName Email NumberOfEmployees LeadSource Status IsConverted CreatedDate ConvertedDate HasOptedOutOfEmail",
         "first_name email employees referral_channel stage created won unsubscribed"),
    ],
)  # fmt: skip
def test_headers_as_the_tools_document_them(tool: str, names: str, words: str) -> None:
    found = layout(name.replace("_", " ") if tool == "Salesforce" else name for name in names.split())
    assert found.tool == tool
    assert sorted(found.columns) == sorted(words.split())
