"""The report: a small log worked by hand; its page, its tables, its command."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.analysis import parallel
from streams.analysis.page import page
from streams.analysis.parallel import Named
from streams.analysis.report import Journal, Report, as_json, report
from streams.analysis.tables import sections
from streams.analysis.trial import Trial
from streams.scoring.instant import DAY, milliseconds
from streams.scoring.model import Model
from tests.analysis.generated import log
from tests.analysis.test_backtest import event
from tests.analysis.test_trial import read
from tests.cli.conftest import Cli, cli, environment  # noqa: F401
from tests.laboratory import SECRET
from tests.reference.b2b.adapter import b2b

SPAN = 30
TELLS = {"title": "VP Marketing", "company": "Acme", "employees": 500, "country": "JP", "industry": "software"}


def reported(documents: list[dict[str, Any]], model: Model) -> tuple[Report, Trial]:
    source = read(documents)
    (done,) = parallel.run(
        list(source.events), [Named("b2b", "leadstreams")], SECRET, source.end, lambda count: None, 1
    ).trials
    journal = Journal(
        done.told,
        done.answers,
        done.held,
        done.out,
        None,
        {},
        done.refused,
        source.types,
        done.outcomes["duplicate"],
        source.first,
        source.end,
    )
    return report(journal, model, SPAN * DAY), done


HAND = [
    # Ann asks for a demo on Friday 2026-01-02; sales calls and books a meeting, and wins 90 days later.
    event("form_submitted", "ann", 0, **TELLS, form_type="demo", phone="+81 3 1111 1111"),
    event("handoff_accepted", "ann", 3),
    event("contacted", "ann", 3.5),
    event("meeting_booked", "ann", 4),
    event("deal_won", "ann", 90, amount=500_000),
    # Bob asks for contact; sales gives him back.
    event("form_submitted", "bob", 1, **TELLS, form_type="contact", phone="+81 3 1111 1112"),
    event("handoff_rejected", "bob", 5, reason="no_budget"),
    # Cid reads a paper: MQL, never more.
    event("form_submitted", "cid", 2, **TELLS, form_type="whitepaper", offer_id="x"),
    # Dan, whose title nobody knows, asks for a demo: a review that nobody answers.
    event("form_submitted", "dan", 3, form_type="demo", company="Acme", country="JP"),
    # Eve is of a competitor, listed in the model; the last event makes the log long enough.
    event("page_viewed", "fay", 120),
]


def test_a_small_log_worked_by_hand() -> None:
    found, _ = reported(HAND, b2b())
    assert (found.persons, found.handoffs, found.confirmed) == (5, 2, 1)
    assert [(one.week, one.reached["mql"], one.reached["sql"], one.matured) for one in found.cohorts] == [
        ("2025-12-29", 3, 2, True),
        ("2026-01-05", 1, 0, True),
        ("2026-04-27", 0, 0, False),
    ]
    assert found.outcomes == {"won": 1, "rejected": 1}
    assert (found.premature.never_sql, found.premature.rejected, found.premature.unworked) == (2, 1, 0)
    assert found.premature.share[:2] == (3, 4)
    assert found.rejections["reason"] == {"no_budget": 1}
    assert found.rejections["lane"] == {"contact": 1}
    assert [(one.name, one.handoffs, one.meetings[:2]) for one in found.lanes] == [
        ("contact", 1, (0, 1)),
        ("demo", 1, (1, 1)),
    ]
    assert (found.leaks.hands, found.leaks.unanswered, found.leaks.undelivered) == (1, 1, None)
    assert (found.won.deals, found.won.amount, found.won.currency) == (1, 500_000, "JPY")


def test_speed_is_in_the_hours_of_the_queue() -> None:
    """Whatever holidays there are: the calendar's own function is the judge."""
    from streams.follow_up.calendar import hours_between

    model = b2b()
    found, done = reported(HAND, model)
    (speed,) = found.speeds
    assert model.follow_up is not None
    assert model.follow_up.routing is not None
    calendar = model.follow_up.routing.queues[speed.queue].calendar
    arrived = milliseconds(next(one for one in done.told if one.handoff_id is not None).arrived_at)
    contacted = next(answer.at for answer in done.answers if answer.kind == "contacted")
    assert speed.median == round(hours_between(calendar, arrived, contacted), 2)
    assert (speed.handoffs, speed.contacted) == (2, 1)


@pytest.fixture(scope="module")
def drawn() -> tuple[Report, Trial, int]:
    documents = log(1, 500)
    source = read(documents)
    found, done = reported(documents, b2b())
    return found, done, source.end


def test_competitors_and_our_own_are_in_no_figure(drawn: tuple[Report, Trial, int]) -> None:
    found, done, _ = drawn
    assert found.out == len(done.out) > 0
    assert found.persons == len({one.lead_key for one in done.told if one.to_stage != "visitor"} - done.out)


def test_every_figure_of_the_terminal_is_on_the_page_which_needs_no_network(
    drawn: tuple[Report, Trial, int],
) -> None:
    found, _, _ = drawn
    html = page(found)
    for section in sections(found):
        assert f"<h2>{section.title}</h2>" in html
        for grid in section.grids:
            for row in grid.rows:
                assert all(f"<td>{cell}</td>" in html for cell in row if "&" not in cell)
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    assert html.count("<svg") >= 5


def test_an_empty_log_makes_a_page_too() -> None:
    found, _ = reported([event("page_viewed", "x", 0)], b2b())
    assert "nothing yet" in page(found)
    assert as_json(found)["persons"] == 1


def test_the_command_writes_page_and_json(cli: Cli, tmp_path: Path) -> None:  # noqa: F811
    path, html = tmp_path / "events.jsonl", tmp_path / "report.html"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, HAND)))
    called = cli("report", "--file", str(path), "--model", "b2b", "--html", str(html), "--json")
    assert called.code == 0, called.err
    assert called.json()["premature"]["share"]["good"] == 3
    assert html.read_text().startswith("<!doctype html>")
    assert "Promoted too early" in cli("report", "--file", str(path), "--model", "b2b").out
