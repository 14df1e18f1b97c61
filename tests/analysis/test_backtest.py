"""Two models over the same events: a small file worked by hand, and all cores against one."""

import os
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import yaml

from streams import model_file
from streams.analysis import parallel
from streams.analysis.comparison import compare
from streams.analysis.parallel import Named
from streams.scoring.instant import DAY, rfc3339
from tests.analysis.test_trial import handed, read, several
from tests.cli.conftest import Cli, cli, environment  # noqa: F401
from tests.laboratory import SECRET
from tests.reference.events import at

START = at(day=1)
ZONE = "Asia/Tokyo"


def event(kind: str, person: str, day: float, **fields: Any) -> dict[str, Any]:
    when = rfc3339(START + int(day * DAY))
    who = {"email": f"{person}@acme.example", "source_kind": "server"}
    return {"event_id": f"{person}-{kind}-{day}", "type": kind, "occurred_at": when, **who, **fields}


PAPER = {"offer_type": "whitepaper", "offer_id": "x"}
LOG = [
    # Ann: a paper (20) and a call (30): SQL under both, and won.
    event("content_downloaded", "ann", 0, **PAPER),
    event("sales_contacted", "ann", 1),
    event("handoff_accepted", "ann", 2),
    event("deal_won", "ann", 20),
    # Bob: a paper and two opens: 30; SQL from 30 only.
    event("content_downloaded", "bob", 0, **PAPER),
    event("email_opened", "bob", 3),
    event("email_opened", "bob", 4),
    # Cid: a paper, an open at day 2, another at day 3, a call at day 9: SQL at day 3 from 30, at day 9 from 40.
    event("content_downloaded", "cid", 0, **PAPER),
    event("email_opened", "cid", 2),
    event("email_opened", "cid", 3),
    event("sales_contacted", "cid", 9),
    event("handoff_rejected", "cid", 10, reason="timing"),
    # Dan: a call alone: 30.
    event("sales_contacted", "dan", 5),
    event("page_viewed", "eve", 60),
]


def models(tmp_path: Path) -> tuple[str, str]:
    """The published model, and the same with SQL from 30."""
    tree = yaml.safe_load((model_file.SHIPPED / "published.yaml").read_text())
    tree["stages"]["sql"]["enter"] = 30
    lower = tmp_path / "lower.yaml"
    lower.write_text(yaml.safe_dump(tree))
    return "published", str(lower)


def test_a_backtest_worked_by_hand(tmp_path: Path) -> None:
    source = read(LOG)
    names = [Named(name, "leadstreams") for name in models(tmp_path)]
    done = parallel.run(source.events, names, SECRET, source.end, lambda count: None)
    a, b = done.trials
    found = compare(a.told, b.told, a.answers, None, ZONE, source.end)
    assert found.counts == {"same": 1, "moved": 1, "gained": 2, "lost": 0}
    moved = next(change for change in found.changes if change.kind == "moved")
    assert (moved.days, moved.outcome.word, moved.outcome.why) == (-6.0, "rejected", "timing")
    gained = [change for change in found.changes if change.kind == "gained"]
    assert [change.outcome.word for change in gained] == ["unknown", "unknown"]
    assert [(p.level, p.a[:2], p.b[:2]) for p in found.precision] == [
        ("accepted", (1, 2), (1, 2)),
        ("meeting", (1, 2), (1, 2)),
        ("opportunity", (1, 2), (1, 2)),
        ("won", (1, 2), (1, 2)),
    ]
    assert found.unknown == (0, 2)
    assert sum(a for a, _ in found.volume.values()) == 2
    assert sum(b for _, b in found.volume.values()) == 4


def test_the_command_says_the_same_on_a_file(cli: Cli, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, LOG)) + b"\n{\n")
    called = cli("backtest", *models(tmp_path), "--file", str(path), "--json")
    assert called.code == 0, called.err
    answer = called.json()
    assert answer["counts"] == {"same": 1, "moved": 1, "gained": 2, "lost": 0}
    assert [mistake["line"] for mistake in answer["mistakes"]] == [len(LOG) + 1]
    shown = cli("backtest", *models(tmp_path), "--file", str(path))
    assert "2 gained, 0 lost" in shown.out
    assert "-6.0 d" in shown.out
    same = cli("backtest", "published", "published", "--file", str(path), "--json").json()
    assert same["counts"] == {"same": 2, "moved": 0, "gained": 0, "lost": 0}


def test_a_file_that_is_not_there_is_one_line(cli: Cli) -> None:  # noqa: F811
    called = cli("backtest", "published", "b2b", "--file", "absent.jsonl")
    assert (called.code, called.err) == (1, "error: cannot read absent.jsonl: No such file or directory\n")


def test_all_cores_say_what_one_says(monkeypatch: Any) -> None:
    monkeypatch.setattr(parallel, "WORTH_A_PROCESS", 1)
    source = read(several(Random(3)))
    names = [Named("published", "leadstreams"), Named("b2b", "leadstreams")]
    told: list[int] = []
    one = parallel.run(list(source.events), names, SECRET, source.end, told.append, cores=1)
    two = parallel.run(
        list(source.events), names, SECRET, source.end, told.append, cores=max(2, os.cpu_count() or 2)
    )
    assert sum(told) == 4 * len(source.events)
    for alone, shared in zip(one.trials, two.trials, strict=True):
        assert handed(alone.told) == handed(shared.told)
        assert alone.answers == shared.answers
        assert alone.leads == shared.leads
        assert {t.id for t in alone.told} == {t.id for t in shared.told}


def test_a_handoff_that_only_follows_silence_is_counted_apart(tmp_path: Path) -> None:
    asks = {"form_type": "contact", "company": "Acme", "country": "JP", "phone": "+81 3 1111 1111"}
    days = (0, 40, 80)
    source = read(
        [event("form_submitted", "fay", day, **asks) for day in days] + [event("page_viewed", "eve", 120)]
    )
    done = parallel.run(source.events, [Named("b2b", "leadstreams")] * 2, SECRET, source.end, lambda count: None)
    a, b = done.trials
    found = compare(a.told, b.told, a.answers, None, ZONE, source.end)
    assert found.counts["same"] == 1
    assert found.repeats == (2, 2)
