"""What pages read, without Kafka: lists equal to those of the command, bounds that hold, exports, words."""

import csv
import io
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from streams import explanation, model_file, model_page, roster
from streams.analysis.source import Event, Source
from streams.console import listing, revision
from streams.console.curve import curve, score_at
from streams.console.language import ENGLISH, JAPANESE, Language, preferred
from streams.console.list_page import as_csv, cell
from streams.console.masking import masked_values
from streams.console.model_room import rendered
from streams.console.row import bound, waiting
from streams.console.timeline import timeline
from streams.console.trial import sample
from streams.console.view import TURNING, unturned
from streams.roster import Choice, Order
from streams.scoring.instant import DAY
from streams.scoring.lead import Stage
from streams.scoring.model import Model
from streams.settings import Settings
from tests.console.shelf import FORMULA, HOSTILE, LONG, NOW, SCRIPT, TURNED, Shelf, model, shelf

TEMPLATES = Path(__file__).parents[2] / "streams" / "console" / "templates"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    found = shelf(tmp_path_factory.mktemp("reading"))
    yield found
    found.store.close()


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("stage", [None, Stage.LEAD, Stage.MQL, Stage.SQL, Stage.CUSTOMER])
def test_a_list_is_what_the_whole_table_sorted_gives(filled: Shelf, order: Order, stage: Stage | None) -> None:
    judge, rank = filled.local.terms.model, roster.RANKS[order]
    chosen = [(key, lead) for key, lead in filled.leads() if stage in (None, lead.stage)]
    for at in (NOW, NOW + 3 * DAY, NOW + 20 * DAY, NOW + 60 * DAY):
        ranked = sorted(((rank(lead, judge, at), key) for key, lead in chosen), reverse=True)
        for limit in (1, 7, 100):
            with filled.store.reading() as connection:
                found = listing.chosen(connection, Choice(stage, False, order, limit), judge, at)
            assert [row.lead_key for row in found.rows] == [key for _, key in ranked[:limit]]


def test_no_score_is_ever_above_its_bound(filled: Shelf) -> None:
    judge, rng = filled.local.terms.model, random.Random(5)
    for _, lead in filled.leads():
        most = bound(lead, judge, NOW)
        for _ in range(20):
            assert score_at(lead, judge, NOW + rng.randrange(200 * DAY)) <= most + 1e-9


def test_each_point_of_a_curve_is_what_explain_says(filled: Shelf) -> None:
    judge = filled.local.terms.model
    lead = filled.local.find(filled.plain)
    assert lead is not None
    found = curve(lead, judge, NOW)
    assert (found.mql, found.sql) == (40, 70)
    assert found.first < NOW < found.last
    for point in found.points:
        said = explanation.explain(filled.plain, lead, judge, point.at)
        assert point.score == pytest.approx(said.score, abs=1e-9)


def test_a_timeline_tells_every_move_and_every_point(filled: Shelf) -> None:
    judge = filled.local.terms.model
    lead = filled.local.find(filled.plain)
    assert lead is not None
    told = explanation.explain(filled.plain, lead, judge, NOW)
    entries = timeline(lead, judge, told)
    assert [one.at for one in entries] == sorted((one.at for one in entries), reverse=True)
    assert {step.to_stage for step in told.history} == {one.stage for one in entries if one.channel == "stage"}
    behaviour = {point.event_id for point in told.points if point.event_id and ":" not in point.rule}
    assert behaviour <= {one.event_id for one in entries}
    assert [one.words for one in entries].count("handed_over") == len(told.handoffs)


def test_who_was_handed_over_waits_until_there_was_contact(filled: Shelf) -> None:
    lead = filled.local.find(filled.plain)
    assert lead is not None
    (one,) = waiting(lead)
    assert one.kind == "handoff"
    assert one.deadline > one.at


def test_a_company_counts_its_people(filled: Shelf) -> None:
    with filled.store.reading() as connection:
        found = listing.account(connection, filled.account, NOW)
        assert found is not None
        people = listing.people(connection, filled.account, filled.local.terms.model, NOW, 10)
    assert (found.domain, found.people, found.active_30d, found.open_handoffs) == ("looms.example", 1, 1, 1)
    assert [row.lead_key for row in people] == [filled.plain]


# --- what strangers write


@given(st.text(max_size=40))
def test_no_cell_of_an_export_is_a_formula(text: str) -> None:
    written = cell(text)
    assert not written.lstrip(" \u3000").startswith(("=", "+", "-", "@", "\t", "\r", "|", "%"))
    assert unturned(text) in written


def test_numbers_of_an_export_stay_numbers() -> None:
    assert [cell(-3.5), cell(7), cell(None), cell(["a", "b"])] == ["-3.5", "7", "", "a, b"]


@pytest.mark.parametrize("hostile", [FORMULA, "+1", "-2+3", "@SUM(A1)", "\t=1", "＝1", " =1", "|cmd"])
def test_formulas_of_all_kinds_become_text(hostile: str) -> None:
    (_, row) = csv.reader(io.StringIO(as_csv([{"company": hostile}])))
    assert row[0].startswith("'") or row[0] == "＝1"


@given(st.text(st.sampled_from("aé\u202e\u202c\u2066\u2069\u200f\u061c")))
def test_nothing_turns_the_text_around_it(text: str) -> None:
    assert not TURNING.search(unturned(text))


async def test_a_hostile_lead_is_text_in_every_answer(filled: Shelf) -> None:
    async with TestClient(TestServer(filled.app())) as client:
        for path in ("/", "/leads", f"/leads/{HOSTILE}", "/leads?q=%3DHYPER", "/accounts", "/now/figures"):
            text = await (await client.get(path)).text()
            assert SCRIPT not in text, path
            assert "\u202e" not in text, path
        page = await (await client.get(f"/leads/{HOSTILE}")).text()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert LONG[:3000] in page
        table = await (await client.get("/leads.csv")).text()
        rows = list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))))
        (row,) = (row for row in rows if row["lead_key"] == HOSTILE)
        assert row["company"] == f"'{FORMULA}"
        assert TURNED not in table


def test_html_in_a_models_words_is_text() -> None:
    assert "<script" not in rendered("# A <script>alert(1)</script>\n\n|a|b|\n|-|-:|\n|1|2|\n")
    assert "style=" not in rendered("|a|b|\n|-|-:|\n|1|2|\n")


def test_a_hidden_document_shows_its_fields_and_nothing_in_them() -> None:
    document = {"type": "form_submitted", "email": "ada@looms.example", "employees": 5, "properties": {"x": ["y"]}}
    hidden = masked_values(document)
    assert hidden["type"] == "form_submitted"
    assert "ada" not in str(hidden)
    assert "y" not in str(hidden["properties"]["x"])
    assert hidden.keys() == document.keys()


# --- a model with other numbers


@pytest.mark.parametrize("name", ["b2b", "published"])
def test_a_changed_model_saved_as_a_file_is_the_model_that_was_tried(name: str, tmp_path: Path) -> None:
    judge = model(name)
    wanted = {"stages.sql.enter": 77.0, f"rules.{judge.rules[0].id}": 12.0}
    tried = revision.changed(judge, wanted)
    assert isinstance(tried, revision.Changed)
    for setting in (name, "b2b" if name == "published" else "published"):
        path = tmp_path / f"{setting}.yaml"
        path.write_text(revision.as_file(Settings(model=setting), judge, wanted))
        saved = model_file.load(str(path))
        assert isinstance(saved, Model), saved
        assert saved.hash == tried.load().hash


def test_numbers_that_make_no_model_are_refused_in_words() -> None:
    judge = model()
    assert "overlap" in str(revision.changed(judge, {"stages.sql.enter": 5.0}))
    assert "no number" in str(revision.asked(judge, {"stages.sql.enter": "many"}))
    assert isinstance(revision.asked(judge, {"stages.sql.enter": "nan"}), str)
    assert revision.asked(judge, {"stages.sql.enter": "70", "unknown": "1"}) == {}


def test_a_sample_keeps_people_whole() -> None:
    events = [Event(kin, at, f"{kin}-{at}", 1, at, 0, False, b"") for kin in range(1_000) for at in range(10)]
    whole = Source(events, [], Counter(), 0, 10)
    part, share = sample(whole, 1_000)
    kins = {event.kin for event in part.events}
    assert len(part.events) == 10 * len(kins)
    assert 60 <= len(kins) <= 140
    assert share == pytest.approx(0.1)
    assert sample(whole, 10_000) == (whole, 1.0)


# --- words


def test_every_word_of_the_pages_is_there_in_japanese() -> None:
    used: set[str] = set()
    for path in TEMPLATES.glob("*.html"):
        used |= {found[2] for found in re.finditer(r"""\b_\((["'])(.*?)\1\)""", path.read_text())}
        for heads in re.finditer(r"m\.table\(.*?, \[(.*?)\]", path.read_text()):
            used |= set(re.findall(r'"(.*?)"', heads[1]))
    assert len(used) > 80
    assert used - JAPANESE.keys() - {"English", "id"} == set()
    assert not ENGLISH.keys() - JAPANESE.keys()
    assert set(revision.THRESHOLDS.values()) <= JAPANESE.keys()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ja,en;q=0.8", "ja"),
        ("en-GB,ja;q=0.9", "en"),
        ("de,ja;q=0.5,en;q=0.4", "ja"),
        ("", "en"),
        ("fr;q=x", "en"),
    ],
)
def test_the_language_is_what_the_browser_prefers(header: str, language: str) -> None:
    assert preferred(header) == language


def test_the_model_page_is_rendered_in_both_languages() -> None:
    languages: tuple[Language, ...] = ("en", "ja")
    for language in languages:
        assert "<table>" in rendered(model_page.page(model(), NOW, language))
