"""Lists beside a model: whole and valid, or refused with file, line and what was expected there."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import model_file, model_lists
from streams.list_kind import KINDS
from streams.model_lists import MOST_BYTES, MOST_ROWS, Refused, Rows, load, read, stated
from streams.yaml_file import Fault, Parsed

PLACE = Fault("mine.yaml", 3, "lists.any", "")
SHIPPED = sorted((model_file.SHIPPED / "lists").glob("*.csv"))
MODEL = 'name: mine\nversion: "1"\nlists:\n'


def faults(text: str | bytes, name: str = "any") -> list[str]:
    raw = text if isinstance(text, bytes) else text.encode()
    found = read(raw, "any.csv", name)
    return list(map(str, found.faults)) if isinstance(found, Refused) else []


def rows(text: str | bytes, name: str = "any") -> Rows:
    found = read(text if isinstance(text, bytes) else text.encode(), "any.csv", name)
    assert not isinstance(found, Refused), found
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_list_that_ships_is_valid(path: Path) -> None:
    assert rows(path.read_bytes(), path.stem)


def test_holidays_ship_for_three_regions_and_four_years() -> None:
    for name in ("jp", "emea", "amer"):
        found = rows((model_file.SHIPPED / "lists" / f"holidays_{name}.csv").read_bytes())
        assert {row[0][:4] for row in found} == {"2025", "2026", "2027", "2028"}


def test_comments_blank_lines_and_what_spreadsheets_add_do_not_count() -> None:
    text = "\ufeff# ours\r\ndomain\r\n\r\n  acme.co.jp \r\n# theirs\r\nacme.com\r\n"
    assert rows(text) == [["acme.co.jp"], ["acme.com"]]


def test_columns_may_stand_in_any_order_and_optional_ones_be_left_out() -> None:
    assert rows("relationship,domain\npartner,acme.com\n") == [["acme.com", "partner", ""]]
    assert rows('owner,domain,relationship\n"Sato, Yuki",acme.com,customer') == [
        ["acme.com", "customer", "Sato, Yuki"]
    ]


def test_an_empty_list_is_a_list() -> None:
    assert rows("domain\n") == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "any.csv:1: expected a header row: domain; or mail_domain"),
        ("# nothing\n\n", "any.csv:1: expected a header row"),
        ("# a list\nacme.com\n", "any.csv:2: expected a header row"),
        ("domain,domain\n", "any.csv:1: expected a header row"),
        ("domain,note\n", "any.csv:1: expected a header row"),
        ("domain\nacme.com\nAcme.org\n", "any.csv:3: domain: expected a registrable domain such as acme.co.jp"),
        ("domain\nwww.acme.com\n", "any.csv:2: domain: expected a registrable domain"),
        ("domain\nco.jp\n", "any.csv:2: domain: expected a registrable domain"),
        ("domain\nacme.com,x\n", "any.csv:2: expected 1 cells (domain), found 2"),
        ("domain\nacme.com\n# and\nacme.com\n", "any.csv:4: domain: 'acme.com' stands in line 2 already"),
        ('domain\n"acme.com\n', "any.csv:2: expected cells separated by commas"),
        (
            "date,name\n2026-02-30,none\n",
            "any.csv:2: date: expected a date such as 2026-11-03, found '2026-02-30'",
        ),
        ("date,name\n20261103,Culture Day\n", "any.csv:2: date: expected a date"),
        ("date,name\n2026-11-03,\n", "any.csv:2: name: expected text"),
        ("date;name\n2026-11-03;x\n", "any.csv:1: expected a header row"),
        ("country\nUK\n", "any.csv:2: country: expected a country in two capital letters"),
        ("country\nEU\n", "any.csv:2: country: expected a country"),
        ("country\njp\n", "any.csv:2: country: expected a country"),
        (
            "domain,relationship\nacme.com,client\n",
            "any.csv:2: relationship: expected one of none, open_opportunity,",
        ),
        ("currency,usd,date\nJPY,-1,2026-10-30\n", "any.csv:2: usd: expected a number above 0 such as 0.0067"),
        ("currency,usd,date\nJPY,0.00,2026-10-30\n", "any.csv:2: usd: expected a number above 0"),
        ("currency,usd,date\nJPY,nan,2026-10-30\n", "any.csv:2: usd: expected a number above 0"),
        (
            "currency,usd,date\nyen,1,2026-10-30\n",
            "any.csv:2: currency: expected a currency in three capital letters",
        ),
        ("mail_domain\nGmail.com\n", "any.csv:2: mail_domain: expected a mail domain in lower case"),
        ("suffix\n.ac.jp\n", "any.csv:2: suffix: expected the end of a domain"),
        ("local_part\ninfo@\n", "any.csv:2: local_part: expected what stands before the @"),
        (f"word\n{'x' * 201}\n", "any.csv:2: word: expected text of 1 to 200 characters"),
        ("word\na\x07b\n", "any.csv:2: word: expected text"),
    ],
)
def test_a_wrong_line_is_named_with_what_was_expected(text: str, fault: str) -> None:
    assert faults(text)[0].startswith(fault)


def test_every_wrong_line_is_named_up_to_twenty() -> None:
    assert len(faults("country\nXX\nJP\nYY\n")) == 2
    assert len(faults("country\n" + "XX\n" * 1000)) == 20


def test_what_is_not_utf8_is_named_with_its_line() -> None:
    assert faults("word\n建設\n".encode("cp932")) == ["any.csv:2: not UTF-8: save the file as CSV in UTF-8"]


def test_a_list_has_bounds() -> None:
    most = "word\n" + "".join(f"w{n}\n" for n in range(MOST_ROWS))
    assert len(rows(most)) == MOST_ROWS
    assert faults(most + "one more\n") == [f"any.csv:{MOST_ROWS + 2}: a list has at most 50000 rows"]
    assert faults(b"x" * (MOST_BYTES + 1)) == ["any.csv:1: a list is at most 4 MB"]


def test_a_list_with_a_fixed_meaning_must_be_of_its_kind() -> None:
    assert faults("country\nJP\n", "competitors") == ["any.csv:1: expected a header row: domain"]
    assert faults("domain\nacme.com\n", "customers") == [
        "any.csv:1: expected a header row: domain,relationship,owner"
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_refused(raw: bytes) -> None:
    for header in (b"", b"word\n", b"domain\n", b"date,name\n"):
        found = read(header + raw, "any.csv", "any")
        assert found.faults if isinstance(found, Refused) else isinstance(found, list)


def test_a_list_must_stand_in_the_directory_of_the_model(tmp_path: Path) -> None:
    models = tmp_path / "models"
    (models / "lists").mkdir(parents=True)
    (tmp_path / "secret.csv").write_text("word\npassword\n")
    (models / "good.csv").write_text("word\nhello\n")
    (models / "out.csv").symlink_to(tmp_path / "secret.csv")
    (models / "within.csv").symlink_to(models / "good.csv")
    (models / "circle.csv").symlink_to(models / "circle.csv")
    (models / "folder.csv").mkdir()
    (models / "away").symlink_to(tmp_path)

    assert load("any", "good.csv", models, PLACE) == [["hello"]]
    assert load("any", "lists/../good.csv", models, PLACE) != [["hello"]]
    assert load("any", "within.csv", models, PLACE) == [["hello"]]
    wrong = {
        "../secret.csv": "expected the path of a CSV file in the directory of the model or below",
        str(tmp_path / "secret.csv"): "expected the path of a CSV file",
        "..\\secret.csv": "expected the path of a CSV file",
        "good.txt": "expected the path of a CSV file",
        "": "expected the path of a CSV file",
        "out.csv": "'out.csv' leads out of the directory of the model",
        "away/secret.csv": "'away/secret.csv' leads out of the directory of the model",
        "circle.csv": "cannot read 'circle.csv': there is no such file beside the model",
        "none.csv": "cannot read 'none.csv': there is no such file beside the model",
        "no\0ne.csv": "cannot read",
        "x" * 5000 + ".csv": "cannot read",
        "folder.csv": "cannot read 'folder.csv': it is not a file",
    }
    for path, message in wrong.items():
        found = load("any", path, models, PLACE)
        assert isinstance(found, Refused), path
        (fault,) = found.faults
        assert fault.message.startswith(message), path
        assert (fault.file, fault.line, fault.path) == ("mine.yaml", 3, "lists.any")


def test_the_rows_take_the_place_of_the_path_in_the_model(tmp_path: Path) -> None:
    (tmp_path / "ours.csv").write_text("domain\nacme.com\n")
    text = MODEL + "  own_domains: ours.csv\n  industries: [[a, b]]\n"
    found = model_file.document(text.encode(), "mine.yaml", tmp_path)
    assert isinstance(found, Parsed)
    assert found.tree["lists"] == {"own_domains": [["acme.com"]], "industries": [["a", "b"]]}


def test_faults_of_lists_are_told_with_the_line_of_the_model_or_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "theirs.csv").write_text("domain\nACME\n")
    lines = "  competitors: theirs.csv\n  own_domains: ours.csv\n  customers: [[acme.com]]\n  industries: 7\n"
    found = model_file.document((MODEL + lines).encode(), "mine.yaml", tmp_path)
    assert isinstance(found, list)
    assert [(fault.file, fault.line, fault.path) for fault in found] == [
        (str(tmp_path / "theirs.csv"), 2, "domain"),
        ("mine.yaml", 5, "lists.own_domains"),
        ("mine.yaml", 6, "lists.customers"),
        ("mine.yaml", 7, "lists.industries"),
    ]


def test_a_model_that_is_not_a_file_has_its_lists_in_itself() -> None:
    found = model_file.document((MODEL + "  own_domains: ours.csv\n").encode(), "sent")
    assert isinstance(found, list)
    assert found[0].message == "expected the path of a CSV file, from the directory of the model"


def test_a_model_has_a_bounded_number_of_lists() -> None:
    text = MODEL + "".join(f"  list{n}: [[x]]\n" for n in range(51))
    assert [str(fault) for fault in model_file.document(text.encode(), "m.yaml") or []] == [
        "m.yaml:3: lists: a model has at most 50 lists"
    ]


@pytest.mark.parametrize(
    ("given_", "name", "fits"),
    [
        ([["acme.com"]], "competitors", True),
        ([["acme.com", "customer", ""]], "customers", True),
        ([["2026-11-03", "文化の日"]], "holidays_jp", True),
        ([], "any", True),
        ([["JP"], ["acme.com"]], "any", True),  # one word each
        ([["JP", "x", "y"]], "any", False),
        ([["www.acme.com"]], "competitors", False),
        ([["acme.com"], "acme.org"], "any", False),
        ([[1]], "any", False),
        ([[""]], "any", False),
        ({"acme.com": 1}, "any", False),
        (None, "any", False),
        ([["x"]] * (MOST_ROWS + 1), "any", False),
    ],
)
def test_a_list_in_the_model_itself_is_checked_in_the_same_way(given_: object, name: str, fits: bool) -> None:
    assert isinstance(stated(given_, name, PLACE), Refused) != fits


def test_every_kind_of_list_is_explained_beside_the_lists() -> None:
    explained = (model_file.SHIPPED / "lists" / "README.md").read_text()
    assert [kind.header for kind in KINDS if f"`{kind.header}`" not in explained] == []
    assert model_lists.MOST_ROWS == 50_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18:00", "18:00"),
        ("09:00", "09:00"),
        ("2026-11-03", "2026-11-03"),
        ("NO", "NO"),
        ("010", "010"),
        ("1_000", 1000),
        ("-5", -5),
        ("0", 0),
        ("2.5", 2.5),
        ("true", True),
        ("~", None),
        ("0x1F", "0x1F"),
    ],
)
def test_a_plain_value_is_what_it_looks_like(text: str, value: object) -> None:
    found = model_file.document(f"value: {text}\n".encode(), "any.yaml")
    assert isinstance(found, Parsed)
    assert found.tree["value"] == value
    assert type(found.tree["value"]) is type(value)
