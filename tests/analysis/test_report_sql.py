# ruff: noqa: E501  queries are easier to read in long lines
"""Every number of the report against slow SQL over the same log: what was told, what sales answered, what came in.

The queries are written from docs/analysis.md and share no code with the report; only the standing of the leads at the
end (who is held, and by what) is the core's own.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from streams import model_file
from streams.analysis import journal as journals
from streams.analysis.interval import Share
from streams.analysis.parallel import Named
from streams.analysis.report import Report, report
from streams.enrichment.channel import load_channels
from streams.identity.keys import Kind, lead_key
from streams.scoring.instant import DAY, milliseconds
from tests.analysis.generated import log
from tests.laboratory import SECRET
from tests.reference.b2b.adapter import b2b

SPAN = 30 * DAY
LISTS = model_file.SHIPPED / "lists"
URL = "https://www.example.com/product"

TABLES = """
create macro ms(t) as epoch_ms(t::timestamptz);
create table told as select *, ms(occurred_at) ts, ms(arrived_at) arrived, ms(sales->>'respond_by') due,
  sales->>'request_type' request, sales->>'owner_queue' queue, sales->>'segment' segment, sales->>'account_key' account_key,
  sales->>'fit_unknown' fit_unknown, lead->>'referral_channel' channel
  from read_json('{folder}/told.jsonl', format = 'newline_delimited', columns = {columns}) where lead_key not in (select key from read_json('{folder}/out.jsonl', format = 'newline_delimited', columns = {{key: 'text'}}));
create table beside as select *, ms(occurred_at) ts from read_json('{folder}/beside.jsonl', format = 'newline_delimited', columns = {columns})
  where lead_key not in (select key from read_json('{folder}/out.jsonl', format = 'newline_delimited', columns = {{key: 'text'}}));
create table event as select distinct on (event_id) *, ms(occurred_at) ts from read_json('{folder}/events.jsonl', format = 'newline_delimited',
  columns = {{event_id: 'text', type: 'text', occurred_at: 'text', email: 'text', reason: 'text', amount: 'text', currency: 'text', utm_source: 'text', utm_medium: 'text'}});
create table person as from read_json('{folder}/person.jsonl', format = 'newline_delimited', columns = {{email: 'text', person: 'text'}});
create table medium as from read_json('{folder}/medium.jsonl', format = 'newline_delimited', columns = {{source: 'text', medium: 'text', channel: 'text'}});
create table held as from read_json('{folder}/held.jsonl', format = 'newline_delimited', columns = {{person: 'text', score: 'double', code: 'text'}});
create table delivered as from read_json('{folder}/delivered.jsonl', format = 'newline_delimited', columns = {{id: 'text'}});
create table rate as from read_csv('{lists}/usd_rates.csv', auto_detect = false, delim = ',', skip = 1, columns = {{currency: 'text', usd: 'double', day: 'text'}});
create table holiday as from read_csv('{lists}/holidays_jp.csv', auto_detect = false, delim = ',', skip = 3, columns = {{day: 'date', name: 'text'}});

create view moved as select lead_key person, ts, id, from_stage, to_stage, cause, cause_type from told where type = 'stage_changed';
create view handed as select *, lead(ts) over (partition by lead_key order by ts) following from told where handoff_id is not null;
create view everything_said as select p.person, e.ts, e.event_id id, e.type kind, e.reason, e.amount, e.currency from event e join person p using (email)
  where kind in ('handoff_accepted', 'handoff_rejected', 'contacted', 'meeting_booked', 'opportunity_created', 'deal_won', 'deal_lost', 'lead_disqualified');
create view said as select s.* from everything_said s join (select lead_key, min(ts) ts from handed group by 1) h on h.lead_key = s.person and s.ts >= h.ts;

create view step as
  select person, ts, case to_stage when 'lead' then 1 when 'mql' then 2 when 'sql' then 3 when 'accepted' then 4
    when 'opportunity' then 6 when 'customer' then 7 end step from moved
  union all
  select person, ts, case kind when 'handoff_accepted' then 4 when 'contacted' then 4 when 'meeting_booked' then 5
    when 'opportunity_created' then 6 when 'deal_won' then 7 end from said;
create view way as select person, n step, min(ts) ts from step, (select unnest(range(1, 8)) n) where step >= n group by 1, 2;
create view entered as select person, ts from way where step = 1;

create table episode as
  with numbered as (select *, coalesce(sum((kind in ('handoff_rejected', 'deal_lost', 'lead_disqualified', 'deal_won'))::int)
    over (partition by person order by ts, id rows between unbounded preceding and 1 preceding), 0) episode from said)
  select person, episode, min(ts) first, max(ts) filter (kind in ('handoff_rejected', 'deal_lost', 'lead_disqualified', 'deal_won')) last,
    max(case kind when 'handoff_accepted' then 1 when 'contacted' then 1 when 'meeting_booked' then 2 when 'opportunity_created' then 3 when 'deal_won' then 4 else 0 end) level,
    max(coalesce(reason, kind)) filter (kind in ('handoff_rejected', 'deal_lost', 'lead_disqualified')) why,
    min(ts) filter (kind in ('contacted', 'meeting_booked', 'opportunity_created', 'deal_won')) contact
  from numbered group by 1, 2;
create table judged as
  select h.*, e.level, e.last is not null ended, e.why, e.contact, e.person is not null answered,
    case when e.person is not null then case e.level when 0 then 'rejected' when 1 then 'accepted' when 2 then 'meeting' when 3 then 'opportunity' else 'won' end
      when h.ts + 14 * {day} <= {end} then 'unanswered' else 'unknown' end word
  from handed h left join lateral (select * from episode e where e.person = h.lead_key and (h.following is null or e.first < h.following)
    and (e.last is null or e.last >= h.ts) and e.first <= h.ts + 90 * {day} order by e.first limit 1) e on true;
create view line as select t.id, t.ts, t.cause, l."rule" as rule, l.event_id, l."value" as value, ms(l."at") dated from (select *, unnest(contributions) l from told) t;
create table business as
  select epoch_ms(day::timestamp + interval 0 hour) opens, epoch_ms(day::timestamp + interval 9 hour) closes
  from (select unnest(range(date '2025-12-01', date '2027-01-31', interval 1 day))::date as day)
  where isodow(day) < 6 and day not in (select day from holiday);
"""
COLUMNS = """{id: 'text', type: 'text', lead_key: 'text', occurred_at: 'text', arrived_at: 'text', from_stage: 'text', to_stage: 'text',
  cause: 'text', cause_type: 'text', score: 'double', model_id: 'text', model_name: 'text', model_version: 'text', handoff_id: 'text',
  contributions: 'struct("rule" text, points double, "value" double, event_id text, "at" text)[]', lead: 'json', sales: 'json'}"""
NAMES = ("lead", "mql", "sql", "accepted", "meeting", "opportunity", "customer")


class Drawn:
    """A year of a made-up log: its report, and its tables."""

    def __init__(self, folder: Path) -> None:
        documents = log(1, 500)
        path = folder / "events.jsonl"
        path.write_bytes(b"\n".join([*map(msgspec.json.encode, documents), b'{"type": "page_viewed"}', b"{"]))
        channels = load_channels()
        assert not isinstance(channels, str)
        models = [Named("b2b", "leadstreams"), Named("published", "leadstreams")]
        found = journals.of_file(path, models, SECRET, channels.of, lambda what, total: None, lambda count: None)
        handed = sorted({one.handoff_id for one in found.told if one.handoff_id is not None})
        self.journal = found._replace(delivered=frozenset(handed[3:]))
        self.report: Report = report(self.journal, b2b(), SPAN)
        self.end = max(milliseconds(document["occurred_at"]) for document in documents)
        self.documents = documents
        path.write_bytes(b"\n".join(map(msgspec.json.encode, documents)))
        self._write(folder, channels.of)
        self._db = duckdb.connect()
        self._db.execute("set timezone = 'UTC'")
        words = {"folder": folder, "lists": LISTS, "columns": COLUMNS, "day": f"{DAY}::bigint", "end": self.end}
        self._db.execute(TABLES.format(**words))

    def _write(self, folder: Path, channel_of: Callable[[dict[str, Any]], str | None]) -> None:
        for name, told in (("told", self.journal.told), ("beside", self.journal.shadow or [])):
            (folder / f"{name}.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, told)))
        emails = {document["email"] for document in self.documents}
        utm = {(d.get("utm_source", ""), d.get("utm_medium", "")) for d in self.documents}
        tables = {
            "person": [{"email": email, "person": lead_key(Kind.EMAIL, email, SECRET)} for email in emails],
            "medium": [
                {"source": s, "medium": m, "channel": channel_of({"utm_source": s, "utm_medium": m, "url": URL})}
                for s, m in utm
            ],
            "held": [
                {"person": one.person, "score": one.score, "code": code}
                for one in self.journal.held
                for code in one.codes
            ],
            "out": [{"key": key} for key in self.journal.out],
            "delivered": [{"id": name} for name in self.journal.delivered or ()],
        }
        for name, rows in tables.items():
            (folder / f"{name}.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))

    def sql(self, query: str, **words: Any) -> list[tuple[Any, ...]]:
        return self._db.execute(query.format(span=SPAN, end=self.end, day=f"{DAY}::bigint", **words)).fetchall()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return Drawn(tmp_path_factory.mktemp("drawn"))


def plain(found: Share) -> tuple[int, int]:
    return found.good, found.of


def test_who_is_in_it(drawn: Drawn) -> None:
    found = drawn.report
    assert drawn.sql("select count(*) from entered") == [(found.persons,)]
    assert found.persons > 400
    out = drawn.sql("select count(distinct email) from event where email like '%competitor.example'")
    assert out == [(found.out,)]
    assert found.out > 0
    assert drawn.sql("select count(*) from handed") == [(found.handoffs,)]
    assert drawn.sql("select count(*) from way where step = 5") == [(found.confirmed,)]
    assert (found.first, found.end, found.span) == (*drawn.sql("select min(ts), max(ts) from event")[0], SPAN)
    assert found.model == "b2b 1"


def test_cohorts_and_conversion(drawn: Drawn) -> None:
    found = drawn.report
    weeks = drawn.sql("""
        select strftime(date_trunc('week', make_timestamp(e.ts * 1000) + interval 9 hour), '%Y-%m-%d') as monday, w.step, count(*)
        from entered e join way w on w.person = e.person and w.ts < e.ts + {span} group by 1, 2""")  # fmt: skip
    wanted = {(week, NAMES[step - 1]): number for week, step, number in weeks}
    assert {(c.week, step): n for c in found.cohorts for step, n in c.reached.items() if n} == wanted
    matured = drawn.sql("""
        select strftime(date_trunc('week', make_timestamp(ts * 1000) + interval 9 hour), '%Y-%m-%d'), max(ts) + {span} <= {end}
        from entered group by 1 order by 1""")  # fmt: skip
    assert [(c.week, c.matured) for c in found.cohorts] == matured
    went = drawn.sql("""
        select a.step, count(b.person), count(*) from way a left join way b
          on b.person = a.person and b.step = a.step + 1 and b.ts < a.ts + {span}
        where a.ts + {span} <= {end} and a.step < 7 group by 1 order by 1""")  # fmt: skip
    assert [(c.step, c.to, *plain(c.share)) for c in found.conversions] == [
        (NAMES[step - 1], NAMES[step], good, of) for step, good, of in went
    ]


FATES = """with ripe as (select person, ts from way where step = 2 and ts + {span} <= {end}),
    fates as (select r.person, case
        when not exists (select 1 from way w where w.person = r.person and w.step = 3 and w.ts < r.ts + {span}) then 'never_sql'
        when exists (select 1 from way w where w.person = r.person and w.step = 5) then 'good'
        when exists (select 1 from moved m where m.person = r.person and to_stage = 'recycled' and cause_type = 'tick') then 'unworked'
        when exists (select 1 from said s where s.person = r.person and kind in ('handoff_rejected', 'lead_disqualified')) then 'rejected'
        else 'good' end fate from ripe r)"""


def test_what_was_promoted_too_early(drawn: Drawn) -> None:
    one = drawn.report.premature
    counts = dict(drawn.sql(f"{FATES} select fate, count(*) from fates group by 1"))
    assert (one.never_sql, one.rejected, one.unworked) == tuple(
        counts.get(fate, 0) for fate in ("never_sql", "rejected", "unworked")
    )
    assert plain(one.share) == (sum(counts.values()) - counts["good"], sum(counts.values()))
    assert one.share.of > 100
    rules = drawn.sql(f"""{FATES},
        firsts as (select person, arg_min(id, ts) id, arg_min(cause_type, ts) cause_type from moved where to_stage = 'mql' group by 1),
        causes as (select distinct f.person, l.rule from firsts f join line l on l.id = f.id and l.event_id = l.cause and not starts_with(l.rule, 'fit:')),
        named as (select person, rule from causes union all select person, cause_type from firsts where person not in (select person from causes))
        select rule, count(*) filter (fate <> 'good'), count(*) from named join fates using (person) group by 1 order by 1""")  # fmt: skip
    assert [(rule, *plain(early)) for rule, early in one.rules.items()] == rules


def test_outcomes_speed_and_what_was_given_back(drawn: Drawn) -> None:
    found = drawn.report
    assert found.outcomes == dict(drawn.sql("select word, count(*) from judged group by 1"))
    speeds = drawn.sql("""
        with worked as (select queue, arrived, contact, due, ended, answered, word, (select coalesce(sum(greatest(0, least(closes, contact) - greatest(opens, arrived))), 0)
            from business where closes > arrived and opens < contact) / 3600000 as took from judged),
        ranked as (select queue, took, row_number() over (partition by queue order by took) place, count(*) over (partition by queue) of
            from worked where contact is not null),
        middle as (select queue, round(avg(took) filter (place in (floor((of + 1) / 2), ceil((of + 1) / 2))), 2) med,
            round(max(took) filter (place = ceil(0.9 * of)), 2) p90 from ranked group by 1)
        select w.queue, count(*), count(contact), any_value(med), any_value(p90),
          count(*) filter (due is not null and contact <= due),
          count(*) filter (due is not null and (contact is not null or ended or word = 'unanswered'))
        from worked w left join middle m on m.queue = w.queue group by 1 order by 1""")  # fmt: skip
    assert [(s.queue, s.handoffs, s.contacted, s.median, s.p90, *plain(s.in_time)) for s in found.speeds] == [
        (*row[:3], pytest.approx(row[3], abs=0.011), pytest.approx(row[4], abs=0.011), *row[5:]) for row in speeds
    ]
    assert sum(s.contacted for s in found.speeds) > 20
    names = {
        "reason": "why",
        "lane": "coalesce(request, 'score')",
        "channel": "coalesce(channel, '-')",
        "segment": "coalesce(segment, '-')",
    }
    for name, column in names.items():
        rows = drawn.sql(
            "select {column}, count(*) from judged where ended and why is not null group by 1", column=column
        )
        assert found.rejections[name] == dict(rows) != {}


def test_lanes_and_rules_and_their_meetings(drawn: Drawn) -> None:
    found = drawn.report
    known = "count(*) filter (level >= 2), count(*) filter (level >= 2 or ended or word = 'unanswered')"
    lanes = drawn.sql(
        "select coalesce(request, 'score'), count(*), {known} from judged group by 1 order by 1", known=known
    )
    assert [(one.name, one.handoffs, *plain(one.meetings)) for one in found.lanes] == lanes
    rules = drawn.sql("""
        with counted as (select distinct j.id, rule from judged j join line l on l.id = j.id and l.value > 0)
        select rule, count(*), {known} from counted join judged using (id) group by 1 order by 1""", known=known)  # fmt: skip
    assert [(one.name, one.handoffs, *plain(one.meetings)) for one in found.rules] == rules
    assert {rule for rule, *_ in rules if not rule.startswith("fit:")} <= found.rule_words.keys()
    assert found.rule_words["C1"] == "took a whitepaper or a case study"


def test_won_deals_and_their_touches(drawn: Drawn) -> None:
    won = drawn.report.won
    deals = """with deal as (select s.*, p.email, case
            when regexp_full_match(amount, '[0-9.]+') then amount::double
            when amount like 'USD %' then replace(amount[5:], ',', '')::double * (select usd from rate where currency = 'USD') / (select usd from rate where currency = 'JPY')
            end yen
          from everything_said s join person p using (person) where kind = 'deal_won'
            and p.email not like '%competitor.example'),
        seen as (select e.email, e.ts, e.event_id, m.channel from event e join medium m on m.source = coalesce(e.utm_source, '') and m.medium = coalesce(e.utm_medium, '')
          where e.type = 'page_viewed' and m.channel is not null),
        touched as (select d.id, d.yen, coalesce(arg_min(s.channel, (s.ts, s.channel)), 'unknown') first, coalesce(arg_max(s.channel, (s.ts, s.channel)), 'unknown') last
          from deal d left join seen s on s.email = d.email and s.ts <= d.ts group by 1, 2)"""
    assert drawn.sql(
        f"{deals} select count(*), round(sum(yen), 2), count(*) filter (yen is null) from touched"
    ) == [(won.deals, pytest.approx(won.amount), won.unpriced)]
    assert won.unpriced > 0
    for touch, amounts in (("first", won.first), ("last", won.last)):
        rows = drawn.sql(
            f"{deals} select {touch}, round(sum(yen), 2) from touched where yen is not null group by 1"
        )
        assert {name: pytest.approx(amount) for name, amount in rows} == amounts
        assert len(amounts) > 2
    assert won.currency == "JPY"


def test_leaks(drawn: Drawn) -> None:
    leaks = drawn.report.leaks
    high = "score >= 70 and person in (select person from entered)"
    assert drawn.sql("select count(distinct person) from held where {high}", high=high) == [(leaks.high,)]
    assert leaks.held == dict(drawn.sql("select code, count(*) from held where {high} group by 1", high=high))
    hands = drawn.sql(
        "select count(*) from told where type = 'review_requested' and lead_key in (select person from entered)"
    )
    assert hands == [(leaks.hands,)]
    unanswered = drawn.sql("""select count(*) from told r where type = 'review_requested' and due <= {end}
        and not exists (select 1 from everything_said s where s.person = r.lead_key and s.ts >= r.ts)
        and not exists (select 1 from moved m where m.person = r.lead_key and m.to_stage in ('sql', 'disqualified') and m.ts >= r.ts)""")  # fmt: skip
    assert unanswered == [(leaks.unanswered,)]
    assert leaks.hands > leaks.unanswered > 0
    assert drawn.sql("select count(*) from handed where handoff_id not in (select id from delivered)") == [
        (leaks.undelivered,)
    ]
    assert leaks.undelivered in (2, 3)  # one of the three may be a competitor's


def test_accounts_quality_and_models(drawn: Drawn) -> None:
    found = drawn.report
    accounts = drawn.sql("""
        select account_key, count(distinct lead_key) people, count(*) filter (handoff_id is not null) from told
        where account_key is not null and ts > {end} - 30 * {day} and lead_key in (select person from entered)
        group by 1 having people > 1 order by people desc, 1 limit 20""")  # fmt: skip
    assert [tuple(account) for account in found.accounts] == accounts != []
    unknown = drawn.sql(
        "select word, count(*) from (select unnest(string_split(fit_unknown, ', ')) word from handed) where word <> '' group by 1"
    )
    assert found.quality.fit_unknown == dict(unknown) != {}
    assert found.quality.judged == found.handoffs
    assert sum(found.quality.refused.values()) == 2
    lines = len(drawn.documents)
    assert found.quality.events == lines
    assert drawn.sql("select {lines} - count(*) from event", lines=lines) == [(found.quality.duplicates,)]
    changes = drawn.sql("""
        select strftime(date_trunc('week', make_timestamp(min(ts) * 1000) + interval 9 hour), '%Y-%m-%d'), model_name, model_version, model_id
        from told group by 2, 3, 4 order by min(ts)""")  # fmt: skip
    assert [tuple(change) for change in found.changes] == changes


SHIFT = """with part as (select *, case when ts > {end} - 7 * {day} then 'now' when ts > {end} - 35 * {day} then 'before' end part
      from told where type = 'stage_changed' and ts <= {end} and lead_key in (select person from entered)),
    seen as (select part, {name} as name, id from {source} where part is not null)
    select name, count(distinct id) filter (part = 'now'), (select count(*) from part where part = 'now'),
      count(distinct id) filter (part = 'before'), (select count(*) from part where part = 'before') from seen group by 1"""


def test_drift(drawn: Drawn) -> None:
    drift = drawn.report.drift
    for shifts, name, source in (
        (drift.scores, "(least(greatest(floor(score / 20), 0), 5) * 20)::int::text", "part"),
        (drift.stages, "to_stage", "part"),
    ):
        rows = drawn.sql(SHIFT.replace("{name}", name).replace("{source}", source))
        assert {(s.name, *plain(s.now), *plain(s.before)) for s in shifts} == {*rows} != set()
    anew = "(select p.*, l.rule from part p join line l using (id) where l.event_id is not null and l.value > 0 and l.dated > p.ts - {day} and not starts_with(l.rule, 'fit:'))"
    rows = drawn.sql(SHIFT.replace("{name}", "rule").replace("{source}", anew))
    assert {(s.name, *plain(s.now), *plain(s.before)) for s in drift.rules if s.now.good or s.before.good} == {
        *rows
    }
    assert {s.name for s in drift.rules} == {rule.id for rule in b2b().rules}
    distances = drawn.sql("""
        with part as (select *, ts > {end} - 7 * {day} as now from told where type = 'stage_changed' and ts > {end} - 35 * {day} and lead_key in (select person from entered)),
        share as (select to_stage, count(*) filter (now) / (select count(*) from part where now) a, count(*) filter (not now) / (select count(*) from part where not now) b from part group by 1)
        select sum(abs(a - b)) / 2, (select count(*) from part where now) from share""")  # fmt: skip
    (distance, of) = distances[0]
    assert drift.stage_distance == (pytest.approx(distance) if of >= 100 else None)


def test_the_shadow_beside_the_live_model(drawn: Drawn) -> None:
    beside = drawn.report.shadow
    assert beside is not None
    assert beside.model == "published 1"
    for stage, pair in beside.reached.items():
        count = "select count(distinct lead_key) from {table} where type = 'stage_changed' and to_stage = '{stage}' and ts >= (select min(ts) from beside)"
        assert [drawn.sql(count, table=table, stage=stage)[0][0] for table in ("told", "beside")] == [*pair]
    rows = drawn.sql("""
        with spoken as (select 'live' model, lead_key, ts, id, type, to_stage, cause_type, handoff_id from told where ts >= (select min(ts) from beside)
          union all select 'shadow', lead_key, ts, id, type, to_stage, cause_type, handoff_id from beside),
        handed as (select model, lead_key, ts, (select arg_max(cause_type, ts) from spoken b where b.model = h.model and b.lead_key = h.lead_key and b.ts <= h.ts
          and b.type = 'stage_changed' and b.to_stage = 'recycled' and not exists (select 1 from spoken c where c.model = h.model and c.lead_key = h.lead_key and c.handoff_id is not null and c.ts > b.ts and c.ts < h.ts)) before
          from spoken h where handoff_id is not null),
        real as (select *, row_number() over (partition by model, lead_key order by ts) turn from handed where before is distinct from 'tick'),
        pairs as (select a.ts a, b.ts b from (from real where model = 'live') a full join (from real where model = 'shadow') b using (lead_key, turn))
        select case when a is null then 'gained' when b is null then 'lost' when a = b then 'same' else 'moved' end, count(*) from pairs group by 1""")  # fmt: skip
    assert {kind: number for kind, number in beside.counts.items() if number} == dict(rows)
    assert beside.counts["gained"] + beside.counts["lost"] > 20


def test_intervals_are_wilsons(drawn: Drawn) -> None:
    shares = [c.share for c in drawn.report.conversions if c.share.share is not None]
    assert len(shares) > 3
    for one in shares:
        ((low, high),) = drawn.sql("""
            select (p + z * z / (2 * n) - z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n),
              (p + z * z / (2 * n) + z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)
            from (select {good} / {of} p, {of} n, 1.959963984540054 z)""", good=one.good, of=one.of)  # fmt: skip
        assert one.low == pytest.approx(low)
        assert one.high == pytest.approx(high)
        assert one.share == one.good / one.of


def test_every_field_of_the_report_is_asked_about_here() -> None:
    text = Path(__file__).read_text()
    asked = {field for field in Report._fields if f"found.{field}" in text or f"report.{field}" in text}
    assert asked == {*Report._fields}
