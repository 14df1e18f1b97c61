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
from streams.demo import play, verdict
from streams.demo.patience import Failed
from streams.demo.play import Options, started
from streams.demo.screen import Screen
from streams.demo.story import FEWEST, STORIES, Journey, journeys
from streams.demo.watch import DeadLetter, Handoff, Watch
from streams.identity.keys import Secret

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
    assert "Spoke with a salesperson (" in ran.stderr
    found = json.loads(ran.stdout)
    assert found["wrong"] == []
    assert found["funnel"] == {"visitor": FEWEST, "lead": 14, "mql": 12, "sql": 3}
    assert all(handoff["score"] >= 40 and handoff["reason"] for handoff in found["handoffs"])
    events = found["events"]
    assert events["sent"] == events["scored"] + events["duplicates"] + events["dead_letters"]
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


@pytest.mark.parametrize("seed", range(20))
def test_every_story_stays_within_the_four_weeks_and_has_leads_of_its_own(seed: int) -> None:
    played = journeys(100, seed, NOW)
    calls = [call for journey in played for call in journey.calls]
    late = [call for call in calls if call.at > NOW]

    assert len(verdict.expected(played, SECRET)) == 100
    assert min(call.at for call in calls) > NOW - 28 * 86_400_000
    assert len(late) == sum(journey.dead for journey in played)
    assert len(calls) - len({call.id for call in calls}) == sum(journey.duplicates for journey in played)
    assert {journey.story for journey in played} >= {story.tells for story in STORIES}


def test_every_event_must_be_accounted_for() -> None:
    played = journeys(FEWEST, 1, NOW)

    assert verdict.unaccounted(100, Counter(scored=97, duplicate=2), 1, played) == []
    assert len(verdict.unaccounted(100, Counter(scored=99), 1, played)) == 1
    assert len(verdict.unaccounted(100, Counter(scored=96, duplicate=2), 1, played)) == 1


def watched(played: list[Journey]) -> Watch:
    """What a pipeline without fault would have shown."""
    watch = Watch(None)
    for key, (stage, _) in verdict.expected(played, SECRET).items():
        if stage != "visitor":
            watch.stages[key] = list(verdict.FUNNEL[1 : verdict.FUNNEL.index(stage) + 1])
        if stage == "sql":
            watch.handoffs.append(Handoff(key, "Ada Abe", "Kitano", 40.0, "Spoke with a salesperson", 50.0))
    watch.dead.append(DeadLetter("future", "a wrong clock"))
    return watch


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


def wrong_stage(watch: Watch) -> None:
    next(iter(watch.stages.values())).append("sql")


def lost_dead_letter(watch: Watch) -> None:
    watch.dead.clear()


@pytest.mark.parametrize(
    "fault",
    [lost_handoff, doubled_handoff, handoff_without_a_reason, strangers_handoff, wrong_stage, lost_dead_letter],
)
def test_one_fault_is_one_complaint(fault: Callable[[Watch], None]) -> None:
    played = journeys(40, 3, NOW)
    watch = watched(played)
    fault(watch)

    assert len(complaints(watch, played)) == 1
