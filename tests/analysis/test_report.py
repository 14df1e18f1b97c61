# ruff: noqa: E501  queries are easier to read in long lines
"""The report: a small log worked by hand, and a random one against slow SQL over the same transitions and answers."""

import csv
from pathlib import Path
from typing import Any

import duckdb
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
    """START is 2026-01-02, a Friday and a holiday of the calendar or not: the calendar's own function is the judge."""
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


COLUMNS = {
    "told": "person text, ts bigint, kind text, to_stage text, cause text, cause_type text, handoff text, "
    "request text, criteria text, respond_by bigint, id text",
    "said": "person text, ts bigint, id text, kind text, reason text",
    "line": "id text, rule text, event text, value double",
}


def tables(done: Trial, directory: Path) -> duckdb.DuckDBPyConnection:
    """The log as SQL sees it: what was told, what was answered, what counted."""
    told: list[list[Any]] = []
    lines: list[list[Any]] = []
    for one in done.told:
        if one.lead_key not in done.out:
            due = one.sales.get("respond_by")
            told.append([
                one.lead_key, milliseconds(one.occurred_at), one.type, one.to_stage, one.cause, one.cause_type,
                one.handoff_id, one.sales.get("request_type"), one.sales.get("criteria"),
                None if due is None else milliseconds(str(due)), one.id,
            ])  # fmt: skip
            lines += [[one.id, line.rule, line.event_id, line.value] for line in one.contributions]
    said = [[answer.person, answer.at, answer.event_id, answer.kind, answer.reason] for answer in done.answers]
    db = duckdb.connect()
    for name, rows in (("told", told), ("said", said), ("line", lines)):
        path = directory / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        db.execute(f"create table {name} ({COLUMNS[name]})")
        db.execute(f"copy {name} from '{path}' (header false)")
    return db


STEPS = """
with handed as (select person, min(ts) ts from told where handoff is not null group by 1),
moved as (
  select person, ts, case to_stage when 'lead' then 1 when 'mql' then 2 when 'sql' then 3 when 'accepted' then 4
    when 'opportunity' then 6 when 'customer' then 7 end step from told where kind = 'stage_changed'
  union all
  select s.person, s.ts, case kind when 'handoff_accepted' then 4 when 'contacted' then 4 when 'meeting_booked' then 5
    when 'opportunity_created' then 6 when 'deal_won' then 7 end from said s join handed h
    on h.person = s.person and s.ts >= h.ts),
ways as (
  select person, n step, min(ts) ts from moved, (select unnest(range(1, 8)) n) where step >= n group by 1, 2),
entered as (select person, ts from ways where step = 1)
"""
NAMES = ("lead", "mql", "sql", "accepted", "meeting", "opportunity", "customer")


def test_cohorts_and_conversion_are_what_sql_counts(drawn: tuple[Report, Trial, int], tmp_path: Path) -> None:
    found, done, end = drawn
    db = tables(done, tmp_path)
    weeks = db.execute(f"""{STEPS}
        select strftime(date_trunc('week', make_timestamp(e.ts * 1000) + interval 9 hour), '%Y-%m-%d') as monday, w.step,
          count(*) from entered e join ways w on w.person = e.person and w.ts < e.ts + {SPAN * DAY}
        group by 1, 2""").fetchall()  # fmt: skip
    wanted = {(week, NAMES[step - 1]): number for week, step, number in weeks}
    got = {(one.week, step): number for one in found.cohorts for step, number in one.reached.items() if number}
    assert got == wanted
    assert sum(one.reached["lead"] for one in found.cohorts) == found.persons > 400
    went = db.execute(f"""{STEPS}
        select a.step, count(*), count(b.person) from ways a left join ways b
          on b.person = a.person and b.step = a.step + 1 and b.ts < a.ts + {SPAN * DAY}
        where a.ts + {SPAN * DAY} <= {end} and a.step < 7 group by 1 order by 1""").fetchall()  # fmt: skip
    assert [(one.share.of, one.share.good) for one in found.conversions] == [(of, good) for _, of, good in went]
    confirmed = db.execute(f"{STEPS} select count(*) from ways where step = 5").fetchall()
    assert confirmed == [(found.confirmed,)]


def test_what_was_promoted_too_early_is_what_sql_counts(drawn: tuple[Report, Trial, int], tmp_path: Path) -> None:
    found, done, end = drawn
    db = tables(done, tmp_path)
    fates = f"""{STEPS},
    ripe as (select person, ts from ways where step = 2 and ts + {SPAN * DAY} <= {end}),
    fates as (
      select r.person, case
        when not exists (select 1 from ways w where w.person = r.person and w.step = 3 and w.ts < r.ts + {SPAN * DAY})
          then 'never_sql'
        when exists (select 1 from ways w where w.person = r.person and w.step = 5) then 'good'
        when exists (select 1 from told t where t.person = r.person and to_stage = 'recycled' and cause_type = 'tick')
          then 'unworked'
        when exists (select 1 from said s join handed h on h.person = s.person and s.ts >= h.ts
          where s.person = r.person and kind in ('handoff_rejected', 'lead_disqualified')) then 'rejected'
        else 'good' end fate from ripe r)"""  # fmt: skip
    counts = dict(db.execute(f"{fates} select fate, count(*) from fates group by 1").fetchall())
    one = found.premature
    assert {"never_sql": one.never_sql, "rejected": one.rejected, "unworked": one.unworked} == {
        fate: counts.get(fate, 0) for fate in ("never_sql", "rejected", "unworked")
    }
    assert one.share.of == sum(counts.values()) > 100
    rules = db.execute(f"""{fates},
        firsts as (select person, arg_min(id, ts) id from told where kind = 'stage_changed' and to_stage = 'mql' group by 1),
        causes as (select distinct f.person, l.rule from firsts f join told t on t.id = f.id and t.person = f.person
          join line l on l.id = t.id and l.event = t.cause and not starts_with(l.rule, 'fit:'))
        select rule, count(*), count(*) filter (fate <> 'good') from causes join fates using (person) group by 1
        """).fetchall()  # fmt: skip
    wanted = {rule: (early, of) for rule, of, early in rules}
    assert {rule: share[:2] for rule, share in one.rules.items() if rule in wanted} == wanted


def test_hands_handoffs_and_rules_are_what_sql_counts(drawn: tuple[Report, Trial, int], tmp_path: Path) -> None:
    found, done, end = drawn
    db = tables(done, tmp_path)
    assert db.execute("select count(*) from told where handoff is not null").fetchall() == [(found.handoffs,)]
    lanes = db.execute("""select coalesce(request, 'score'), count(*) from told where handoff is not null
        group by 1 order by 1""").fetchall()  # fmt: skip
    assert [(one.name, one.handoffs) for one in found.lanes] == lanes
    rules = db.execute("""select rule, count(distinct t.handoff) from told t join line l on l.id = t.id and l.value > 0
        where t.handoff is not null group by 1 order by 1""").fetchall()  # fmt: skip
    assert [(one.name, one.handoffs) for one in found.rules] == rules
    unanswered = db.execute(f"""select count(*) from told r where kind = 'review_requested' and respond_by <= {end}
        and not exists (select 1 from said s where s.person = r.person and s.ts >= r.ts)
        and not exists (select 1 from told t where t.person = r.person and t.kind = 'stage_changed'
          and t.to_stage in ('sql', 'disqualified') and t.ts >= r.ts)""").fetchall()  # fmt: skip
    assert unanswered == [(found.leaks.unanswered,)]
    assert found.leaks.hands > found.leaks.unanswered > 0


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
