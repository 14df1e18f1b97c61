"""What became of a handoff: answers make episodes, and a handoff has the first that was not over."""

from hypothesis import given
from hypothesis import strategies as st

from streams.analysis.interval import FEWEST, share, wilson
from streams.analysis.outcome import MEETING, WON, Outcome, episodes, outcome
from streams.analysis.trial import Answer
from streams.scoring.instant import DAY

END = 400 * DAY


def said(day: float, kind: str, reason: str | None = None, person: str = "p") -> Answer:
    return Answer(person, int(day * DAY), f"{day}", kind, None, reason, None, None)


def of(day: float, *answers: Answer, handed: tuple[int, ...] = (), end: int = END) -> Outcome:
    return outcome(int(day * DAY), episodes(answers).get("p", []), handed, end)


def test_a_handoff_has_the_outcome_that_follows_it() -> None:
    found = of(10, said(11, "handoff_accepted"), said(12, "meeting_booked"), said(40, "deal_won"))
    assert (found.word, found.reached(WON)) == ("won", True)


def test_one_that_is_later_than_the_live_one_belongs_to_the_episode_still_running() -> None:
    assert of(20, said(11, "handoff_accepted"), said(40, "deal_won")).word == "won"


def test_one_after_the_end_of_an_episode_is_not_judged_by_it() -> None:
    found = of(
        41, said(11, "handoff_accepted"), said(40, "handoff_rejected", "timing"), said(60, "meeting_booked")
    )
    assert (found.word, found.reached(WON)) == ("meeting", None)


def test_a_rejection_is_final_for_what_was_not_reached() -> None:
    found = of(10, said(11, "handoff_rejected", "no_budget"))
    assert (found.word, found.why, found.reached(MEETING)) == ("rejected", "no_budget", False)


def test_an_answer_long_after_is_about_something_else() -> None:
    assert of(10, said(10 + 91, "meeting_booked")).word == "unknown"


def test_silence_counts_against_a_handoff_that_really_was() -> None:
    assert of(10, handed=(10 * DAY,)).word == "unanswered"
    assert of(10, handed=(10 * DAY,)).reached(1) is False
    assert of(10, handed=(10 * DAY,), end=20 * DAY).word == "unknown"
    assert of(10).reached(1) is None


def test_another_persons_answer_says_nothing() -> None:
    assert of(10, said(11, "deal_won", person="q")).word == "unknown"


def test_small_samples_have_counts_only() -> None:
    assert share(5, FEWEST - 1)[:3] == (5, FEWEST - 1, None)
    found = share(10, 20)
    assert found.share == 0.5
    # R: binom::binom.wilson(10, 20) gives 0.2992980 and 0.7007020
    assert abs((found.low or 0) - 0.2992980) < 1e-6
    assert abs((found.high or 0) - 0.7007020) < 1e-6


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_its_share_and_mirrors(good: int, bad: int) -> None:
    low, high = wilson(good, good + bad)
    assert 0 <= low <= high <= 1
    if good + bad:
        assert low <= good / (good + bad) <= high
    other = wilson(bad, good + bad)
    assert abs(other[0] - (1 - high)) < 1e-9
    assert abs(other[1] - (1 - low)) < 1e-9
