"""The demo as a stranger runs it: it ends by itself, shows handoffs and why, and notices what is wrong."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from streams.cli import demo as command
from streams.demo import play, posting, verdict
from streams.demo.cast import COMPANIES, Rank
from streams.demo.journey import Call
from streams.demo.patience import Failed
from streams.demo.play import Options, started
from streams.demo.screen import Screen
from streams.demo.story import FEWEST, STORIES, Journey, journeys
from streams.demo.watch import DeadLetter, Handoff, Note, Told, Watch
from streams.fit.fit import judge
from streams.identity.keys import Secret
from streams.scoring.instant import DAY
from tests.reference.b2b.adapter import b2b
from tests.stage import Stage

PROMISED_S = 60.0
NOW = 1_795_000_000_000
SECRET = Secret(b"a secret for tests")
DEMO = (sys.executable, "-c", "from streams.cli import main; main()", "demo")


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "LEADSTREAMS_MODEL": "/nobody/knows.yaml", "TMPDIR": str(tmp_path), "COLUMNS": "200"}


def quiet() -> Screen:
    return Screen(Console(quiet=True))


@pytest.mark.embedded
def test_the_demo_ends_within_a_minute_with_handoffs_in_words_and_an_account_that_adds_up(tmp_path: Path) -> None:
    begun = time.monotonic()
    arguments = [*DEMO, "--json", "--leads", str(FEWEST)]
    ran = subprocess.run(arguments, capture_output=True, text=True, env=environment(tmp_path), timeout=90)
    took = time.monotonic() - begun

    assert ran.returncode == 0, ran.stderr
    assert took < PROMISED_S
    assert list(tmp_path.iterdir()) == []
    assert "to sales" in ran.stderr
    for words in ("Asked for a demo (", "answers by", "Call within the hour", "to check", "to owner"):
        assert words in ran.stderr
    found = json.loads(ran.stdout)
    assert found["wrong"] == []
    assert found["funnel"] == {"visitor": FEWEST, "lead": 31, "mql": 24, "sql": 13}
    assert len(found["handoffs"]) == 14
    assert {note["kind"] for note in found["notes"]} == {"review_requested", "existing_relationship"}
    assert all(lead["held"] for lead in found["held"])
    events = found["events"]
    assert events["sent"] + events["added"] == events["scored"] + events["duplicates"] + events["dead_letters"]
    assert [(letter["reason"], letter["count"]) for letter in found["dead_letters"]] == [("future", 1)]


def test_a_worker_that_breaks_at_the_start_is_named_with_what_it_said_last() -> None:
    broken = ("/bin/sh", "-c", "echo 'the model is broken'; exit 2")
    with (
        pytest.raises(Failed, match=r"the worker ended by itself \(exit code 2\)") as failure,
        started(Options(worker=broken), quiet()),
    ):
        pass

    assert failure.value.log == "worker: the model is broken"


def test_a_worker_that_is_never_ready_ends_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "START_S", 0.5)
    with (
        pytest.raises(Failed, match="gave up waiting until the worker was ready"),
        started(Options(worker=("/bin/sleep", "600")), quiet()),
    ):
        pass


@pytest.mark.embedded
def test_a_worker_that_dies_on_the_way_ends_the_demo() -> None:
    with started(Options(leads=FEWEST), quiet()) as running:
        running.pipeline.processes[0].stop()
        with pytest.raises(Failed, match="the worker ended by itself"):
            running.play()


def test_the_command_knows_how_few_leads_there_may_be() -> None:
    assert (command.FEWEST, command.LEADS) == (FEWEST, play.LEADS)


def test_the_same_seed_plays_the_same_journeys() -> None:
    assert journeys(40, 7, NOW) == journeys(40, 7, NOW)
    assert journeys(40, 7, NOW) != journeys(40, 8, NOW)


@pytest.mark.parametrize("rank", Rank)
def test_every_title_and_company_of_the_cast_fits_as_the_stories_count_it(rank: Rank) -> None:
    terms = b2b().fit
    assert terms is not None
    for title in rank.value:
        for _, _, employees, industry, country in COMPANIES:
            known = {"title": title, "employees": employees, "industry": industry, "country": country}
            assert judge(known, terms).points == rank.fit, (title, industry)


@pytest.mark.parametrize("seed", range(5))
def test_every_story_ends_on_the_core_alone_as_it_was_worked_out_by_hand(seed: int, tmp_path: Path) -> None:
    played = journeys(100, seed, NOW)
    calls = sorted((call for journey in played for call in journey.calls), key=lambda call: call.at)
    stage = Stage(SECRET, tmp_path)
    stage.play(calls, NOW)

    assert verdict.wrong(played, verdict.expected(played, SECRET), stage.watch) == []
    added = sum(journey.retractions for journey in played)
    assert stage.events + len(stage.watch.dead) == len(calls) + added


@pytest.mark.parametrize("seed", range(20))
def test_what_sales_answers_is_played_after_the_handoff_was_seen(seed: int) -> None:
    ends = [end for end, _ in play.CHAPTERS]

    def chapter(call: Call) -> int:
        return next(n for n, end in enumerate(ends) if call.at < NOW - (28 - end) * DAY)

    for journey in journeys(100, seed, NOW):
        answers = [call for call in journey.calls if call.name.startswith("handoff_")]
        for answer in answers:
            before = [call for call in journey.calls if call.at < answer.at and call.method not in posting.PATHS]
            assert chapter(before[-1]) < chapter(answer)


@pytest.mark.parametrize("seed", range(20))
def test_every_story_stays_within_the_four_weeks_and_has_leads_of_its_own(seed: int) -> None:
    played = journeys(100, seed, NOW)
    calls = [call for journey in played for call in journey.calls]
    late = [call for call in calls if call.at > NOW]

    assert len(verdict.expected(played, SECRET)) == 100
    assert min(call.at for call in calls) > NOW - 28 * DAY
    assert len(late) == sum(journey.dead for journey in played)
    assert len(calls) - len({call.id for call in calls}) == sum(journey.duplicates for journey in played)
    assert {journey.story for journey in played} >= {story.tells for story in STORIES}


def test_every_event_must_be_accounted_for() -> None:
    played = journeys(FEWEST, 1, NOW)

    assert verdict.unaccounted(100, Counter(scored=99, duplicate=2), 1, played) == []
    assert len(verdict.unaccounted(100, Counter(scored=101), 1, played)) == 1
    assert len(verdict.unaccounted(100, Counter(scored=98, duplicate=2), 1, played)) == 1


def watched(played: list[Journey]) -> Watch:
    """What a pipeline without fault would have shown."""
    watch = Watch(None)
    for number, (key, (end, _)) in enumerate(verdict.expected(played, SECRET).items()):
        if end.stage != "visitor":
            watch.stages[key] = ["lead", *([end.passes] if end.passes else []), end.stage]
            watch.leads[key] = Told(end.stage, "Ada Abe", "Kitano", 70.0, "A", end.held)
        watch.handoffs += [sold(key, f"ho-{number}-{cycle}", lane) for cycle, lane in enumerate(end.lanes)]
        watch.notes += [
            Note(key, kind, "Ada Abe", "Kitano", "Asked", "", "inside-sales", "") for kind in end.notes
        ]
    watch.dead.append(DeadLetter("future", "a wrong clock"))
    return watch


def sold(key: str, handoff_id: str, lane: str) -> Handoff:
    who, told = ("Ada Abe", "CIO", "Kitano"), ("Spoke with a salesperson", "Call.", "")
    return Handoff(
        key, handoff_id, *who, 70.0, "A", lane, *told, "jp-sdr", "2026-11-24T08:00:00.000Z", True, 1, 50.0
    )


def complaints(watch: Watch, played: list[Journey]) -> list[str]:
    return verdict.wrong(played, verdict.expected(played, SECRET), watch)


def test_nothing_is_wrong_with_what_the_model_says() -> None:
    played = journeys(40, 3, NOW)

    assert complaints(watched(played), played) == []


def lost_handoff(watch: Watch) -> None:
    watch.handoffs.pop()


def doubled_handoff(watch: Watch) -> None:
    watch.handoffs.append(watch.handoffs[0])


def handoff_without_a_reason(watch: Watch) -> None:
    watch.handoffs[0] = watch.handoffs[0]._replace(reason="")


def strangers_handoff(watch: Watch) -> None:
    watch.handoffs.append(watch.handoffs[0]._replace(lead_key="e1-somebody"))


def handoff_without_a_deadline(watch: Watch) -> None:
    watch.handoffs[0] = watch.handoffs[0]._replace(respond_by="")


def handoff_by_another_lane(watch: Watch) -> None:
    watch.handoffs[0] = watch.handoffs[0]._replace(lane="quote" if watch.handoffs[0].lane != "quote" else "demo")


def unanswered_hand(watch: Watch) -> None:
    watch.notes.pop()


def held_for_no_reason(watch: Watch) -> None:
    key = next(key for key, told in watch.leads.items() if told.held)
    watch.leads[key] = watch.leads[key]._replace(held="")


def wrong_stage(watch: Watch) -> None:
    next(iter(watch.stages.values())).append("sql")


def way_without_a_stage(watch: Watch) -> None:
    stages = next(stages for stages in watch.stages.values() if len(stages) > 2)
    del stages[1]


def lost_dead_letter(watch: Watch) -> None:
    watch.dead.clear()


@pytest.mark.parametrize(
    "fault",
    [
        *(lost_handoff, doubled_handoff, handoff_without_a_reason, handoff_without_a_deadline, strangers_handoff),
        *(handoff_by_another_lane, unanswered_hand, held_for_no_reason, wrong_stage, way_without_a_stage),
        lost_dead_letter,
    ],
)
def test_one_fault_is_one_complaint(fault: Callable[[Watch], None]) -> None:
    played = journeys(40, 3, NOW)
    watch = watched(played)
    fault(watch)

    assert len(complaints(watch, played)) == 1
